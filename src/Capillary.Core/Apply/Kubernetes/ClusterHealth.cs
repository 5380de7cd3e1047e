using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Health of storage, network, scaling and the kinds of the API itself.</summary>
internal static class ClusterHealth
{
    public static ObjectHealth PersistentVolumeClaim(LiveObject item) => item.Text("status", "phase") switch
    {
        "Bound" => ObjectHealth.Healthy(),
        "Lost" => ObjectHealth.Degraded("the volume behind the claim is lost"),
        var phase => ObjectHealth.Progressing(phase.Length == 0 ? null : $"the claim is {phase}"),
    };

    public static ObjectHealth Service(LiveObject item) =>
        item.Text("spec", "type") == "LoadBalancer" && !HasAddress(item)
            ? ObjectHealth.Progressing("the load balancer has no address yet") : ObjectHealth.Healthy();

    // Not as Argo CD: many controllers of small clusters write no address, and an app must not wait for ever for one.
    public static ObjectHealth Ingress(LiveObject item) =>
        ObjectHealth.Healthy(HasAddress(item) ? null : "no controller has written an address");

    public static ObjectHealth Namespace(LiveObject item) => item.Text("status", "phase") == "Terminating"
        ? ObjectHealth.Progressing("deletion in progress") : ObjectHealth.Healthy();

    public static ObjectHealth Autoscaler(LiveObject item)
    {
        foreach (var condition in Conditions(item))
        {
            switch (condition)
            {
                case { Type: "AbleToScale", Reason: "FailedGetScale" or "FailedUpdateScale" }:
                case { Type: "ScalingActive", Reason: "FailedGetResourceMetric" or "InvalidSelector" }:
                    return ObjectHealth.Degraded(condition.Text);
                case { Type: "AbleToScale" or "ScalingLimited", IsTrue: true }:
                    return ObjectHealth.Healthy(condition.Message);
            }
        }
        return ObjectHealth.Progressing("waits to scale");
    }

    public static ObjectHealth Definition(LiveObject item)
    {
        if (item.Condition("Terminating") is { IsTrue: true } terminating) return ObjectHealth.Progressing(terminating.Text);
        if (item.Condition("NamesAccepted") is { IsFalse: true } names) return ObjectHealth.Degraded(names.Text);
        if (item.Condition("NonStructuralSchema") is { IsTrue: true } schema) return ObjectHealth.Degraded(schema.Text);
        // Not as Argo CD, for which it is degraded during the second in which every definition is installed.
        return item.Condition("Established") is { IsTrue: true }
            ? ObjectHealth.Healthy() : ObjectHealth.Progressing(item.Condition("Established")?.Text ?? "not established yet");
    }

    public static ObjectHealth ApiService(LiveObject item) => item.Condition("Available") switch
    {
        { IsTrue: true } => ObjectHealth.Healthy(),
        { } condition => ObjectHealth.Progressing(condition.Text),
        null => ObjectHealth.Progressing("nothing has looked at it yet"),
    };

    private static bool HasAddress(LiveObject item) => item.List("status", "loadBalancer", "ingress").Any();

    /// <summary>Version 1 of the API keeps them as JSON in an annotation.</summary>
    private static List<LiveCondition> Conditions(LiveObject item)
    {
        if (item.Text("metadata", "annotations", "autoscaling.alpha.kubernetes.io/conditions") is not { Length: > 0 } json)
            return [.. item.Conditions];
        try
        {
            using var document = JsonDocument.Parse(json);
            return [.. LiveObject.ReadConditions(document.RootElement)];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
