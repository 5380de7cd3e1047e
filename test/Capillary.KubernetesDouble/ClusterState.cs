using Capillary.KubernetesDouble.Rules;
using Capillary.KubernetesDouble.Storage;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble;

/// <summary>All that outlives a restart of the double's API server.</summary>
internal sealed class ClusterState(int historyLimit)
{
    public ObjectStore Store { get; } = new(historyLimit);

    public TypeRegistry Types { get; } = new();

    public Preparation Preparation { get; } = new();

    /// <summary>Now, as the API writes times.</summary>
    public static string Time => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
