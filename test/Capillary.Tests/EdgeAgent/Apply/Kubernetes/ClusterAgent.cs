using System.Collections.Concurrent;
using System.Diagnostics;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.Tests.Core.Apply;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>An agent's apply, in this process, on the cluster of a kubeconfig.</summary>
internal class ClusterAgent : IAsyncDisposable
{
    private readonly KubeConnection connection;
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;
    private ClusterTarget? target;
    private long since;

    /// <param name="kubeconfig">The cluster.</param>
    /// <param name="space">The namespace of the agent's own lists.</param>
    /// <param name="folder">For its state and blobs; removed at the end.</param>
    public ClusterAgent(string kubeconfig, string space, string folder)
    {
        (connection, Folder) = (KubeConfigFile.Load(kubeconfig, space), folder);
        Directory.CreateDirectory($"{Folder}/blobs");
        Bundles = new TestBundles($"{Folder}/blobs");
    }

    public string Folder { get; }

    public TestBundles Bundles { get; }

    public int MaxPrunePercent { get; init; } = 50;

    public SiteApply Agent { get; private set; } = null!;

    public ApplyStatus Status => Agent.Status;

    /// <summary>Every condition ever shown.</summary>
    public ConcurrentDictionary<string, string> Seen { get; } = new(StringComparer.Ordinal);

    /// <summary>Requests sent by the running agent.</summary>
    public long Requests => target!.Requests;

    public void Start()
    {
        target = new ClusterTarget("basel-lab-1", connection, MaxPrunePercent, Bundles.PathOf, TimeProvider.System, NullLogger.Instance);
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

    public virtual async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
