using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Xunit;

namespace Capillary.Tests.Fleet.Rollouts;

public sealed class SimulationTests
{
    private static readonly SimulatedFleet Calm = new(0, 0, TimeSpan.Zero, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(90),
        TimeSpan.FromMinutes(10), TimeSpan.FromDays(7), 1);

    private static readonly RolloutPolicy Policy = new("default",
        [new Wave("canary") { Size = new(1, true), Approval = new(["approver", "operator"], TimeSpan.FromDays(1)) }, new Wave("everyone") { Size = new(100, true) }])
    {
        SoakTime = TimeSpan.FromHours(1), MaxConcurrent = new(25, true), MaxFailures = new(5, true),
    };

    [Fact]
    public void A_thousand_sites_take_their_soak_their_approval_and_their_turns()
    {
        var rollout = Run(Policy, Calm);
        Assert.Equal(RolloutPhase.Complete, rollout.Status.Phase);
        // Two soaks of an hour, ten minutes of people, and at least four turns of 30 s to 90 s.
        Assert.InRange(rollout.Took, TimeSpan.FromMinutes(132), TimeSpan.FromMinutes(145));
        Assert.Equal(["wave default/canary opens: 10 sites", "wave default/canary is through: 10 healthy, 0 failed, 0 absent",
            "wave default/everyone opens: 990 sites", "wave default/everyone is through: 990 healthy, 0 failed, 0 absent",
            "complete: release 2 is at 1000 of 1000 sites"], rollout.Timeline.Select(one => one.Text));
    }

    [Fact]
    public void What_starts_by_hand_is_started()
    {
        var byHand = Run(Policy with { StartsByHand = true }, Calm);
        Assert.Equal(Run(Policy, Calm).Timeline, byHand.Timeline);
        Assert.Equal(RolloutPhase.Complete, byHand.Status.Phase);
    }

    [Fact]
    public void Failures_halt_it_and_the_same_seed_gives_the_same_timeline()
    {
        var fleet = Calm with { Fails = 0.2, Seed = 7 };
        var rollout = Run(Policy, fleet);
        Assert.Equal(RolloutPhase.Halted, rollout.Status.Phase);
        Assert.Equal(rollout.Timeline, Run(Policy, fleet).Timeline);
        Assert.NotEqual(rollout.Timeline, Run(Policy, fleet with { Seed = 8 }).Timeline);
    }

    [Fact]
    public void Sites_that_are_away_hold_nobody_up()
    {
        var rollout = Run(Policy with { SoakTime = TimeSpan.Zero }, Calm with { Offline = 0.3, Away = TimeSpan.FromDays(3) });
        Assert.Equal(RolloutPhase.Complete, rollout.Status.Phase);
        Assert.True(rollout.Took < TimeSpan.FromHours(2), $"{rollout.Took}");
        Assert.InRange(rollout.Status.Waves.Sum(wave => wave.Count(GateVerdict.Absent)), 200, 400);
    }

    [Fact]
    public void A_window_is_waited_for()
    {
        var nightly = Policy with { SoakTime = TimeSpan.Zero, Waves = [], Windows = [new("0 22 * * *", TimeSpan.FromHours(6), null)] };
        var rollout = Run(nightly, Calm);
        Assert.Equal(RolloutPhase.Complete, rollout.Status.Phase);
        Assert.InRange(rollout.Took, TimeSpan.FromHours(14), TimeSpan.FromHours(14.2));
    }

    private static SimulatedRollout Run(RolloutPolicy policy, SimulatedFleet fleet)
    {
        var sites = Enumerable.Range(0, 1000).Select(i => new SiteId($"site-{i}")).ToList();
        var release = new TargetRelease(2, PolicySet.Only(policy), sites.ToDictionary(site => site,
            _ => new ReleasedSite(Digest.Of("after"u8), new RegionId("eu"))));
        return RolloutSimulation.Run(sites.ToDictionary(site => site, _ => Digest.Of("before"u8)), release, fleet,
            new DateTimeOffset(2026, 11, 20, 8, 0, 0, TimeSpan.Zero));
    }
}
