using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The cable is pulled while nothing much happens: no packet says so.</summary>
public sealed class CableTests(ITestOutputHelper output) : NetworkTest(output)
{
    private const int FreshFor = 35;
    private const int OfflineAfter = 50;

    // The last word of the region, 45 s after the site's own last one, and its age.
    private static readonly TimeSpan ShownWithin = TimeSpan.FromSeconds(45 + 30 + OfflineAfter + 15);

    // What holds a dead connection of a session that has ended; memory, not a claim.
    private static readonly TimeSpan ClosedWithin = TimeSpan.FromSeconds(150);

    private protected override FleetPlan Plan(FleetPlan plan) =>
        plan with { HubArguments = ["--fresh-for", $"{FreshFor}", "--offline-after", $"{OfflineAfter}"] };

    [NetworkFact]
    public async Task Promise6_CablePulledMidSession_BothSidesKnow_TheHubShowsStaleThenOffline_NeverHealthy()
    {
        var log = Fleet.LogEnd(Site);
        Assert.Equal(1, await Net.ConnectionsAsync(Region, Site, Stop));
        await Net.CutAsync(Site, Stop);
        var cut = Stopwatch.StartNew();
        await WaitForLossAsync(Site, log);
        Say($"the site knows {cut.Elapsed.TotalSeconds:0.0} s after the cable was pulled");

        var commit = await CommitNoticeAsync("made while the cable was out");
        await ShowsAsync("stale", cut);
        await ShowsAsync("offline", cut);
        var vouched = cut.Elapsed - TimeSpan.FromSeconds((await RowAsync()).AgeSeconds!.Value);
        Say($"the region vouched for the site until {vouched.TotalSeconds:0.0} s after the cable was pulled");
        Assert.InRange(vouched, TimeSpan.FromSeconds(-30), DeadWithin);
        await WaitAsync("the region to have closed the connection", async () => await Net.ConnectionsAsync(Region, Site, Stop) == 0,
            ClosedWithin);
        Assert.True(await IsServingAsync());
        Assert.False(NoticeSays("made while"));

        log = Fleet.LogEnd(Site);
        await Net.PlugAsync(Site, Stop);
        var plugged = Stopwatch.StartNew();
        await ConvergeAsync(commit);
        Say($"converged {plugged.Elapsed.TotalSeconds:0.0} s after the cable was back");
        Assert.True(NoticeSays("made while"));
    }

    /// <summary>Waits for a state, and looks at every state on the way: what is old is never shown as healthy.</summary>
    private Task<TimeSpan> ShowsAsync(string state, Stopwatch cut) => WaitAsync($"the hub to show the site as {state}", async () =>
    {
        var row = await RowAsync();
        Assert.NotNull(row.AgeSeconds);
        // The age is shown in whole seconds, so at the very second of a change both are right.
        var allowed = row.AgeSeconds switch
        {
            < FreshFor + 1 => "progressing degraded healthy stale",
            < OfflineAfter => "stale",
            OfflineAfter => "stale offline",
            _ => "offline",
        };
        Assert.True(allowed.Contains(row.State, StringComparison.Ordinal),
            $"{row.State} at the age of {row.AgeSeconds} s, {cut.Elapsed.TotalSeconds:0} s after the cut");
        if (cut.Elapsed > ShownWithin) Assert.Equal("offline", row.State);
        return row.State == state;
    }, ShownWithin);
}
