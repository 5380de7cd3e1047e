using Capillary.Core.Protocol;

namespace Capillary.HubNode.Publish;

/// <summary>Enrollments between their first and second step: few, for a short time, each good for one second step.</summary>
internal sealed class PendingHandshakes(TimeProvider time)
{
    /// <summary>The most that are open; the oldest makes room.</summary>
    public const int Most = 1024;

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);
    private readonly Lock gate = new();
    private readonly Queue<string> order = new();
    private readonly Dictionary<string, (EnrollRequest First, DateTimeOffset At)> open = [];

    public void Add(EnrollRequest first, byte[] hubNonce)
    {
        lock (gate)
        {
            while (order.Count >= Most) open.Remove(order.Dequeue());
            var key = Convert.ToHexString(hubNonce);
            order.Enqueue(key);
            open[key] = (first, time.GetUtcNow());
        }
    }

    /// <summary>True when this second step continues an open first one; it is then closed.</summary>
    public bool Take(EnrollRequest second, byte[] hubNonce)
    {
        lock (gate)
        {
            if (!open.Remove(Convert.ToHexString(hubNonce), out var found) || time.GetUtcNow() - found.At > Lifetime) return false;
            var first = found.First;
            return (first.Node is null || first.Node == second.Node) && first.Kind == second.Kind && first.CodeId == second.CodeId
                && first.Key.Equals(second.Key)
                && first.SealingKey.Equals(second.SealingKey)
                && first.Nonce.AsSpan().SequenceEqual(second.Nonce);
        }
    }
}
