using Capillary.Core.Identity;
using Capillary.HubNode;

namespace Capillary.Benchmarks;

/// <summary><c>capillary fleet preview</c> as a process, from a working tree and a hub whose 10,000 sites hold their lines.</summary>
internal static class PreviewBench
{
    private const int Sites = 10_000;
    private const int Apps = 5;
    private const int Runs = 3;

    public static async IAsyncEnumerable<Row> Run()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-").FullName;
        var repository = Path.Combine(folder, "fleet");
        var files = SyntheticFleet.Files(Sites, Apps);
        foreach (var (path, text) in files) CompileBench.Write(repository, path, text);
        CompileBench.Git(repository, "init", "--quiet", "--initial-branch=main");
        CompileBench.Commit(repository);
        HubFolder.Init(Path.Combine(folder, "hub"), new FleetName("synthetic"), DateTimeOffset.UtcNow);
        using var stop = new CancellationTokenSource();
        using (var hub = CompileBench.Open(folder, repository))
        {
            await CompileBench.SyncAsync(hub, 1);
            var running = hub.RunAsync(stop.Token);
            await hub.ApiListening;
            CompileBench.Write(repository, SyntheticFleet.SitePath(4711), SyntheticFleet.Site(4711, 9000));
            yield return new Row($"preview of a commit that changes 1 of {Sites:#,0} sites", Time(folder), "s", 10);
            const string Template = "apps/app-0/templates/config.json.j2";
            CompileBench.Write(repository, Template, files[Template].Replace("\"port\"", "\"tcpPort\"", StringComparison.Ordinal));
            yield return new Row($"preview of a commit that changes all of {Sites:#,0} sites", Time(folder), "s", 10);
            await stop.CancelAsync();
            try
            {
                await running;
            }
            catch (OperationCanceledException)
            {
                // It was told to.
            }
        }
        Directory.Delete(folder, recursive: true);
    }

    private static double Time(string folder) => Benchmark.Median(Enumerable.Range(0, Runs).Select(_ => Executables.Time(
        Executables.Path("cli/capillary"), "fleet", "preview", Path.Combine(folder, "fleet"), "--socket", Path.Combine(folder, "hub", "api.sock"))));
}
