using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>kill -9 of regions, 200 times, while commits go down and reports come up.</summary>
public sealed partial class KilledRegionTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Kills = 200;
    private static readonly TimeSpan AllWithin = TimeSpan.FromMinutes(20);
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-killed-").FullName;
    private readonly CancellationTokenSource limit = new(AllWithin);
    private RunningFleet fleet = null!;
    private bool passed;

    private CancellationToken Stop => limit.Token;

    public async Task InitializeAsync()
    {
        var plan = new FleetPlan(Binaries.Find(), folder, 6) { Prepare = MarkerFleet.PrepareAsync };
        fleet = await RunningFleet.StartAsync(plan, output.WriteLine, Stop);
        await fleet.ConvergeAsync(await fleet.Repository.HeadAsync(Stop), TimeSpan.FromMinutes(2), Stop);
    }

    public async Task DisposeAsync()
    {
        if (fleet is not null) await fleet.DisposeAsync();
        limit.Dispose();
        if (passed) Directory.Delete(folder, recursive: true);
        else Console.WriteLine($"the work folder is kept: {folder}");
    }

    [Fact]
    public async Task Promise3_RegionsKilled200Times_NothingIsLostOrAppliedTwice()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CAPILLARY_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"CAPILLARY_SEED={seed}");
        var clock = Stopwatch.StartNew();
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using var committing = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var watch = new ReportWatch(fleet);
        var (watched, committed) = (watch.RunAsync(watching.Token), CommitAsync(new Random(seed), committing.Token));
        var regions = fleet.Regions.ToList();
        await Task.WhenAll(regions.Select((region, i) =>
            new KilledRegions(fleet, new Random(seed + 1 + i), output.WriteLine).RunAsync(region, Kills / regions.Count, Stop)));
        output.WriteLine($"{Kills} kills took {clock.Elapsed.TotalSeconds:0} s");
        await committing.CancelAsync();
        var (round, commit) = await committed;
        await fleet.ConvergeAsync(commit, TimeSpan.FromSeconds(100), Stop);
        await watching.CancelAsync();
        Assert.Empty(await watched);
        output.WriteLine($"{round - MarkerFleet.FirstRound} commits, {watch.Count} reports seen; all converged after {clock.Elapsed.TotalSeconds:0} s");
        foreach (var site in fleet.Repository.Sites) Check(site.Name, round);
        passed = true;
    }

    /// <summary>Commits whenever the last commit is released, until <paramref name="stop"/>; the last round and its commit.</summary>
    private async Task<(int Round, string Commit)> CommitAsync(Random random, CancellationToken stop)
    {
        var (round, commit) = (MarkerFleet.FirstRound, await fleet.Repository.HeadAsync(Stop));
        while (!stop.IsCancellationRequested)
        {
            round++;
            fleet.Repository.Edit("fleet.yaml", text => Round().Replace(text, $"round: {round}"));
            commit = await fleet.Repository.CommitAsync($"round {round}", Stop);
            while ((await fleet.Api.GetAsync("status", Stop)).GetProperty("commit").GetString() != commit) await Task.Delay(100, Stop);
            // Commits of people come at any time.
            await Task.WhenAny(Task.Delay(random.Next(4000), stop));
        }
        return (round, commit);
    }

    private void Check(string site, int last)
    {
        var rounds = File.ReadAllLines(fleet.RootFile(site, MarkerFleet.Log)).Select(int.Parse).ToList();
        Assert.Equal(MarkerFleet.FirstRound, rounds[0]);
        output.WriteLine($"{site}: {rounds.Count} real applies: {string.Join(' ', rounds)}");
        Assert.Equal(rounds.Order().Distinct(), rounds);
        Assert.Equal(last, rounds[^1]);
        var accepted = Accepted().Matches(fleet.LogSince(site, 0)).Select(match => (long.Parse(match.Groups[1].Value), long.Parse(match.Groups[2].Value))).ToList();
        Assert.Equal(accepted.OrderBy(item => item.Item1).ThenBy(item => item.Item2), accepted);
        // Every line that acts is one (bundle, since); each was applied once, or was superseded before its first step.
        Assert.InRange(rounds.Count, 2, accepted.Select(item => item.Item2).Distinct().Count());
    }

    [GeneratedRegex(@"round: \d+")]
    private static partial Regex Round();

    [GeneratedRegex(@"accepted generation (\d+), since (\d+):")]
    private static partial Regex Accepted();
}
