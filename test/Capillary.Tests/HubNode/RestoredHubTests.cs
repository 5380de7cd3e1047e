using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Observe;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>A hub that came back from an old backup publishes nothing and undoes nothing until a person says so (DESIGN section 6).</summary>
public sealed class RestoredHubTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly List<IDisposable> keys = [];
    private TestHub hub;

    public RestoredHubTests()
    {
        commits.Commit("c1", "a=1");
        hub = new TestHub(folder.Of("hub"), commits);
        hub.SettleAsync().GetAwaiter().GetResult();
        keys.Add(hub.EnrollRegion("eu"));
        keys.Add(hub.Enroll("a"));
        hub.JoinRegion("eu", Newest());
    }

    private VerifiedCheckpoint Newest() => hub.Hub.Cell.Value.Lines.Values.MaxBy(line => line.ProvenAt)!.Checkpoint;

    private NodeRecord Region => hub.Hub.Cell.Value.Records[new NodeName("eu")].Record;

    [Fact]
    public async Task A_started_hub_publishes_when_its_regions_have_told_and_not_before()
    {
        var (newest, generation) = (Newest(), hub.Hub.Publisher.Generation);
        Restart();
        commits.Commit("c2", "a=2");
        await hub.SettleAsync();
        Assert.Equal((RolloutPhase.Paused, generation), (hub.Hub.Rollout.Status.Phase, hub.Hub.Publisher.Generation));
        Assert.True(hub.Hub.Cell.Value.IsHeldBack(new NodeName("eu")));
        hub.JoinRegion("eu", newest);
        await hub.SettleAsync();
        Assert.Equal(generation + 1, hub.Hub.Publisher.Generation);
        Assert.False(hub.Hub.Cell.Value.IsHeldBack(new NodeName("eu")));
    }

    [Fact]
    public async Task After_the_grace_time_it_goes_on_without_the_silent_ones_but_sends_them_nothing()
    {
        Restart(options => options with { Settle = TimeSpan.Zero });
        using var stop = new CancellationTokenSource();
        var running = hub.Hub.Restore.RunAsync(stop.Token);
        await hub.Hub.Restore.Settled.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Null(hub.Hub.Restore.Paused);
        Assert.True(hub.Hub.Cell.Value.IsHeldBack(new NodeName("eu")));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task What_was_made_after_the_backup_comes_back_and_the_hub_goes_on_above_it()
    {
        Copy();
        commits.Commit("c2", "a=2", "late=1");
        await hub.SettleAsync();
        keys.Add(hub.Enroll("late"));
        var (ahead, records) = (Newest(), hub.Hub.Cell.Value.Records.Values.Select(item => item.Envelope).ToList());
        var lateKey = hub.Hub.Cell.Value.Records[new NodeName("late")].Record.IdentityKey;
        Restore();
        hub.JoinRegion("eu", ahead, sameRecords: false);
        Assert.Contains(hub.Hub.Conditions.All, condition => condition.Code == HubConditions.HubBehind);
        hub.Hub.Restore.TakeRecords(records, Region, complete: true);
        Assert.Equal(lateKey, hub.Hub.Cell.Value.Records[new NodeName("late")].Record.IdentityKey);
        await hub.SettleAsync();
        Assert.Equal(1, hub.Hub.Publisher.Generation);
        Assert.True(hub.Hub.Cell.Value.IsHeldBack(new NodeName("eu")));
        // It stands after a restart in which the region is silent, and lets nobody in.
        Restart(options => options with { Settle = TimeSpan.Zero });
        Assert.NotNull(hub.Hub.Restore.Behind);
        Assert.Null(hub.Hub.Rollout.Resume("anna"));
        var generation = hub.Hub.Publisher.Generation;
        Assert.Equal(ahead.Checkpoint.Generation + 1, generation);
        Assert.All(hub.Hub.Cell.Value.Lines.Values, line => Assert.Equal(generation, line.Assignment.Since));
        Assert.DoesNotContain(hub.Hub.Conditions.All, condition => condition.Code == HubConditions.HubBehind);
        await hub.SettleAsync();
        Assert.True(hub.Hub.Cell.Value.Lines.ContainsKey(new SiteId("late")));
        // Another region that was silent all the time is only behind, though it holds what this hub never signed.
        hub.JoinRegion("eu", ahead);
        Assert.Null(hub.Hub.Restore.Behind);
    }

    [Fact]
    public async Task The_same_generation_with_another_digest_is_a_conflict_also_when_it_shows_late()
    {
        Copy();
        commits.Commit("c2", "a=2");
        await hub.SettleAsync();
        var ahead = Newest();
        Restore(options => options with { Settle = TimeSpan.Zero });
        var wait = hub.Hub.Restore.RunAsync(CancellationToken.None);
        await hub.Hub.Restore.Settled.WaitAsync(TimeSpan.FromSeconds(20));
        commits.Commit("c3", "a=3");
        await hub.SettleAsync();
        Assert.Equal(2, hub.Hub.Publisher.Generation);
        Assert.Null(hub.Hub.Restore.Behind);
        hub.JoinRegion("eu", ahead);
        Assert.Contains("generation 2", hub.Hub.Restore.Behind!);
        Assert.Null(hub.Hub.Rollout.Resume("anna"));
        Assert.Equal(3, hub.Hub.Publisher.Generation);
        Assert.False(wait.IsFaulted);
    }

    [Fact]
    public void A_record_that_this_fleet_never_signed_is_not_taken_in()
    {
        using var evil = SigningKey.Create();
        var record = new NodeRecord(1, hub.Hub.Fleet, new NodeName("evil"), NodeKind.Site, new RegionId("eu"), evil.Public, null,
            RecordState.Active, 9);
        hub.Hub.Restore.TakeRecords([evil.Sign(PayloadTypes.Record, record.ToPayload())], Region, true);
        Assert.False(hub.Hub.Cell.Value.Records.ContainsKey(new NodeName("evil")));
        Assert.Equal("nothing is to be resumed", hub.Hub.Rollout.Resume("anna")![..24]);
    }

    [Fact]
    public async Task While_behind_nobody_is_let_in_and_nothing_is_signed()
    {
        Copy();
        commits.Commit("c2", "a=2");
        await hub.SettleAsync();
        var ahead = Newest();
        Restore();
        hub.JoinRegion("eu", ahead);
        using var fresh = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, fresh);
        Assert.Contains("hub resume", joiner.Join(joiner.MakeCode()).Error!);
        Assert.IsType<Capillary.HubNode.Publish.LifeOutcome.Refused>(hub.Hub.Life.Revoke(new NodeName("a"), NodeKind.Site, "x", "anna"));
        Assert.Equal(RecordState.Active, hub.Hub.Cell.Value.Records[new NodeName("a")].Record.State);
    }

    [Fact]
    public void A_held_back_region_is_asked_for_its_records_and_sent_nothing()
    {
        Restart();
        var state = hub.Hub.Cell.Value;
        var session = new ParentSession(state.Records[new NodeName("eu")].Record.IdentityKey.Id);
        var trust = session.OnFrame(new Frame.TrustQuery(LinkProtocol.Version, new NodeName("eu"), 0), state);
        Assert.Null(Assert.IsType<Frame.TrustAnswer>(Sent(trust).Single()).Beacon);
        var hello = session.OnFrame(new Frame.Hello(1, null, "test/1", "boot", Newest().Envelope), state);
        Assert.IsType<Frame.RecordQuery>(Sent(hello).Single());
        Assert.Empty(session.OnState(state));
        var met = Sent(session.OnState(state with { Met = [new NodeName("eu")] }));
        Assert.Contains(met, frame => frame is Frame.RecordSet);
        Assert.Contains(met, frame => frame is Frame.BeaconDown);
    }

    private static List<Frame> Sent(IEnumerable<ParentOutput> outputs) =>
        [.. outputs.OfType<ParentOutput.Send>().Select(send => send.Frame)];

    /// <summary>A backup, as the page for operators says: the hub is stopped, its folder copied.</summary>
    private void Copy()
    {
        hub.Dispose();
        foreach (var file in Directory.EnumerateFiles(folder.Of("hub"), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder.Of("backup"), Path.GetRelativePath(folder.Of("hub"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
            File.SetUnixFileMode(target, File.GetUnixFileMode(file));
        }
        hub = new TestHub(folder.Of("hub"), commits, hub.Time);
        hub.JoinRegion("eu", Newest());
    }

    private void Restore(Func<Capillary.HubNode.HubOptions, Capillary.HubNode.HubOptions>? change = null)
    {
        hub.Dispose();
        Directory.Delete(folder.Of("hub"), recursive: true);
        Directory.Move(folder.Of("backup"), folder.Of("hub"));
        hub = new TestHub(folder.Of("hub"), commits, hub.Time, change);
    }

    private void Restart(Func<Capillary.HubNode.HubOptions, Capillary.HubNode.HubOptions>? change = null)
    {
        hub.Dispose();
        hub = new TestHub(folder.Of("hub"), commits, hub.Time, change);
    }

    public void Dispose()
    {
        hub.Dispose();
        foreach (var key in keys) key.Dispose();
        folder.Dispose();
    }
}
