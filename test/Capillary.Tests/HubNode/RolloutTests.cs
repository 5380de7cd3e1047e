using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Api;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Rollouts at a hub: what operators say, what is durable, what is taken back.</summary>
public sealed class RolloutTests : IDisposable
{
    private static readonly RolloutPolicy Waves = new("default", [new Wave("canary"), new Wave("everyone")]);
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();
    private readonly Dictionary<string, SigningKey> keys = [];
    private long seq;

    [Fact]
    public async Task A_pause_outlives_a_kill_and_starts_nothing_until_resumed()
    {
        using (var hub = await AtTheCanaryAsync())
        {
            Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Pause("ada", "the ward is full"));
            Assert.Equal(RolloutPhase.Paused, hub.Hub.Rollout.Status.Phase);
            await HealthyAsync(hub, "a");
        }
        using var again = new TestHub(folder.Path, commits, time);
        await again.SettleAsync();
        await HealthyAsync(again, "a");
        Assert.Equal((RolloutPhase.Paused, "paused by ada: the ward is full"),
            (again.Hub.Rollout.Status.Phase, again.Hub.Rollout.Status.Reason));
        Assert.NotEqual(TestCommits.BundleOf("2"), BundleOf(again, "b"));
        Assert.IsType<ControlOutcome.Refused>(again.Hub.Rollout.Pause("ada", "again"));
        Assert.IsType<ControlOutcome.Done>(again.Hub.Rollout.Continue("ada"));
        // Who waits for it looks at once, and must not see what was.
        Assert.Equal(RolloutPhase.Rolling, again.Hub.Rollout.Status.Phase);
        await again.SettleAsync();
        Assert.Equal(TestCommits.BundleOf("2"), BundleOf(again, "b"));
        var actions = again.Hub.Database.Read(db => JournalTable.List(db, long.MaxValue, 50)).Select(entry => entry.Action).ToList();
        Assert.Contains("rollout.pause", actions);
        Assert.Contains("rollout.resume", actions);
    }

    [Theory]
    [InlineData(PublishStep.BlobsKept)]
    [InlineData(PublishStep.ReleaseKept)]
    [InlineData(PublishStep.CheckpointSigned)]
    [InlineData(PublishStep.PlanKept)]
    [InlineData(PublishStep.Offered)]
    internal async Task Killed_at_any_step_it_goes_on_where_it_was(PublishStep at)
    {
        Commit("c1", "1");
        using (var hub = await StartAsync()) await HealthyAsync(hub, "a", "b", "c");
        Commit("c2", "2");
        using (var hub = new TestHub(folder.Path, commits, time, options => options with
        {
            Reached = step =>
            {
                if (step == at) throw new KilledException();
            },
        }))
        {
            await Assert.ThrowsAsync<KilledException>(() => hub.SettleAsync());
        }
        using var again = new TestHub(folder.Path, commits, time);
        await again.SettleAsync();
        Assert.Equal((TestCommits.BundleOf("2"), TestCommits.BundleOf("1")), (BundleOf(again, "a"), BundleOf(again, "b")));
        await HealthyAsync(again, "a");
        Assert.Equal((TestCommits.BundleOf("2"), 2L), (BundleOf(again, "b"), again.Hub.Rollout.Status.Rollout));
        await HealthyAsync(again, "b", "c");
        Assert.Equal(RolloutPhase.Complete, again.Hub.Rollout.Status.Phase);
        Assert.Equal([2, 1], again.Hub.Database.Read(db => RolloutTable.List(db, 10)).Select(one => one.State.Id));
    }

    private sealed class KilledException : Exception;

    [Fact]
    public async Task An_operator_takes_a_release_back_and_a_kill_in_between_changes_nothing()
    {
        using (var hub = await AtTheCanaryAsync())
        {
            await HealthyAsync(hub, "a");
            var back = Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Back(null, "ada", "it is slow"));
            Assert.Equal((back.State.Id, RolloutKind.Back), (hub.Hub.Rollout.Status.Rollout, hub.Hub.Rollout.Status.Kind));
        }
        using var again = new TestHub(folder.Path, commits, time);
        await again.SettleAsync();
        Assert.Equal((TestCommits.BundleOf("1"), RolloutKind.Back), (BundleOf(again, "a"), again.Hub.Rollout.Status.Kind));
        await HealthyAsync(again, "a", "b", "c");
        Assert.Equal((RolloutPhase.Complete, 2L), (again.Hub.Rollout.Status.Phase, again.Hub.Rollout.Status.Next?.Release));
        Assert.IsType<ControlOutcome.Refused>(again.Hub.Rollout.Back(77, "ada", "no such release"));
        var started = Assert.IsType<ControlOutcome.Done>(again.Hub.Rollout.Start(new("ada", null, false)));
        Assert.Equal((started.State.Id, RolloutKind.Forward), (again.Hub.Rollout.Status.Rollout, again.Hub.Rollout.Status.Kind));
        await again.SettleAsync();
        Assert.Equal((TestCommits.BundleOf("2"), 2L), (BundleOf(again, "a"), started.State.Release));
    }

    [Fact]
    public async Task Too_many_failures_take_it_back_by_policy()
    {
        commits.Policies = PolicySet.Only(Waves with { OnFailure = FailureAnswer.Rollback });
        using var hub = await AtTheCanaryAsync();
        await hub.ReportAsync("a", keys["a"], ReportPhase.Reverted, ++seq);
        await hub.SettleAsync();
        Assert.Equal((TestCommits.BundleOf("1"), RolloutKind.Back), (BundleOf(hub, "a"), hub.Hub.Rollout.Status.Kind));
        Assert.Contains(hub.Hub.Database.Read(db => JournalTable.List(db, long.MaxValue, 50)),
            entry => entry is { Action: "rollout.rollback", Actor: "policy" });
    }

    [Fact]
    public async Task Soak_and_approvals_outlive_a_kill()
    {
        commits.Policies = PolicySet.Only(Waves with
        {
            SoakTime = TimeSpan.FromMinutes(5),
            Waves = [new Wave("canary") { Approval = new(["approver", "operator"], TimeSpan.FromDays(1)) }, new Wave("everyone")],
        });
        Commit("c1", "1");
        using (var hub = await StartAsync())
        {
            await HealthyAsync(hub, "a");
            time.Now += TimeSpan.FromMinutes(4);
            Assert.IsType<ControlOutcome.Refused>(hub.Hub.Rollout.Approve("ada", "viewer", null));
            Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Approve("ada", "approver", "canary"));
            Assert.IsType<ControlOutcome.Refused>(hub.Hub.Rollout.Approve("ada", "operator", "canary"));
            await HealthyAsync(hub, "a");
        }
        using var again = new TestHub(folder.Path, commits, time);
        await again.SettleAsync();
        Assert.Equal("wave canary waits: gate 'soak', 1 min left", again.Hub.Rollout.Status.Reason);
        time.Now += TimeSpan.FromMinutes(1);
        again.Hub.Rollout.Step();
        Assert.Equal("wave canary waits: gate 'approval', by operator: capillary rollout approve canary", again.Hub.Rollout.Status.Reason);
        Assert.IsType<ControlOutcome.Done>(again.Hub.Rollout.Approve("grace", "operator", null));
        await again.SettleAsync();
        Assert.True(again.Hub.Rollout.Status.Waves[1].Started);
    }

    [Fact]
    public void The_roles_that_a_gate_may_name_are_those_that_may_say_yes() => Assert.Equal(ApprovalGate.KnownRoles.Order(),
        Roles.Known.Split(", ").Where(role => Roles.May(role, Permission.ApproveWave)).Order());

    public void Dispose()
    {
        foreach (var key in keys.Values) key.Dispose();
        folder.Dispose();
    }

    private void Commit(string commit, string text) => commits.Commit(commit, ["canary", "everyone"],
        new() { ["a"] = (text, 0), ["b"] = (text, 1), ["c"] = (text, 1) });

    private async Task<TestHub> StartAsync()
    {
        var hub = new TestHub(folder.Path, commits, time);
        await hub.SettleAsync();
        foreach (var site in (string[])["a", "b", "c"]) keys[site] = hub.Enroll(site);
        return hub;
    }

    /// <summary>A hub whose sites are well on the first release, with the second one at its canary.</summary>
    private async Task<TestHub> AtTheCanaryAsync()
    {
        Commit("c1", "1");
        var hub = await StartAsync();
        await HealthyAsync(hub, "a", "b", "c");
        Commit("c2", "2");
        await hub.SettleAsync();
        return hub;
    }

    private static Capillary.Core.Bundles.Digest BundleOf(TestHub hub, string site) =>
        hub.Hub.Cell.Value.Lines[new SiteId(site)].Assignment.Bundle;

    /// <summary>Each says that it is healthy on its line, whatever that is; then the hub does what follows.</summary>
    private async Task HealthyAsync(TestHub hub, params string[] sites)
    {
        foreach (var site in sites)
        {
            if (hub.Hub.Cell.Value.Lines.ContainsKey(new SiteId(site)))
                Assert.Null(await hub.ReportAsync(site, keys[site], ReportPhase.Healthy, ++seq));
            await hub.SettleAsync();
        }
    }
}
