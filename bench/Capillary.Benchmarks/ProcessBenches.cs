using System.Text.Json;

namespace Capillary.Benchmarks;

/// <summary>Starting the command line.</summary>
internal static class CliBench
{
    public static async IAsyncEnumerable<Row> Run()
    {
        var program = Executables.Path("cli/capillary");
        Executables.Time(program, "--version");
        await Task.CompletedTask;
        yield return new Row("capillary --version, cold start", Benchmark.Median(Enumerable.Range(0, 7).Select(_ => Executables.Time(program, "--version"))), "s", null);
    }
}

/// <summary>The demo's second half, again and again.</summary>
internal static class DemoBench
{
    public static async IAsyncEnumerable<Row> Run()
    {
        var atOnce = await Executables.MeasureAsync("--commits", "7", "--at-once");
        yield return new Row("commit -> 6 sites applied and healthy, all at once", Median(atOnce), "s", 2);
        var waves = await Executables.MeasureAsync("--commits", "7");
        yield return new Row("commit -> 6 sites healthy, a canary wave first", Median(waves), "s", null);
    }

    private static double Median(JsonElement figures) =>
        Benchmark.Median(figures.GetProperty("commitSeconds").EnumerateArray().Select(item => item.GetDouble()));
}

/// <summary>The agent as it ships, at a site that runs the example's apps and has nothing to do.</summary>
internal static class AgentBench
{
    public static async IAsyncEnumerable<Row> Run()
    {
        var file = new FileInfo(Executables.Path("edge-ship/capillary-edge"));
        yield return new Row("edge agent, the one file", file.Length / 1048576.0, "MB", 30);
        var figures = await Executables.MeasureAsync("--sites", "2", "--commits", "2", "--idle", "40", "--edge", file.FullName);
        yield return new Row("edge agent, idle memory (resident)", Benchmark.Median(figures.GetProperty("idleMegabytes").EnumerateArray().Select(item => item.GetDouble())), "MB", 45);
    }
}
