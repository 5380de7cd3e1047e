using System.Diagnostics;
using Capillary.Benchmarks.Links;

namespace Capillary.Benchmarks.Hubs;

/// <summary>
/// A hub, ten regions and 1,000 sites in twelve processes: a commit changes every site, in three waves of 20, 30 and 50 percent, half of a
/// wave at one time, no gates. Sites verify their line and say at once that they are healthy on it.
/// </summary>
internal static class RolloutBench
{
    private const int Sites = 1000;
    private const int First = 100;
    private const int Commits = 10;

    public static async IAsyncEnumerable<Row> Run()
    {
        await using var rig = await BulkRig.StartAsync("rollout", Sites, "whole");
        using var children = rig.Children("obey");
        await children.AskAsync("wait 0");
        await UntilAsync(rig.Hub, 1, Sites);
        await rig.MirroredAsync();
        var (first, all) = (new List<double>(), new List<double>());
        for (var commit = 2; commit <= Commits + 1; commit++)
        {
            var start = Stopwatch.GetTimestamp();
            await rig.Hub.AskAsync("commit");
            await UntilAsync(rig.Hub, commit, First);
            first.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            await UntilAsync(rig.Hub, commit, Sites);
            all.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        yield return new Row("commit -> 100 of 1,000 sites applied, p90 of 10", P90(first), "s", 2);
        yield return new Row("1,000 sites in three waves, half of a wave at one time, p90 of 10", P90(all), "s", 10);
    }

    private static double P90(List<double> values) => values.Order().ElementAt(values.Count * 9 / 10 - 1);

    private static async Task UntilAsync(RoleProcess hub, int release, int met)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            var status = await hub.AskAsync("rollout");
            if (status.GetProperty("release").GetInt64() == release && status.GetProperty("met").GetInt32() >= met
                && (met < Sites || status.GetProperty("phase").GetString() == "Complete")) return;
            if (waiting.Elapsed > TimeSpan.FromMinutes(2)) throw new InvalidOperationException($"the rollout stands still: {status}");
            await Task.Delay(20);
        }
    }
}
