using System.Collections.Concurrent;

namespace Capillary.KubernetesDouble;

/// <summary>All requests since the start or the last <see cref="Clear"/>.</summary>
public sealed class RequestLog
{
    private readonly ConcurrentQueue<ApiCall> calls = [];

    /// <summary>In the order of their coming.</summary>
    public IReadOnlyList<ApiCall> All => [.. calls];

    /// <summary>How many asked for a change (dry runs are none).</summary>
    public int Writes => calls.Count(call => call.IsWrite);

    /// <summary>How many of a verb, and of a resource if one is named.</summary>
    /// <param name="verb">As RBAC names it.</param>
    /// <param name="resource">Plural; null: all.</param>
    public int Count(string verb, string? resource = null) =>
        calls.Count(call => call.Verb == verb && (resource is null || call.Resource == resource));

    /// <summary>Forgets them.</summary>
    public void Clear() => calls.Clear();

    internal void Add(ApiCall call) => calls.Enqueue(call);
}
