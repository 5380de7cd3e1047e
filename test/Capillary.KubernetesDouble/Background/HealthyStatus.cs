using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Background;

/// <summary>The status that a kind's controller would write once all is well.</summary>
internal static class HealthyStatus
{
    /// <summary>Null: its controller writes none.</summary>
    public static JsonObject? Of(JsonObject tree) => tree.Text("kind") switch
    {
        "Deployment" => Deployment(tree),
        "StatefulSet" => StatefulSet(tree),
        "DaemonSet" => DaemonSet(tree),
        "ReplicaSet" or "ReplicationController" => ReplicaSet(tree),
        "Job" => Job(tree),
        "Pod" => Pod(tree),
        "PersistentVolumeClaim" => Claim(tree),
        "PersistentVolume" => Status("""{"phase":"Available"}"""),
        "Service" or "Ingress" => Balanced(tree),
        "HorizontalPodAutoscaler" => With(tree, ("AbleToScale", "ReadyForNewScale"), ("ScalingActive", "ValidMetricFound")),
        "PodDisruptionBudget" => With(tree, ("DisruptionAllowed", "SufficientPods")),
        "APIService" => With(tree, ("Available", "Passed")),
        _ => null,
    };

    /// <summary>What custom resources by convention say when they are well.</summary>
    public static JsonObject Ready(JsonObject tree) => With(tree, ("Ready", "Ready"));

    private static JsonObject Status(string text) => Json.Object(text);

    private static JsonObject Observed(JsonObject tree, params ReadOnlySpan<(string Name, long Value)> counts)
    {
        var status = new JsonObject();
        if (tree.Number("metadata", "generation") is { } generation) status["observedGeneration"] = generation;
        foreach (var (name, value) in counts) status[name] = value;
        return status;
    }

    private static JsonObject Condition(JsonObject tree, string type, string reason)
    {
        var since = tree.Items("status", "conditions").FirstOrDefault(old => old.Text("type") == type).Text("lastTransitionTime")
            ?? ClusterState.Time;
        return new JsonObject { ["lastTransitionTime"] = since, ["message"] = reason, ["reason"] = reason, ["status"] = "True",
            ["type"] = type };
    }

    private static JsonObject With(JsonObject tree, params ReadOnlySpan<(string Type, string Reason)> conditions)
    {
        var status = tree.Map("status")?.Copy() ?? [];
        if (tree.Number("metadata", "generation") is { } generation) status["observedGeneration"] = generation;
        var list = new JsonArray();
        foreach (var (type, reason) in conditions) list.Add(Condition(tree, type, reason));
        status["conditions"] = list;
        return status;
    }

    private static long Replicas(JsonObject tree) => tree.Number("spec", "replicas") ?? 1;

    private static JsonObject Deployment(JsonObject tree)
    {
        var count = Replicas(tree);
        var status = Observed(tree, ("replicas", count), ("updatedReplicas", count), ("readyReplicas", count),
            ("availableReplicas", count));
        status["conditions"] = new JsonArray(Condition(tree, "Available", "MinimumReplicasAvailable"),
            Condition(tree, "Progressing", "NewReplicaSetAvailable"));
        return status;
    }

    private static JsonObject StatefulSet(JsonObject tree)
    {
        var count = Replicas(tree);
        var status = Observed(tree, ("replicas", count), ("readyReplicas", count), ("availableReplicas", count), ("currentReplicas", count),
            ("updatedReplicas", count), ("collisionCount", 0));
        var revision = $"{tree.Text("metadata", "name")}-{tree.Number("metadata", "generation")}";
        (status["currentRevision"], status["updateRevision"]) = (revision, revision);
        return status;
    }

    private static JsonObject DaemonSet(JsonObject tree) => Observed(tree, ("desiredNumberScheduled", 1), ("currentNumberScheduled", 1),
        ("numberAvailable", 1), ("numberReady", 1), ("updatedNumberScheduled", 1), ("numberMisscheduled", 0));

    private static JsonObject ReplicaSet(JsonObject tree)
    {
        var count = Replicas(tree);
        return Observed(tree, ("replicas", count), ("readyReplicas", count), ("availableReplicas", count), ("fullyLabeledReplicas", count));
    }

    private static JsonObject Job(JsonObject tree)
    {
        if (tree.Flag("spec", "suspend") == true)
            return new JsonObject { ["conditions"] = new JsonArray(Condition(tree, "Suspended", "JobSuspended")) };
        var start = tree.Text("status", "startTime") ?? ClusterState.Time;
        return new JsonObject
        {
            ["startTime"] = start,
            ["completionTime"] = tree.Text("status", "completionTime") ?? ClusterState.Time,
            ["succeeded"] = tree.Number("spec", "completions") ?? 1,
            ["conditions"] = new JsonArray(Condition(tree, "SuccessCriteriaMet", "CompletionsReached"),
            Condition(tree, "Complete", "CompletionsReached")),
        };
    }

    private static JsonObject Pod(JsonObject tree)
    {
        var status = With(tree, ("Initialized", "Initialized"), ("Ready", "Ready"), ("ContainersReady", "ContainersReady"));
        status["phase"] = "Running";
        return status;
    }

    private static JsonObject Claim(JsonObject tree)
    {
        var status = Status("""{"phase":"Bound"}""");
        status.Put("accessModes", tree.At("spec", "accessModes"));
        status.Put("capacity", tree.At("spec", "resources", "requests"));
        return status;
    }

    private static JsonObject? Balanced(JsonObject tree) => tree.Text("kind") == "Ingress" || tree.Text("spec", "type") == "LoadBalancer"
        ? Status("""{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}""")
        : null;
}
