using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Background;

/// <summary>Runs the cluster's own controllers shortly after every change, and not within it: as a client of a real cluster meets
/// them.</summary>
/// <param name="state">The cluster.</param>
/// <param name="pause">From a change to the controllers: what comes within it is looked at once.</param>
internal sealed class BackgroundLoop(ClusterState state, TimeSpan pause) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ObjectPass pass = new(state);
    private Task running = Task.CompletedTask;

    /// <summary>Workloads become ready by themselves.</summary>
    public bool RunsControllers { get; set; }

    public void Start() => running = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    public bool MakeHealthy(ResourceType type, JsonObject tree)
    {
        lock (state.Store.Gate)
        {
            if (pass.Live(type, tree) is not { } live) return false;
            if ((type.IsCustom ? HealthyStatus.Ready(live) : HealthyStatus.Of(live)) is not { } status) return false;
            pass.Change(type, live, changed => changed["status"] = status, "status");
            return true;
        }
    }

    private async Task RunAsync()
    {
        var done = 0L;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var changed = state.Store.Changed;
                if (state.Store.Revision == done) await changed.WaitAsync(stop.Token);
                await Task.Delay(pause, stop.Token);
                done = Pass();
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // No pod here uses a volume.
    private void Unprotect(string plural, string finalizer)
    {
        var type = state.Types.Get("", plural);
        foreach (var tree in state.Store.All(type.Place).Where(tree => ObjectPass.IsDeleted(tree) && ObjectPass.Has(tree, finalizer)))
            pass.Change(type, tree, live => ObjectPass.RemoveFinalizer(live, finalizer));
    }

    private long Pass()
    {
        lock (state.Store.Gate)
        {
            var before = state.Store.Revision;
            Definitions.Run(pass);
            GarbageCollector.Run(pass);
            Unprotect("persistentvolumeclaims", "kubernetes.io/pvc-protection");
            Unprotect("persistentvolumes", "kubernetes.io/pv-protection");
            Namespaces.Run(pass);
            if (RunsControllers)
            {
                foreach (var (type, tree) in pass.All().Where(one => !one.Type.IsCustom && !ObjectPass.IsDeleted(one.Tree)))
                    MakeHealthy(type, tree);
            }
            return before;
        }
    }
}
