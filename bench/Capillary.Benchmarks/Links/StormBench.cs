using System.Text.Json;
using Capillary.Node.Child;

namespace Capillary.Benchmarks.Links;

/// <summary>A region is killed and started again: when are its 2,000 children back?</summary>
internal static class StormBench
{
    private const int Children = 2000;

    public static async IAsyncEnumerable<Row> Run()
    {
        using var fleet = new SimulatedRegion(Children);
        var region = new RoleProcess([], "region", fleet.Home, "0");
        var port = (await region.NextAsync()).GetProperty("port").GetInt32();
        using var children = new RoleProcess([], "children", fleet.Folder, $"{port}", $"{Children}");
        var first = Live(await children.AskAsync("wait 0"));
        yield return new Row($"{Children:#,0} children dial a parent at once: all live", first[^1], "s", null);
        foreach (var away in (int[])[5, 90])
        {
            // A child that lived shorter dials again like one that never lived.
            await Task.Delay(Backoff.ProvenAfter + TimeSpan.FromSeconds(1));
            region.Kill();
            region.Dispose();
            await Task.Delay(TimeSpan.FromSeconds(away));
            var from = (await children.AskAsync("now")).GetProperty("now").GetDouble();
            region = new RoleProcess([], "region", fleet.Home, $"{port}");
            await region.NextAsync();
            var listening = (await children.AskAsync("now")).GetProperty("now").GetDouble() - from;
            var back = Live(await children.AskAsync(FormattableString.Invariant($"wait {from}"))).Select(at => at - from).ToArray();
            var name = $"{Children:#,0} children back after a parent was away for {away} s";
            yield return new Row($"{name}: the last", back[^1], "s", 20);
            yield return new Row($"{name}: p50", back[back.Length / 2], "s", null);
            yield return new Row($"{name}: p99", back[back.Length * 99 / 100], "s", null);
            yield return new Row($"{name}: of it, until the parent listened", listening, "s", null);
        }
        yield return new Row("seconds of one core that the parent took for the last", region.CpuSeconds, "s", null);
        yield return new Row("the parent's memory after it (resident, peak)", region.Peak, "MB", null);
        region.Dispose();
    }

    private static double[] Live(JsonElement answer)
    {
        var at = answer.GetProperty("at").EnumerateArray().Select(item => item.GetDouble()).ToArray();
        return at.Length == Children ? at
            : throw new InvalidOperationException($"{at.Length} of {Children} children are live: {answer.GetProperty("problem")}");
    }
}
