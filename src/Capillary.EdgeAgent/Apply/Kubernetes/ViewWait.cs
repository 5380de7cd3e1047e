using Capillary.Core.Apply.Kubernetes;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Waits for levels of what the watches see; time in which the cluster does not answer does not count.</summary>
internal sealed class ViewWait(ClusterView view, KubeClient client, TimeProvider time)
{
    /// <summary>How long a deletion may take until it is waited for no longer.</summary>
    public static readonly TimeSpan GoneWithin = TimeSpan.FromSeconds(60);

    // How often it is looked whether the cluster answers.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public ClusterView View => view;

    /// <summary>False when it did not come to hold in time.</summary>
    public async Task<bool> UntilAsync(Func<bool> holds, TimeSpan most, CancellationToken stop)
    {
        var left = most;
        while (true)
        {
            var next = view.NextChange;
            if (holds()) return true;
            if (left <= TimeSpan.Zero) return false;
            var began = time.GetTimestamp();
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
            await Task.WhenAny(next, Task.Delay(left < Look ? left : Look, time, ends.Token));
            await ends.CancelAsync();
            stop.ThrowIfCancellationRequested();
            if (client.Unreachable is null) left -= time.GetElapsedTime(began);
        }
    }

    /// <summary>Until none of these is there, or only another of its name. False: something still holds one, by a finalizer.</summary>
    public Task<bool> GoneAsync(IReadOnlyCollection<(ObjectRef Ref, string Uid)> deleted, CancellationToken stop) => UntilAsync(
        () => deleted.All(item => view.Find(item.Ref, out var isKnown) is { } seen ? seen.Uid != item.Uid : isKnown), GoneWithin, stop);
}
