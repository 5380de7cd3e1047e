using System.Diagnostics;
using Capillary.Fleet.Documents;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>Promise 7 in every order of steps of a small fleet, and in many orders of a larger one.</summary>
public sealed class ExplorerTests(ITestOutputHelper output)
{
    private static readonly RolloutPolicy TwoWaves = new("waves", [new Wave("first"), new Wave("second")]) { MaxConcurrent = new(1, false) };

    private static readonly RolloutPolicy ThreeWaves =
        new("waves", [new Wave("first"), new Wave("second") { MaxConcurrent = new(50, true) }, new Wave("third")])
        {
            MaxConcurrent = new(2, false),
        };

    [Fact]
    public void Promise7_holds_in_every_order_of_steps_at_2_regions_2_sites_2_waves_with_2_faults_and_a_commit()
    {
        var clock = Stopwatch.StartNew();
        var found = new RolloutExplorer(new WorldShape(2, 2, TwoWaves), faults: 2, commits: 2).Run();
        output.WriteLine($"{found.States:N0} states, {found.Steps:N0} steps, {clock.Elapsed.TotalSeconds:0.0} s");
        // The console is in the log of CI, where the output of a test that passes is not.
        Console.WriteLine($"explored: {found.States:N0} states, {found.Steps:N0} steps, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Null(found.Violation);
        Assert.True(found.States > 10_000, "too little was explored to say anything");
    }

    [Theory]
    [InlineData(Broken.IgnoresWaves)]
    [InlineData(Broken.CountsStaleReports)]
    [InlineData(Broken.TakesSilenceForConsent)]
    [InlineData(Broken.IgnoresBudget)]
    [InlineData(Broken.OverlooksFailures)]
    [InlineData(Broken.InterruptsSites)]
    [InlineData(Broken.ForgetsTheCanary)]
    internal void The_explorer_finds_a_planner_that_is_broken_on_purpose(Broken how)
    {
        var found = new RolloutExplorer(new WorldShape(2, 2, TwoWaves, how), faults: 1, commits: 2).Run();
        output.WriteLine($"{how}: {found.Violation}");
        Assert.NotNull(found.Violation);
    }

    [Fact]
    public void Promise7_holds_in_ten_thousand_walks_at_3_regions_3_sites_3_waves()
    {
        var clock = Stopwatch.StartNew();
        var broken = new List<string>();
        for (var seed = 0; seed < 10_000; seed++)
        {
            try
            {
                new RolloutWalk(new WorldShape(3, 3, ThreeWaves with { SoakTime = TimeSpan.FromMinutes(seed % 3 * 10) }), seed).Run(150);
            }
            catch (BrokenPromiseException e)
            {
                broken.Add($"seed {seed}: {e.Message}");
            }
        }
        output.WriteLine($"10,000 walks, {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Empty(broken);
    }
}

/// <summary>A random life of a world: reports late, lost, doubled and in any order; sites that fail, hold, leave and return; commits; time;
/// a hub that is killed. At the end all is calm.</summary>
internal sealed class RolloutWalk(WorldShape shape, int seed)
{
    private const int MostCommits = 40;
    private readonly Random random = new(seed);
    private readonly List<(int Site, RolloutWorld.Word Word)> underWay = [];
    private readonly RolloutWorld world = new(shape);

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++) Step(random.Next(shape.Count), random.Next(shape.Regions));
        world.Calm(_ => true);
    }

    private void Step(int site, int region)
    {
        switch (random.Next(20))
        {
            case 0: if (world.Newest < MostCommits && random.Next(4) == 0) world.Commit(random.Next(3) == 0); break;
            case 1 or 2 or 3 or 4: world.Plan(); break;
            case 5 or 6: world.Sync(region); break;
            case 7 or 8: if (world.CanFetch(site)) world.Fetch(site); break;
            case 9 or 10: if (world.CanApply(site)) world.Apply(site, fails: random.Next(12) == 0); break;
            case 11 or 12: if (world.CanTell(site)) world.Tell(site); break;
            case 13 or 14: if (world.Told(site) is { } word) underWay.Add((site, word)); break;
            case 15 or 16: Deliver(); break;
            case 17: world.Away(site, random.Next(4) == 0); break;
            case 18:
                if (random.Next(4) == 0) world.Hold(site, random.Next(2) == 0);
                else world.Restart();
                break;
            default: world.Now += TimeSpan.FromMinutes(random.Next(6)); break;
        }
    }

    private void Deliver()
    {
        if (underWay.Count == 0) return;
        var at = random.Next(underWay.Count);
        var (site, word) = underWay[at];
        if (random.Next(5) > 0) world.Relay(site, word);
        if (random.Next(3) > 0) underWay.RemoveAt(at);
    }
}
