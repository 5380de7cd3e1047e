using System.Collections.Immutable;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.RegionNode;
using Capillary.Tests.Core.Protocol;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.RegionNode;

/// <summary>A rotation of the release keys reaches a region piece by piece: its children see the old whole, then the new whole.</summary>
public sealed class OfferTests
{
    private static readonly Envelope NewBeacon = TestFleet.Sign(TestFleet.Beacon with { IssuedAt = TestFleet.Issued.AddHours(1) }, TestFleet.NextBeaconKey);

    private static DesiredState Before { get; } = TestSessions.State with
    {
        OwnRecord = TestSessions.Signed(TestFleet.EuRecord),
        Records = new[] { TestFleet.EuRecord, TestFleet.BaselRecord, TestFleet.LyonRecord }.ToImmutableDictionary(one => one.Node, TestSessions.Signed),
        Lines = TestSessions.State.Lines.Remove(TestFleet.Boston),
    };

    private static ImmutableDictionary<Capillary.Core.Identity.SiteId, OfferedLine> NewLines { get; } =
        TestSessions.Lines(TestFleet.Plan, TestFleet.Signed(8, TestFleet.Plan, TestFleet.NextRelease)).Remove(TestFleet.Boston);

    private static SignedRecord Anew(NodeRecord record) =>
        new(record with { Version = record.Version + 1 }, TestFleet.Sign(record with { Version = record.Version + 1 }, TestFleet.NextRelease));

    private static readonly (string Name, Func<DesiredState, DesiredState> Change)[] Pieces =
    [
        ("root", held => held with { TrustRoots = [SignedGoldens.Root1, SignedGoldens.Root2], Beacon = NewBeacon }),
        ("own", held => held with { OwnRecord = Anew(TestFleet.EuRecord), Records = held.Records.SetItem(TestFleet.EuRecord.Node, Anew(TestFleet.EuRecord)) }),
        ("basel", held => held with { Records = held.Records.SetItem(TestFleet.BaselRecord.Node, Anew(TestFleet.BaselRecord)) }),
        ("lyon", held => held with { Records = held.Records.SetItem(TestFleet.LyonRecord.Node, Anew(TestFleet.LyonRecord)) }),
        ("line 1", held => held with { Lines = held.Lines.SetItem(TestFleet.Basel, NewLines[TestFleet.Basel]) }),
        ("line 2", held => held with { Lines = held.Lines.SetItem(TestFleet.Lyon, NewLines[TestFleet.Lyon]) }),
    ];

    /// <summary>With and without a restart of the region between any two pieces.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Promise5_children_never_get_a_mixture(bool restarts)
    {
        var held = Before;
        var offered = Offer.First(held);
        foreach (var (name, change) in Pieces)
        {
            held = change(held);
            offered = restarts ? Offer.First(held) : Offer.Next(offered, held, null);
            AssertOneRoot(offered, name);
            AssertLetsIn(offered, held, name);
            if (!restarts) Assert.True(offered.TrustRoots.Count == (name == "line 2" ? 2 : 1), name);
        }
        Assert.Equal(2, offered.TrustRoots.Count);
        Assert.Equal(held.Records, offered.Records);
        Assert.Equal(held.Lines, offered.Lines);
        Assert.Equal(NewBeacon.Digest, offered.Beacon!.Digest);
        Assert.Empty(offered.Withheld);
    }

    /// <summary>A line of a site that retired, a record that the hub does not sign anew: neither may hold the region back for ever.</summary>
    [Fact]
    public void Promise5_what_is_never_signed_anew_holds_no_region_back()
    {
        var revoked = TestFleet.LyonRecord with { State = RecordState.Revoked };
        var held = Pieces[..3].Append(Pieces[4]).Aggregate(Before, (state, piece) => piece.Change(state));
        // Lyon's line and record stay as they were; the parent said that all lines came.
        var complete = NewLines[TestFleet.Basel].Checkpoint.Envelope;
        Assert.Single(Offer.Next(Before, held, null).TrustRoots);
        var offered = Offer.Next(Before, held, complete);
        Assert.Equal(2, offered.TrustRoots.Count);
        AssertOneRoot(offered, "complete");
        // Without any such word: a revoked site's line does not count.
        held = held with { Records = held.Records.SetItem(revoked.Node, Anew(revoked)) };
        Assert.Equal(2, Offer.Next(Before, held, null).TrustRoots.Count);
    }

    /// <summary>After its own succession the server shows the new key: children can only be shown the record that names it.</summary>
    [Fact]
    public void Promise5_a_region_whose_key_changed_shows_the_record_that_names_it()
    {
        var own = Anew(TestFleet.EuRecord with { IdentityKey = TestKey.Named("lyon").Public });
        var held = Pieces[0].Change(Before) with { OwnRecord = own };
        var offered = Offer.Next(Before, held, null);
        Assert.Equal((2, own), (offered.TrustRoots.Count, offered.OwnRecord));
        AssertOneRoot(offered, "own key");
        AssertLetsIn(offered, held, "own key");
    }

    /// <summary>A power cut between the trust root and the beacon that came with it: the old beacon would lock every child out.</summary>
    [Fact]
    public void Promise5_a_beacon_that_no_child_could_verify_is_not_offered()
    {
        var held = Pieces.Aggregate(Before, (state, piece) => piece.Change(state)) with { Beacon = SignedGoldens.Beacon };
        Assert.Null(Offer.First(held).Beacon);
        Assert.Equal(2, Offer.First(held).TrustRoots.Count);
    }

    private static void AssertOneRoot(DesiredState offered, string name)
    {
        var root = TrustRoot.Parse(offered.TrustRoots[^1]);
        NodeRecord.Verify(offered.OwnRecord.Envelope, root);
        foreach (var child in (NodeRecord[])[TestFleet.BaselRecord, TestFleet.LyonRecord])
        {
            foreach (var record in offered.RecordsFor(child)) NodeRecord.Verify(record.Envelope, root);
            foreach (var line in offered.LinesFor(child, 0)) VerifiedCheckpoint.Verify(line.Checkpoint.Envelope, root);
        }
        if (offered.Beacon is { } beacon) Assert.True(Beacon.Verify(beacon, root) is not null, name);
    }

    private static void AssertLetsIn(DesiredState offered, DesiredState held, string name)
    {
        foreach (var item in held.Records.Values)
            Assert.True(offered.ActiveRecord(item.Record.Node, item.Record.IdentityKey.Id)?.Record.Version == item.Record.Version, name);
    }
}
