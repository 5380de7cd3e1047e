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
public sealed record ObjectHealth(ObjectHealthState State, string? Message)
{
    internal static ObjectHealth Healthy(string? message = null) => new(ObjectHealthState.Healthy, Shown(message));

    internal static ObjectHealth Suspended(string? message) => new(ObjectHealthState.Suspended, Shown(message));

    internal static ObjectHealth Progressing(string? message) => new(ObjectHealthState.Progressing, Shown(message));

    internal static ObjectHealth Degraded(string? message) => new(ObjectHealthState.Degraded, Shown(message));

    private static string? Shown(string? message) => string.IsNullOrWhiteSpace(message) ? null : message;
}

/// <summary>Live object -> health. Where the rules differ from Argo CD's, docs/fleet-language.md says so.</summary>
public static class KubernetesHealth
{
    /// <summary>The health of a live object; null when no rule knows its kind, and it so blocks nothing.</summary>
    /// <param name="live">As the API server returned it. Never believed: what is not there counts as 0 or nothing.</param>
    /// <param name="rules">The fleet's own rules; they win over the built-in ones, but not over a deletion.</param>
    public static ObjectHealth? Of(JsonElement live, IReadOnlyList<HealthRule> rules)
    {
        var item = new LiveObject(live);
        return Of(item.Group, item.Kind, live, rules);
    }

    /// <summary>As above, for an item of a list: the API leaves <c>apiVersion</c> and <c>kind</c> out there.</summary>
    public static ObjectHealth? Of(string group, string kind, JsonElement live, IReadOnlyList<HealthRule> rules)
    {
        var item = new LiveObject(live);
        if (item.At("metadata", "deletionTimestamp") is not null) return Deletion(item);
        foreach (var rule in rules)
        {
            if (rule.Group == group && rule.Kind == kind) return FleetHealth.Of(live, rule);
        }
        return (group, kind) switch
        {
            ("apps", "Deployment") => WorkloadHealth.Deployment(item),
            ("apps", "StatefulSet") => WorkloadHealth.StatefulSet(item),
            ("apps", "DaemonSet") => WorkloadHealth.DaemonSet(item),
            ("apps", "ReplicaSet") => WorkloadHealth.ReplicaSet(item),
            ("batch", "Job") => PodHealth.Job(item),
            ("batch", "CronJob") => PodHealth.CronJob(item),
            ("", "Pod") => PodHealth.Pod(item),
            ("", "PersistentVolumeClaim") => ClusterHealth.PersistentVolumeClaim(item),
            ("", "Service") => ClusterHealth.Service(item),
            ("", "Namespace") => ClusterHealth.Namespace(item),
            ("networking.k8s.io", "Ingress") => ClusterHealth.Ingress(item),
            ("autoscaling", "HorizontalPodAutoscaler") => ClusterHealth.Autoscaler(item),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => ClusterHealth.Definition(item),
            ("apiregistration.k8s.io", "APIService") => ClusterHealth.ApiService(item),
            _ => KubernetesOrder.IsBuiltIn(group) ? null : FleetHealth.ByConvention(item),
        };
    }

    private static ObjectHealth Deletion(LiveObject item)
    {
        var waits = item.At("metadata", "finalizers") is { ValueKind: JsonValueKind.Array } finalizers
            ? string.Join(", ", finalizers.EnumerateArray().Select(JsonPath.TextOf)) : "";
        return ObjectHealth.Progressing(waits.Length == 0 ? "deletion in progress" : $"deletion in progress, waits for {waits}");
    }
}
