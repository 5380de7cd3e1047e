using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Reports;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>The child believes nothing before its parent is proven, and no more afterwards than is signed.</summary>
public sealed class ChildSessionTests
{
    private static readonly DateTimeOffset Now = TestSessions.Now;

    [Fact]
    public void It_asks_first_and_greets_a_proven_parent()
    {
        var child = new ChildSession(new("basel-lab-1"), TrustState.Begin(SignedGoldens.Root1), TestKey.Named("hub").Id, () => new(5, null, "x", "boot"));
        Assert.Equal(new Frame.TrustQuery(LinkProtocol.Version, new("basel-lab-1"), 1), Assert.IsType<ChildOutput.Send>(Assert.Single(child.Start(Now))).Frame);
        var outputs = child.OnFrame(new Frame.TrustAnswer([], SignedGoldens.Hub, SignedGoldens.Beacon), Now);
        Assert.Equal(TestFleet.Beacon.IssuedAt, Assert.IsType<ChildOutput.KeepTrust>(outputs[0]).Trust.TimeFloor);
        Assert.Equal(new Frame.Hello(5, null, "x", "boot"), Assert.IsType<ChildOutput.Send>(outputs[1]).Frame);
        Assert.Equal("hub", Assert.IsType<ChildOutput.Live>(outputs[2]).Parent.Node.Value);
    }

    [Fact]
    public void Promise1_no_frame_is_heard_before_the_parent_is_proven()
    {
        foreach (var frame in (Frame[])
            [
                new Frame.Desired(SignedGoldens.Checkpoint, [TestFleet.Proof(0)], true), new Frame.RecordSet([SignedGoldens.Basel], true, true),
                new Frame.BeaconDown(SignedGoldens.Beacon), new Frame.ReportAck(SignedGoldens.Beacon.Digest, null), Frame.Beat.Instance,
                new Frame.Hello(1, null, "x", "boot"), new Frame.ReportUp(TestReports.Sign(TestReports.Healthy)),
            ])
            Fails("unproven-parent", TestSessions.NewChild().OnFrame(frame, Now));
        Assert.Empty(TestSessions.NewChild().OnTick(Now.AddSeconds(31)));
    }

    [Fact]
    public void Promise1_a_parent_must_hold_the_key_of_its_record() =>
        Fails("wrong-parent-key", TestSessions.NewChild("stranger").OnFrame(new Frame.TrustAnswer([], SignedGoldens.Hub, null), Now));

    [Fact]
    public void Promise1_a_site_or_a_revoked_node_is_no_parent()
    {
        Fails("untrusted", TestSessions.NewChild("basel").OnFrame(new Frame.TrustAnswer([], SignedGoldens.Basel, null), Now));
        var revoked = TestFleet.Sign(TestFleet.EuRecord with { State = RecordState.Revoked });
        Fails("untrusted", TestSessions.NewChild("region-eu").OnFrame(new Frame.TrustAnswer([], revoked, null), Now));
        // By the beacon that comes with the answer, by one held from before, and by one that comes later.
        var us = new Frame.TrustAnswer([], TestFleet.Sign(TestFleet.UsRecord), null);
        Fails("untrusted", TestSessions.NewChild("region-us").OnFrame(us with { Beacon = SignedGoldens.Beacon }, Now));
        var held = TrustState.Begin(SignedGoldens.Root1).WithBeacon(SignedGoldens.Beacon);
        Fails("untrusted", TestSessions.NewChild("region-us", held).OnFrame(us, Now));
        var live = TestSessions.NewChild("region-us");
        Assert.Contains(live.OnFrame(us, Now), output => output is ChildOutput.Live);
        Fails("untrusted", live.OnFrame(new Frame.BeaconDown(SignedGoldens.Beacon), Now));
    }

    [Fact]
    public void Promise1_an_older_beacon_is_a_replay_and_changes_nothing()
    {
        var older = TestFleet.Sign(TestFleet.Beacon with { IssuedAt = TestFleet.Beacon.IssuedAt.AddSeconds(-1), Revocations = [] });
        var fewer = TestFleet.Sign(TestFleet.Beacon with { IssuedAt = TestFleet.Beacon.IssuedAt.AddSeconds(1), Generation = 6, Revocations = [] });
        var child = TestSessions.NewChild(trust: TrustState.Begin(SignedGoldens.Root1).WithBeacon(SignedGoldens.Beacon));
        child.OnFrame(new Frame.TrustAnswer([], SignedGoldens.Hub, older), Now);
        foreach (var replay in (Envelope[])[older, fewer, SignedGoldens.Beacon])
        {
            Assert.Empty(child.OnFrame(new Frame.BeaconDown(replay), Now));
            Assert.True(child.Trust.IsRevoked(TestFleet.UsRecord.IdentityKey));
        }
    }

    [Fact]
    public void Promise1_what_no_trusted_key_signed_ends_the_session()
    {
        foreach (var frame in (Frame[])
            [
                new Frame.Desired(TestFleet.Signed(8, TestFleet.Plan, TestFleet.Stranger).Envelope, [], true),
                new Frame.Desired(TestFleet.Signed(8, TestFleet.Plan, TestFleet.BeaconKey).Envelope, [], true),
                new Frame.RecordSet([TestFleet.Sign(TestFleet.LyonRecord, TestFleet.Stranger)], true, true),
                new Frame.BeaconDown(TestFleet.Sign(TestFleet.Beacon, TestFleet.Release)),
                new Frame.TrustAnswer([], TestFleet.Sign(TestFleet.HubRecord, TestFleet.Stranger), null),
                new Frame.TrustAnswer([TestFleet.Sign(TestFleet.Root2, TestFleet.Stranger)], SignedGoldens.Hub, null),
            ])
        {
            var child = TestSessions.LiveChild();
            var before = child.Trust;
            Fails("untrusted", child.OnFrame(frame, Now));
            Assert.Same(before, child.Trust);
        }
    }

    [Fact]
    public void Promise1_a_rotation_takes_the_older_release_key_out_of_force()
    {
        var child = TestSessions.LiveChild();
        var hub = TestFleet.Sign(TestFleet.HubRecord, TestFleet.NextRelease);
        var kept = Assert.IsType<ChildOutput.KeepTrust>(child.OnFrame(new Frame.TrustAnswer([SignedGoldens.Root2], hub, null), Now)[0]);
        Assert.Equal(SignedGoldens.Root2.Digest, Assert.Single(kept.NewRoots).Digest);
        Assert.Equal(SignedGoldens.Root2.Digest, kept.Trust.RootEnvelope.Digest);
        Fails("untrusted", child.OnFrame(new Frame.Desired(SignedGoldens.Checkpoint, [TestFleet.Proof(0)], true), Now));
    }

    /// <summary>A key that names another curve, a null key, a null signature: each came before any proof and once ended the child's loop.</summary>
    [Fact]
    public void Promise8_an_unproven_parent_that_sends_nonsense_is_only_refused()
    {
        var json = System.Text.Encoding.UTF8.GetString(TestFleet.Root2.ToPayload());
        foreach (var payload in (string[])[json.Replace("\"rootKeys\":[", "\"rootKeys\":[null,"), "null", "7", json.Replace("MFkwEwYHKoZI", "MFkwEwYHKoZJ")])
        {
            var bad = new Envelope(PayloadTypes.TrustRoot, System.Text.Encoding.UTF8.GetBytes(payload), []);
            Fails("untrusted", TestSessions.NewChild().OnFrame(new Frame.TrustAnswer([bad], SignedGoldens.Hub, null), Now));
        }
    }

    [Fact]
    public void A_link_beats_every_30_seconds_and_is_dead_after_45()
    {
        var child = TestSessions.LiveChild();
        Assert.Empty(child.OnTick(Now.AddSeconds(29)));
        Assert.Equal(new ChildOutput.Send(Frame.Beat.Instance), Assert.Single(child.OnTick(Now.AddSeconds(30))));
        Assert.Empty(child.OnTick(Now.AddSeconds(45)));
        Fails("link-dead", [.. child.OnTick(Now.AddSeconds(45.001))]);
        child.OnFrame(Frame.Beat.Instance, Now.AddSeconds(46));
        Assert.DoesNotContain(child.OnTick(Now.AddSeconds(90)), output => output is ChildOutput.Fail);
    }

    /// <summary>An evil region on the way to the hub could give another one an empty set of records.</summary>
    [Fact]
    public void Promise5_a_region_has_no_parent_but_the_hub()
    {
        ChildSession Region(string key) => new(new("region-eu"), TrustState.Begin(SignedGoldens.Root1), TestKey.Named(key).Id,
            () => new(0, null, "x", "boot"), NodeKind.Region);
        Fails("untrusted", Region("region-us").OnFrame(new Frame.TrustAnswer([], TestFleet.Sign(TestFleet.UsRecord), null), Now));
        Assert.Contains(Region("hub").OnFrame(new Frame.TrustAnswer([], SignedGoldens.Hub, null), Now), output => output is ChildOutput.Live);
    }

    /// <summary>A set that was cut in an earlier session must never be ended by a few records that come beside it.</summary>
    [Fact]
    public void Promise5_only_a_whole_set_of_this_session_ends_a_set()
    {
        var child = TestSessions.LiveChild();
        bool Ends(bool full, bool complete) => Assert.IsType<ChildOutput.Records>(
            Assert.Single(child.OnFrame(new Frame.RecordSet([SignedGoldens.Basel], full, complete), Now))).Complete;
        Assert.False(Ends(full: false, complete: true));
        Assert.False(Ends(full: true, complete: false));
        Assert.True(Ends(full: false, complete: true));
        Assert.False(Ends(full: false, complete: true));
        Assert.True(Ends(full: true, complete: true));
    }

    [Fact]
    public void A_probe_is_answered_at_once() =>
        Assert.Equal(new ChildOutput.Send(new Frame.Probe(7)), Assert.Single(TestSessions.LiveChild().OnFrame(new Frame.Probe(7), Now)));

    private static void Fails(string code, IEnumerable<ChildOutput> outputs) => Assert.Equal(code, outputs.OfType<ChildOutput.Fail>().Single().Code);
}
