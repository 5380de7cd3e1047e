using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Reports;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>The parent knows a child by its key, gives it what is its own, and hears from it no more than it may say.</summary>
public sealed class ParentSessionTests
{
    private static readonly DesiredState State = TestSessions.State;

    [Fact]
    public void A_child_gets_its_own_lines_and_records()
    {
        Assert.Equal(TestFleet.Plan[0].ToLeaf(), Assert.Single(Greeted(TestFleet.BaselRecord).OfType<Frame.Desired>()).Lines.Single().Leaf);
        var region = Greeted(TestFleet.EuRecord);
        Assert.Equal([0L, 2L], Assert.Single(region.OfType<Frame.Desired>()).Lines.Select(line => line.Index));
        var records = Assert.Single(region.OfType<Frame.RecordSet>());
        Assert.True(records.Full);
        Assert.Equal(["basel-lab-1", "lyon-lab-2", "region-eu"], records.Items.Select(item => NodeRecord.Verify(item, TestFleet.Root1).Node.Value).Order());
    }

    [Fact]
    public void A_region_that_holds_the_records_is_not_sent_them_again()
    {
        var held = DesiredState.DigestOf(State.RecordsFor(TestFleet.EuRecord));
        Assert.Empty(Greeted(TestFleet.EuRecord, held).OfType<Frame.RecordSet>());
    }

    /// <summary>A records frame only adds; a site that left must leave the region's set too, or it would be let in there for ever.</summary>
    [Fact]
    public void A_site_that_moves_away_leaves_the_regions_records()
    {
        var session = TestSessions.LiveParent(TestFleet.EuRecord);
        var moved = TestSessions.Signed(TestFleet.LyonRecord with { Region = TestFleet.Us, Version = 2 });
        var frames = Sent(session.OnState(State with { Records = State.Records.SetItem(moved.Record.Node, moved) }));
        var set = Assert.Single(frames.OfType<Frame.RecordSet>());
        Assert.True(set.Full);
        Assert.Equal(["basel-lab-1", "region-eu"], set.Items.Select(item => NodeRecord.Verify(item, TestFleet.Root1).Node.Value).Order());
    }

    [Fact]
    public void Promise1_a_child_without_an_active_record_for_its_key_is_refused()
    {
        foreach (var (node, key) in ((string, string)[])[("basel-lab-1", "lyon"), ("nobody", "basel"), ("basel-lab-1", "stranger")])
        {
            var session = new ParentSession(TestKey.Named(key).Id);
            _ = session.OnFrame(new Frame.TrustQuery(LinkProtocol.Version, new(node), 1), State).ToList();
            Refused("not-enrolled", session.OnFrame(new Frame.Hello(0, null, "x", "boot"), State));
        }
        var revoked = State with { Revocations = [TestFleet.BaselRecord.IdentityKey.Id] };
        Refused("revoked", TestSessions.LiveParent(TestFleet.BaselRecord).OnState(revoked));
        Refused("revoked", TestSessions.LiveParent(TestFleet.BaselRecord).OnState(With(TestFleet.BaselRecord with
        {
            State = RecordState.Revoked, Version = 2,
        })), told: 2);
    }

    /// <summary>A parent that came back from a backup hears it from its own children and from nobody else.</summary>
    [Fact]
    public void A_newer_trust_root_is_believed_of_a_known_key_only()
    {
        Assert.Equal([new ParentOutput.RootAhead(TestFleet.EuRecord.Node, 2)], Ahead("region-eu", 2, State));
        Assert.Empty(Ahead("region-eu", 1, State));
        Assert.Empty(Ahead("stranger", 2, State));
        Assert.Empty(Ahead("region-eu", 2, State with { Revocations = [TestFleet.EuRecord.IdentityKey.Id] }));

        static IEnumerable<ParentOutput.RootAhead> Ahead(string key, long version, DesiredState state) =>
            new ParentSession(TestKey.Named(key).Id).OnFrame(new Frame.TrustQuery(LinkProtocol.Version, TestFleet.EuRecord.Node, version), state)
                .OfType<ParentOutput.RootAhead>();
    }

    private static DesiredState With(NodeRecord record) =>
        State with { Records = State.Records.SetItem(record.Node, TestSessions.Signed(record)) };

    private static DesiredState InEu(DesiredState state) => state with { OwnRecord = TestSessions.Signed(TestFleet.EuRecord) };

    [Fact]
    public void A_session_of_a_key_that_was_succeeded_gets_the_record_and_ends()
    {
        var succeeded = With(TestFleet.BaselRecord with { IdentityKey = TestKey.Named("lyon").Public, Previous = TestKey.Named("basel").Id, Version = 2 });
        Refused("old-key", TestSessions.LiveParent(TestFleet.BaselRecord).OnState(succeeded), told: 2);
        // Whoever dials with it gets no more than the refusal, and the parent is told.
        var outputs = Hello(TestFleet.BaselRecord, succeeded);
        Assert.Equal(2, Assert.Single(outputs.OfType<ParentOutput.OldKeyShown>()).Record.Version);
        Refused("old-key", outputs.Where(output => output is not ParentOutput.OldKeyShown));
    }

    [Fact]
    public void Promise2_a_site_that_moved_is_told_where_by_its_old_region()
    {
        var moved = InEu(With(TestFleet.BaselRecord with { Region = TestFleet.Us, MovedFrom = [TestFleet.Eu], Version = 2 }));
        Refused("moved", TestSessions.LiveParent(TestFleet.BaselRecord, state: InEu(State)).OnState(moved), told: 2);
        Refused("moved", Hello(TestFleet.BaselRecord, moved), told: 2);
        Assert.Contains(moved.RecordsFor(TestFleet.EuRecord), item => item.Record.Node.Value == "basel-lab-1");
    }

    /// <summary>A retired release key that was stolen must not put the hub in the wrong with a generation that never was.</summary>
    [Fact]
    public void Promise1_a_retired_release_key_proves_no_generation_that_is_not_known()
    {
        var rotated = State with { TrustRoots = [SignedGoldens.Root1, SignedGoldens.Root2] };
        Assert.NotNull(rotated.Proven(TestFleet.Signed(7, TestFleet.Plan).Envelope));
        Assert.Null(rotated.Proven(TestFleet.Signed(8, TestFleet.Plan).Envelope));
        Assert.NotNull(rotated.Proven(TestFleet.Signed(8, TestFleet.Plan, TestFleet.NextRelease).Envelope));
        Assert.Null(rotated.Proven(TestFleet.Signed(7, TestFleet.Plan, TestFleet.Stranger).Envelope));
        Assert.Null(rotated.Proven(null));
    }

    [Fact]
    public void A_child_is_not_sent_what_it_could_not_verify_yet()
    {
        var held = State with { Withheld = [TestFleet.BaselRecord.Node] };
        Assert.Empty(Sent(Hello(TestFleet.BaselRecord, held)).OfType<Frame.RecordSet>().SelectMany(set => set.Items));
        Assert.Single(Hello(TestFleet.BaselRecord, held).OfType<ParentOutput.Joined>());
    }

    [Fact]
    public void Promise3_events_and_successions_are_taken_only_from_their_site_or_its_region()
    {
        foreach (var (from, takes) in ((NodeRecord, bool)[])
            [(TestFleet.BaselRecord, true), (TestFleet.EuRecord, true), (TestFleet.LyonRecord, false), (TestFleet.UsRecord, false)])
        {
            var events = Assert.Single(TestSessions.LiveParent(from).OnFrame(new Frame.EventsUp(TestEvents.Sign(TestEvents.Batch)), State));
            Assert.Equal(takes, events is ParentOutput.TakeEvents);
            var succession = TestFleet.Sign(PayloadTypes.Succession, new Succession(1, TestFleet.Name, new("basel-lab-1"),
                TestKey.Named("basel").Public, TestKey.Named("lyon").Public).ToPayload(), TestKey.Named("basel"), TestKey.Named("lyon"));
            Assert.Equal(takes, Assert.Single(TestSessions.LiveParent(from).OnFrame(new Frame.SuccessionUp(succession), State)) is ParentOutput.Succeed);
        }
    }

    [Fact]
    public void A_region_tells_of_copies_among_its_own_sites_only()
    {
        CloneSighting Of(string node) => new(new(node), TestKey.Named("basel").Id, CloneSign.OldKey, 1, TestFleet.Issued);
        var frame = new Frame.CloneUp([Of("basel-lab-1"), Of("boston-ward-3"), Of("region-eu"), Of("nowhere")]);
        var seen = Assert.IsType<ParentOutput.Sighted>(Assert.Single(TestSessions.LiveParent(TestFleet.EuRecord).OnFrame(frame, State)));
        Assert.Equal("basel-lab-1", Assert.Single(seen.Sightings).Node.Value);
        Refused("unexpected-frame", TestSessions.LiveParent(TestFleet.BaselRecord).OnFrame(frame, State));
    }

    private static List<ParentOutput> Hello(NodeRecord child, DesiredState state)
    {
        var session = new ParentSession(child.IdentityKey.Id);
        _ = session.OnFrame(new Frame.TrustQuery(LinkProtocol.Version, child.Node, 1), state).ToList();
        return [.. session.OnFrame(new Frame.Hello(0, null, "test", "boot"), state)];
    }

    [Fact]
    public void Frames_come_in_order()
    {
        foreach (var frame in (Frame[])[Frame.Beat.Instance, new Frame.ReportUp(TestReports.Sign(TestReports.Healthy)), new Frame.Alive([])])
            Refused("hello-first", new ParentSession(TestKey.Named("basel").Id).OnFrame(frame, State));
        var query = new Frame.TrustQuery(LinkProtocol.Version, new("basel-lab-1"), 1);
        Refused("unexpected-frame", new ParentSession(TestKey.Named("basel").Id).OnFrame(new Frame.Hello(0, null, "x", "boot"), State));
        Refused("unexpected-frame", TestSessions.LiveParent(TestFleet.BaselRecord).OnFrame(new Frame.Hello(0, null, "x", "boot"), State));
        Refused("unexpected-frame", TestSessions.LiveParent(TestFleet.BaselRecord).OnFrame(query, State));
        Refused("unexpected-frame", TestSessions.LiveParent(TestFleet.BaselRecord).OnFrame(new Frame.Alive([TestFleet.Basel]), State));
        Refused("unexpected-frame", TestSessions.LiveParent(TestFleet.BaselRecord).OnFrame(new Frame.BeaconDown(SignedGoldens.Beacon), State));
        Refused("protocol", new ParentSession(TestKey.Named("basel").Id).OnFrame(query with { Protocol = 1 }, State));
    }

    /// <summary>A query is small and its answer may be large; asking again and again would make the parent work for nothing.</summary>
    [Fact]
    public void The_trust_query_is_answered_once()
    {
        var session = new ParentSession(TestFleet.Stranger.Id);
        var query = new Frame.TrustQuery(LinkProtocol.Version, new("basel-lab-1"), 0);
        Assert.Single(Assert.IsType<Frame.TrustAnswer>(Assert.Single(Sent(session.OnFrame(query, State)))).Chain);
        Refused("unexpected-frame", session.OnFrame(query, State));
    }

    [Theory]
    [InlineData(long.MinValue, 1)]
    [InlineData(-1, 1)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(long.MaxValue, 0)]
    public void Any_asked_version_gets_an_answer(long asked, int links)
    {
        var answer = new ParentSession(TestFleet.Stranger.Id).OnFrame(new Frame.TrustQuery(LinkProtocol.Version, new("basel-lab-1"), asked), State);
        Assert.Equal(links, Assert.IsType<Frame.TrustAnswer>(Assert.Single(Sent(answer))).Chain.Count);
    }

    [Fact]
    public void Promise1_a_report_is_taken_only_from_its_site_or_its_region()
    {
        var basel = TestReports.Sign(TestReports.Healthy);
        var boston = TestReports.Sign(TestReports.Healthy with { Site = TestFleet.Boston }, "boston");
        Assert.True(Takes(TestFleet.BaselRecord, basel));
        Assert.True(Takes(TestFleet.EuRecord, basel));
        Assert.True(Takes(TestFleet.UsRecord, boston));
        Assert.False(Takes(TestFleet.UsRecord, basel));
        Assert.False(Takes(TestFleet.EuRecord, boston));
        Assert.False(Takes(TestFleet.LyonRecord, basel));
        Assert.False(Takes(TestFleet.EuRecord, TestReports.Sign(TestReports.Healthy with { Site = new("nowhere") })));
        Assert.False(Takes(TestFleet.EuRecord, new Envelope(PayloadTypes.Report, "nonsense"u8.ToArray(), [])));
    }

    [Fact]
    public void Promise6_a_region_says_of_its_own_sites_only_that_they_live()
    {
        var heard = TestSessions.LiveParent(TestFleet.EuRecord)
            .OnFrame(new Frame.Alive([TestFleet.Basel, TestFleet.Boston, new("nowhere"), new("region-eu"), default]), State);
        Assert.Equal(TestFleet.Basel, Assert.Single(Assert.IsType<ParentOutput.HeardOf>(Assert.Single(heard)).Sites));
    }

    private static bool Takes(NodeRecord from, Envelope report)
    {
        var output = Assert.Single(TestSessions.LiveParent(from).OnFrame(new Frame.ReportUp(report), State));
        if (output is ParentOutput.Take) return true;
        Assert.NotNull(Assert.IsType<Frame.ReportAck>(Assert.IsType<ParentOutput.Send>(output).Frame).Refused);
        return false;
    }

    private static List<Frame> Greeted(NodeRecord child, Capillary.Core.Bundles.Digest? records = null)
    {
        var session = new ParentSession(child.IdentityKey.Id);
        _ = session.OnFrame(new Frame.TrustQuery(LinkProtocol.Version, child.Node, 1), State).ToList();
        return Sent(session.OnFrame(new Frame.Hello(0, records, "test", "boot"), State));
    }

    private static List<Frame> Sent(IEnumerable<ParentOutput> outputs) => [.. outputs.OfType<ParentOutput.Send>().Select(output => output.Frame)];

    /// <summary>Nothing is sent but the refusal and, when <paramref name="told"/>, the child's own record of that version before it.</summary>
    private static void Refused(string code, IEnumerable<ParentOutput> outputs, long? told = null)
    {
        var all = outputs.ToList();
        var sent = Sent(all);
        Assert.Equal(code, Assert.IsType<Frame.Refusal>(sent[^1]).Code);
        var records = sent.SkipLast(1).SelectMany(frame => Assert.IsType<Frame.RecordSet>(frame).Items)
            .Select(item => NodeRecord.Verify(item, TestFleet.Root1).Version).ToList();
        Assert.Equal(told is { } version ? [version] : [], records);
        Assert.IsType<ParentOutput.Close>(all[^1]);
    }
}
