namespace Capillary.KubernetesDouble;

/// <summary>Which object of the double is meant.</summary>
/// <param name="Group">API group; "" is the core group.</param>
/// <param name="Kind">Such as <c>Deployment</c>.</param>
/// <param name="Namespace">"" for a kind without namespace.</param>
/// <param name="Name">Its name.</param>
public sealed record ClusterObject(string Group, string Kind, string Namespace, string Name);
