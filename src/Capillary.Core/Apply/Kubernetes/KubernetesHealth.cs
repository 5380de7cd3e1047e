using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>The health of one object as Argo CD's users know it; the worst is last.</summary>
public enum ObjectHealthState
{
    Healthy,
    Suspended,
    Progressing,
    Missing,
    Degraded,
}

/// <summary>Health of one object, and why.</summary>
/// <param name="State">Its health.</param>
/// <param name="Message">For a person; null when there is nothing to say.</param>
public sealed record ObjectHealth(ObjectHealthState State, string? Message);

/// <summary>Live object -> health.</summary>
public static class KubernetesHealth
{
    /// <summary>The health of a live object; null when no rule knows its kind, and it so blocks nothing.</summary>
    /// <param name="live">As the API server returned it.</param>
    /// <param name="rules">The fleet's own rules; they win over the built-in ones.</param>
    public static ObjectHealth? Of(JsonElement live, IReadOnlyList<HealthRule> rules) => throw new NotImplementedException();
}
