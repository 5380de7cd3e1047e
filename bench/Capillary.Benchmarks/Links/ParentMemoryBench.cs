namespace Capillary.Benchmarks.Links;

/// <summary>What a child that says nothing costs its parent: a region's process before and after its children came.</summary>
internal static class ParentMemoryBench
{
    private const double KB = 1024;

    public static async IAsyncEnumerable<Row> Run()
    {
        foreach (var count in (int[])[500, 2000])
        {
            var (resident, heap) = await MeasureAsync(count, TimeSpan.FromSeconds(60));
            yield return new Row($"parent memory per idle child, {count:#,0} children (resident)", resident / KB, "KB", 64);
            yield return new Row($"of it managed, {count:#,0} children", heap / KB, "KB", null);
        }
    }

    /// <summary>Bytes per child.</summary>
    public static async Task<(double Resident, double Heap)> MeasureAsync(int count, TimeSpan idle, params string[] environment)
    {
        using var fleet = new SimulatedRegion(count);
        using var region = new RoleProcess(environment, "region", fleet.Home, "0");
        var port = (await region.NextAsync()).GetProperty("port").GetInt32();
        // Some come and go first: what the first connections load and compile is no child's.
        for (var i = 0; i < 3; i++)
        {
            using var first = new RoleProcess([], "children", fleet.Folder, $"{port}", "100");
            await first.AskAsync("wait 0");
        }
        await Task.Delay(TimeSpan.FromSeconds(20));
        var before = await region.AskAsync("memory");
        using var children = new RoleProcess([], "children", fleet.Folder, $"{port}", $"{count}");
        var live = (await children.AskAsync("wait 0")).GetProperty("at").GetArrayLength();
        await Task.Delay(idle);
        var after = await region.AskAsync("memory");
        // On a starved machine links die of silence, and the figure would be of fewer children than it says.
        var still = (await children.AskAsync("now")).GetProperty("live").GetInt32();
        if (live != count || still != count) throw new InvalidOperationException($"{live}, then {still} of {count} children are live");
        if (Environment.GetEnvironmentVariable("CAPILLARY_BENCH_HOLD") is not null)
        {
            Console.Error.WriteLine($"region {region.Id}: {before} {after}");
            Console.ReadLine();
        }
        return (Per("resident"), Per("heap"));

        double Per(string name) => (after.GetProperty(name).GetDouble() - before.GetProperty(name).GetDouble()) / count;
    }
}
