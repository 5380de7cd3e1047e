using System.Diagnostics;
using Capillary.Benchmarks.Links;

namespace Capillary.Benchmarks.Hubs;

/// <summary>
/// A hub, ten regions and 3,000 sites, in twelve processes with real TLS between them: 45 of 50 conditions of every site flip at once. When
/// does the hub show exactly that?
/// </summary>
internal static class FlipBench
{
    private const int Sites = 3000;

    public static async IAsyncEnumerable<Row> Run()
    {
        await using var rig = await BulkRig.StartAsync("flip", Sites);
        using var children = rig.Children();
        using var ended = new CancellationTokenSource();
        var watching = PeakAsync([rig.Hub, .. rig.Regions], ended.Token);
        await children.AskAsync("wait 0");
        await UntilAsync(rig.Hub, children, 0);
        // The first line of every site comes down meanwhile; what is measured is the flip alone.
        await rig.MirroredAsync();
        var took = await UntilAsync(rig.Hub, children, 1);
        var back = await UntilAsync(rig.Hub, children, 2);
        await ended.CancelAsync();
        yield return new Row("3,000 sites x 50 checks in 10 regions: 135,000 conditions flip, hub exact", took, "s", 60);
        yield return new Row("… and flip back", back, "s", 60);
        yield return new Row("memory of hub and ten regions together at its peak (shared pages once)", await watching, "MB", 1000);
        yield return new Row("the same, each resident at its own peak (shared pages eleven times)",
            rig.Hub.Peak + rig.Regions.Sum(region => region.Peak), "MB", null);
        yield return new Row("of that the hub", rig.Hub.Peak, "MB", null);
    }

    /// <summary>The most that all hold at one time, in MB, of a look each half second until <paramref name="stop"/>.</summary>
    private static async Task<double> PeakAsync(IReadOnlyList<RoleProcess> tiers, CancellationToken stop)
    {
        var peak = 0.0;
        while (!stop.IsCancellationRequested)
        {
            peak = Math.Max(peak, tiers.Sum(tier => tier.Proportional));
            await Task.Delay(500, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return peak;
    }

    /// <summary>Seconds from the sites' first signature until the hub shows all of it.</summary>
    private static async Task<double> UntilAsync(RoleProcess hub, RoleProcess children, int turn)
    {
        var start = Stopwatch.GetTimestamp();
        await children.AskAsync($"report {turn}");
        while ((await hub.AskAsync($"flipped {turn}")).GetProperty("sites").GetInt32() < Sites)
        {
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(4)) throw new InvalidOperationException("the hub is not exact");
            await Task.Delay(100);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
