using System.Diagnostics;
using System.Text;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.KubernetesDouble;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks;

/// <summary>
/// 1,000 ConfigMaps in one bundle: first apply, a restart with nothing to do, one changed object. On the double, or on the cluster that
/// CAPILLARY_KUBECONFIG names; there <c>kubectl apply --server-side</c> of the same objects runs beside it, when there is a kubectl.
/// </summary>
internal sealed class ClusterBench : IAsyncDisposable
{
    private const int Count = 1000;
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-bench-").FullName;
    private readonly string space = $"bench-{Guid.NewGuid().ToString("n")[..8]}";
    private readonly string kubeconfig;
    private long since;
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;
    private ClusterTarget target = null!;
    private SiteApply agent = null!;

    private ClusterBench(string kubeconfig) => this.kubeconfig = kubeconfig;

    public static async IAsyncEnumerable<Row> Run()
    {
        var given = Environment.GetEnvironmentVariable("CAPILLARY_KUBECONFIG");
        await using var cluster = given is null ? await ClusterDouble.StartAsync() : null;
        await using var bench = new ClusterBench(given ?? cluster!.KubeconfigPath);
        var where = given is null ? "the double" : "a real API server";
        Directory.CreateDirectory($"{bench.folder}/blobs");
        bench.Start();
        var (seconds, requests) = await bench.ApplyAsync(bench.Bundle("1", "1"));
        yield return new Row($"{Count} ConfigMaps, first apply on {where}", seconds, "s", null);
        yield return new Row($"{Count} ConfigMaps, first apply on {where}", requests, "requests", null);
        await bench.StopAsync();
        var clock = Stopwatch.StartNew();
        bench.Start();
        // The new process has looked at all of them once it has listed them and watches on.
        await bench.UntilAsync(() => bench.agent.Status is { Phase: ApplyPhase.Healthy, Apps: [{ State: HealthState.Healthy }, ..] });
        yield return new Row($"{Count} ConfigMaps, a restart with nothing to do on {where}", clock.Elapsed.TotalSeconds, "s", null);
        yield return new Row($"{Count} ConfigMaps, a restart with nothing to do on {where}", bench.target.Requests, "requests", null);
        (seconds, requests) = await bench.ApplyAsync(bench.Bundle("1", "2"));
        yield return new Row($"{Count} ConfigMaps, one of them changed on {where}", seconds, "s", null);
        yield return new Row($"{Count} ConfigMaps, one of them changed on {where}", requests, "requests", null);
        foreach (var row in bench.Kubectl(given is not null)) yield return row;
    }

    private IEnumerable<Row> Kubectl(bool isReal)
    {
        if (!isReal || !File.Exists("/usr/bin/kubectl")) yield break;
        var file = $"{folder}/all.json";
        var items = string.Join(",\n", Enumerable.Range(0, Count).Select(i => Map(i, "1", "kubectl-")));
        File.WriteAllText(file, $$"""{"apiVersion":"v1","kind":"List","items":[{{items}}]}""");
        string[] apply = ["--kubeconfig", kubeconfig, "apply", "--server-side", "-f", file];
        yield return new Row($"{Count} ConfigMaps, kubectl apply --server-side, first", Executables.Time("/usr/bin/kubectl", apply), "s", null);
        yield return new Row($"{Count} ConfigMaps, kubectl apply --server-side, again", Executables.Time("/usr/bin/kubectl", apply), "s", null);
        Executables.Time("/usr/bin/kubectl", "--kubeconfig", kubeconfig, "delete", "--wait=false", "-f", file);
    }

    private string Map(int number, string value, string prefix = "") => $$$"""
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{prefix}}}m{{{number}}}","namespace":"{{{space}}}"},"data":{"value":"{{{value}}}"}}
        """;

    private Digest Bundle(string value, string last)
    {
        var objects = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal)
        {
            ["Namespace"] = Encoding.UTF8.GetBytes($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{space}}}"}}"""),
        };
        for (var i = 0; i < Count; i++) objects[$"ConfigMap.{i:d4}"] = Encoding.UTF8.GetBytes(Map(i, i == Count - 1 ? last : value));
        var layer = new AppLayer(new AppName("many"), objects, new Dictionary<string, ReadOnlyMemory<byte>>(), 60).ToBytes();
        return Put(new BundleManifest([new Descriptor(MediaTypes.App, Put(layer), layer.Length, "many")], []).ToBytes());
    }

    private Digest Put(byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        File.WriteAllBytes($"{folder}/blobs/{digest.Hex}", bytes);
        return digest;
    }

    private void Start()
    {
        target = new ClusterTarget("bench", KubeConfigFile.Load(kubeconfig, space), 100, digest => $"{folder}/blobs/{digest.Hex}",
            TimeProvider.System, NullLogger.Instance);
        agent = new SiteApply($"{folder}/state", target, TimeSpan.FromMilliseconds(20),
            (_, _) => Task.FromResult<FetchOutcome>(new FetchOutcome.Ready()), TimeProvider.System, NullLogger.Instance);
        running = agent.RunAsync(stop.Token);
    }

    private async Task<(double Seconds, long Requests)> ApplyAsync(Digest bundle)
    {
        var (clock, before, wanted) = (Stopwatch.StartNew(), target.Requests, ++since);
        agent.Assign(new DesiredBundle(bundle, null, wanted) { PruneConfirmed = true });
        await UntilAsync(() => agent.Status.Phase == ApplyPhase.Healthy && agent.Status.Since == wanted);
        return (clock.Elapsed.TotalSeconds, target.Requests - before);
    }

    private async Task UntilAsync(Func<bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (running.IsFaulted) await running;
            if (clock.Elapsed > TimeSpan.FromMinutes(2)) throw new TimeoutException($"{agent.Status}");
            await Task.Delay(2);
        }
    }

    private async Task StopAsync()
    {
        await stop.CancelAsync();
        await running;
        stop = new CancellationTokenSource();
    }

    public async ValueTask DisposeAsync()
    {
        await ApplyAsync(Put(new BundleManifest([], []).ToBytes()));
        await StopAsync();
        stop.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
