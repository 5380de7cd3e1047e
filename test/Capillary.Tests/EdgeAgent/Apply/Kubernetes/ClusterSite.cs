using System.Collections.Concurrent;
using System.Diagnostics;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.KubernetesDouble;
using Capillary.Tests.Core.Apply;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>An agent's apply on a cluster: the double, in this process.</summary>
internal sealed class ClusterSite : IAsyncDisposable
{
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;
    private long since;

    private ClusterSite(ClusterDouble cluster, string folder)
    {
        (Cluster, Folder) = (cluster, folder);
        Directory.CreateDirectory($"{Folder}/blobs");
        Bundles = new TestBundles($"{Folder}/blobs");
        cluster.Create("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"capillary-system"}}""", "test");
        cluster.Create("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"lab"}}""", "test");
    }

    public ClusterDouble Cluster { get; }

    public string Folder { get; }

    public TestBundles Bundles { get; }

    public int MaxPrunePercent { get; init; } = 50;

    public SiteApply Agent { get; private set; } = null!;

    public ApplyStatus Status => Agent.Status;

    /// <summary>Every condition ever shown.</summary>
    public ConcurrentDictionary<string, string> Seen { get; } = new(StringComparer.Ordinal);

    public static async Task<ClusterSite> StartAsync(bool controllers = true, int maxPrunePercent = 50)
    {
        var folder = Directory.CreateTempSubdirectory("capillary-k8s-").FullName;
        var cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions { KubeconfigPath = $"{folder}/kubeconfig", RunsControllers = controllers });
        var site = new ClusterSite(cluster, folder) { MaxPrunePercent = maxPrunePercent };
        site.Start();
        return site;
    }

    public static string ConfigMap(string name, string value = "1", string more = "") => """
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME","namespace":"lab"MORE},"data":{"value":"VALUE"}}
        """.Replace("NAME", name).Replace("VALUE", value).Replace("MORE", more);

    public static string Deployment(string name, string image = "registry.example/web:1", string replicas = "1", string more = "") => """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"NAME","namespace":"lab"MORE},"spec":{"replicas":COUNT,
        "selector":{"matchLabels":{"app":"NAME"}},"template":{"metadata":{"labels":{"app":"NAME"}},
        "spec":{"containers":[{"name":"web","image":"IMAGE"}]}}}}
        """.Replace("NAME", name).Replace("IMAGE", image).Replace("COUNT", replicas).Replace("MORE", more);

    /// <param name="name">Its name.</param>
    /// <param name="annotations">JSON members.</param>
    public static string Job(string name, string annotations) => """
        {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"NAME","namespace":"lab","annotations":{NOTES}},
        "spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"run","image":"registry.example/run:1"}]}}}}
        """.Replace("NAME", name).Replace("NOTES", annotations);

    public static ClusterObject Map(string name) => new("", "ConfigMap", "lab", name);

    public static ClusterObject Web(string name) => new("apps", "Deployment", "lab", name);

    public bool Has(ClusterObject which) => Cluster.Find(which) is not null;

    public string? Value(string map) => (string?)Cluster.Find(Map(map))?["data"]?["value"];

    public void Start()
    {
        var target = new ClusterTarget("basel-lab-1", KubeConfigFile.Load(Cluster.KubeconfigPath), MaxPrunePercent, Bundles.PathOf, TimeProvider.System,
            NullLogger.Instance);
        Agent = new SiteApply($"{Folder}/state", target, TimeSpan.FromMilliseconds(50), (_, _) => Task.FromResult<FetchOutcome>(new FetchOutcome.Ready()),
            TimeProvider.System, NullLogger.Instance);
        var agent = Agent;
        agent.Changed += () =>
        {
            foreach (var condition in agent.Status.Conditions) Seen[$"{condition.Code} {condition.Subject}"] = condition.Text;
        };
        running = Agent.RunAsync(stop.Token);
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running;
        stop = new CancellationTokenSource();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        Start();
    }

    public long Assign(Digest bundle, Digest? fallback = null, bool confirmed = false)
    {
        Agent.Assign(new DesiredBundle(bundle, fallback, ++since) { PruneConfirmed = confirmed });
        return since;
    }

    public async Task ApplyAsync(Digest bundle, Digest? fallback = null, bool confirmed = false)
    {
        Assign(bundle, fallback, confirmed);
        await UntilEndAsync(ApplyPhase.Healthy);
    }

    public Task UntilEndAsync(ApplyPhase phase) => UntilAsync(() => Status.Since == since && Status.Phase == phase);

    public async Task UntilAsync(Func<bool> holds, int seconds = 30)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (running.IsFaulted) await running;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(seconds), $"not so after {seconds} s: {Describe()}");
            await Task.Delay(20);
        }
    }

    public string? Text(string code) => Seen.FirstOrDefault(item => item.Key.StartsWith($"{code} ", StringComparison.Ordinal)).Value;

    public string Describe() => $"{Status.Phase} since {Status.Since}; {string.Join(" | ", Status.Apps.Select(app => $"{app.App} {app.State} {app.Reason}"))}; "
        + string.Join(" | ", Status.Conditions.Select(condition => $"{condition.Code} {condition.Text}"));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
        await Cluster.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
