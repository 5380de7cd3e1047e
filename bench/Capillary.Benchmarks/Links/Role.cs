using System.Diagnostics;
using System.Text.Json;
using Capillary.Benchmarks.Hubs;

namespace Capillary.Benchmarks.Links;

/// <summary>What this program is when a benchmark starts it again: `role NAME …`. It answers questions on its standard input.</summary>
internal static class Role
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        switch (arguments[0])
        {
            case "region": await RegionRole.RunAsync(arguments[1], int.Parse(arguments[2]), stop); break;
            case "children": await ChildSwarm.RunAsync(arguments[1], arguments[2], int.Parse(arguments[3]),
                arguments is [.., "obey"], stop); break;
            case "hub": await HubRole.RunAsync(arguments[1], int.Parse(arguments[2]), int.Parse(arguments[3]),
                arguments is [.., "whole"], stop); break;
            case "memory":
                var (resident, heap) = await ParentMemoryBench.MeasureAsync(int.Parse(arguments[1]),
                    TimeSpan.FromSeconds(int.Parse(arguments[2])), arguments[3..]);
                Console.WriteLine($"{resident / 1024:0.0} KB resident, {heap / 1024:0.0} KB managed per child");
                break;
            default: throw new InvalidOperationException($"no role {arguments[0]}");
        }
        return 0;
    }

    public static void Say(object answer) => Console.WriteLine(JsonSerializer.Serialize(answer));

    /// <summary>Answers questions until the benchmark closes this program's input.</summary>
    public static async Task AnswerAsync(Func<string, Task<object>> answer)
    {
        while (await Console.In.ReadLineAsync() is { } question) Say(await answer(question));
    }

    /// <summary>After a whole collection.</summary>
    public static object Memory()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        var info = GC.GetGCMemoryInfo();
        using var self = Process.GetCurrentProcess();
        return new
        {
            resident = self.WorkingSet64, heap = GC.GetTotalMemory(false), committed = info.TotalCommittedBytes,
            pinned = info.GenerationInfo[4].SizeAfterBytes, threads = self.Threads.Count,
        };
    }
}
