using System.Diagnostics;
using System.Net;
using Capillary.Core.Identity;
using Capillary.HubNode;
using Capillary.HubNode.Git;
using Capillary.HubNode.Rollout;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks;

/// <summary>The hub's whole way from a commit of a real repository to a checkpoint on its disk; the links are not started.</summary>
internal static class CompileBench
{
    private const int Sites = 10_000;
    private const int Apps = 5;
    private const int Changes = 5;

    public static async IAsyncEnumerable<Row> Run()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-").FullName;
        var repository = Path.Combine(folder, "fleet");
        foreach (var (path, text) in SyntheticFleet.Files(Sites, Apps)) Write(repository, path, text);
        Git(repository, "init", "--quiet", "--initial-branch=main");
        Commit(repository);
        HubFolder.Init(Path.Combine(folder, "hub"), new FleetName("synthetic"), DateTimeOffset.UtcNow);
        using (var hub = Open(folder, repository))
        {
            var cold = await SyncAsync(hub, 1);
            yield return new Row($"compile {Sites:#,0} sites x {Apps} apps, cold, to a durable checkpoint", cold, "s", 10);
            var times = new List<double>();
            for (var i = 0; i < Changes; i++)
            {
                Write(repository, SyntheticFleet.SitePath(4711 + i), SyntheticFleet.Site(4711 + i, 9000 + i));
                Commit(repository);
                times.Add(await SyncAsync(hub, 1));
            }
            yield return new Row("one site's variable, in a running hub, to a durable checkpoint", Benchmark.Median(times), "s", 0.3);
            using var self = Process.GetCurrentProcess();
            yield return new Row("hub's memory after it (peak)", self.PeakWorkingSet64 / 1048576.0, "MB", null);
        }
        Directory.Delete(folder, recursive: true);
    }

    internal static Hub Open(string folder, string repository)
    {
        var source = new FleetSource(new GitRepository(Path.Combine(folder, "hub", "git"), repository, "main"));
        return new Hub(new HubOptions(Path.Combine(folder, "hub"), new IPEndPoint(IPAddress.Loopback, 0)), source.LookAsync,
            TimeProvider.System, NullLoggerFactory.Instance);
    }

    /// <summary>From the look at Git until storage holds the next checkpoint.</summary>
    internal static async Task<double> SyncAsync(Hub hub, long generations)
    {
        var before = hub.Publisher.Generation;
        var start = Stopwatch.GetTimestamp();
        var result = await hub.Commits.SyncAsync(CancellationToken.None);
        if (result.Problem is { } problem) throw new InvalidOperationException(problem);
        while (hub.Rollout.Step() && hub.Publisher.Generation < before + generations)
        {
        }
        var took = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return hub.Publisher.Generation > before ? took : throw new InvalidOperationException("nothing was published");
    }

    internal static void Write(string repository, string path, string text)
    {
        var file = Path.Combine(repository, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    internal static void Commit(string repository)
    {
        Git(repository, "add", "--all");
        Git(repository, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false", "commit", "--quiet",
            "--message", "a change");
    }

    internal static void Git(string repository, params string[] arguments)
    {
        using var git = Process.Start("git", ["-C", repository, .. arguments]);
        git.WaitForExit();
        if (git.ExitCode != 0) throw new InvalidOperationException($"git {arguments[0]} exited with {git.ExitCode}");
    }
}
