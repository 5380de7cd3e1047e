using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>What an API server fills in where nobody said anything.</summary>
internal static class Defaults
{
    private static readonly HashSet<string> Maps =
        ["labels", "annotations", "data", "binaryData", "stringData", "nodeSelector", "matchLabels", "limits", "requests", "parameters"];

    /// <summary>Fills it in; who wrote the object by an ordinary write comes to own that, an applier does not.</summary>
    public static void Fill(JsonObject tree, ResourceType type)
    {
        if (type.IsCustom) return;
        DropEmpty(tree, type.Empty);
        Kind(tree);
        Complete(tree, type.Empty);
    }

    // The API's types hold some parts by value: they are in every answer, even when nothing is in them.
    private static void Complete(JsonObject tree, JsonObject skeleton)
    {
        foreach (var (name, part) in skeleton)
        {
            if (!tree.TryGetPropertyValue(name, out var there)) tree[name] = part?.DeepClone();
            else if (there is JsonObject map && part is JsonObject below) Complete(map, below);
        }
    }

    // The API's types leave out empty lists and maps, but not empty objects. What the skeleton names is always there.
    private static void DropEmpty(JsonObject tree, JsonObject? skeleton)
    {
        foreach (var (name, value) in tree.ToList())
        {
            if (value is JsonObject map) DropEmpty(map, skeleton.Map(name));
            foreach (var item in value.Items().OfType<JsonObject>()) DropEmpty(item, null);
            var isEmpty = value is JsonArray { Count: 0 } || (value is JsonObject { Count: 0 } && Maps.Contains(name));
            if (isEmpty && skeleton?.ContainsKey(name) != true) tree.Remove(name);
        }
    }

    private static void Kind(JsonObject tree)
    {
        switch (tree.Text("kind"))
        {
            case "Deployment": Deployment(tree.Ensure("spec")); break;
            case "StatefulSet": StatefulSet(tree.Ensure("spec")); break;
            case "DaemonSet": DaemonSet(tree); break;
            case "ReplicaSet" or "ReplicationController": Replicas(tree.Ensure("spec")); break;
            case "Job": Job(tree); break;
            case "CronJob": CronJob(tree.Ensure("spec")); break;
            case "Pod": Pod(tree.Ensure("spec")); break;
            case "Service": Service(tree.Ensure("spec")); break;
            case "Secret": Secret(tree); break;
            case "PersistentVolumeClaim": Claim(tree); break;
            case "PersistentVolume": Volume(tree); break;
            case "NetworkPolicy": NetworkPolicy(tree.Ensure("spec")); break;
            case "StorageClass": StorageClass(tree); break;
            case "Namespace": Namespace(tree); break;
            case "RoleBinding" or "ClusterRoleBinding": Binding(tree); break;
            case "HorizontalPodAutoscaler": Autoscaler(tree.Ensure("spec")); break;
            case "CustomResourceDefinition": CustomResourceDefinition(tree.Ensure("spec")); break;
        }
    }

    private static void Replicas(JsonObject spec)
    {
        spec.Default("replicas", 1);
        PodDefaults.Template(spec, "Always");
    }

    private static void Deployment(JsonObject spec)
    {
        Replicas(spec);
        spec.Default("progressDeadlineSeconds", 600);
        spec.Default("revisionHistoryLimit", 10);
        var strategy = spec.Ensure("strategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate") return;
        strategy.Ensure("rollingUpdate").Default("maxSurge", "25%");
        strategy.Ensure("rollingUpdate").Default("maxUnavailable", "25%");
    }

    private static void StatefulSet(JsonObject spec)
    {
        Replicas(spec);
        spec.Default("podManagementPolicy", "OrderedReady");
        spec.Default("revisionHistoryLimit", 10);
        spec.Default("persistentVolumeClaimRetentionPolicy", Json.Object("""{"whenDeleted":"Retain","whenScaled":"Retain"}"""));
        var strategy = spec.Ensure("updateStrategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate") strategy.Ensure("rollingUpdate").Default("partition", 0);
        foreach (var claim in spec.Items("volumeClaimTemplates").OfType<JsonObject>())
        {
            claim.Default("apiVersion", "v1");
            claim.Default("kind", "PersistentVolumeClaim");
            claim.Ensure("spec").Default("volumeMode", "Filesystem");
            claim.Ensure("status").Default("phase", "Pending");
        }
    }

    private static void Pod(JsonObject spec)
    {
        PodDefaults.Fill(spec, "Always");
        spec.Default("enableServiceLinks", true);
    }

    private static void DaemonSet(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        tree.Ensure("metadata").Ensure("annotations").Default("deprecated.daemonset.template.generation", "1");
        PodDefaults.Template(spec, "Always");
        spec.Default("revisionHistoryLimit", 10);
        var strategy = spec.Ensure("updateStrategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate") return;
        strategy.Ensure("rollingUpdate").Default("maxSurge", 0);
        strategy.Ensure("rollingUpdate").Default("maxUnavailable", 1);
    }

    private static void Job(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        if (tree.At("metadata", "labels") is null) tree.Ensure("metadata").Put("labels", spec.At("template", "metadata", "labels"));
        if (spec["completions"] is null && spec["parallelism"] is null) spec["completions"] = 1;
        spec.Default("parallelism", 1);
        spec.Default("backoffLimit", 6);
        spec.Default("completionMode", "NonIndexed");
        spec.Default("suspend", false);
        spec.Default("manualSelector", false);
        spec.Default("podReplacementPolicy", "TerminatingOrFailed");
        PodDefaults.Template(spec, "Always");
    }

    private static void CronJob(JsonObject spec)
    {
        spec.Default("concurrencyPolicy", "Allow");
        spec.Default("suspend", false);
        spec.Default("successfulJobsHistoryLimit", 3);
        spec.Default("failedJobsHistoryLimit", 1);
        PodDefaults.Template(spec.Ensure("jobTemplate").Ensure("spec"), "Always");
    }

    private static void Service(JsonObject spec)
    {
        spec.Default("type", "ClusterIP");
        spec.Default("sessionAffinity", "None");
        foreach (var port in spec.Items("ports").OfType<JsonObject>())
        {
            port.Default("protocol", "TCP");
            port.Default("targetPort", port["port"]?.DeepClone());
        }
        if (spec.Text("type") is "NodePort" or "LoadBalancer") spec.Default("externalTrafficPolicy", "Cluster");
        if (spec.Text("type") == "LoadBalancer") spec.Default("allocateLoadBalancerNodePorts", true);
        if (spec.Text("type") != "ExternalName") spec.Default("internalTrafficPolicy", "Cluster");
    }

    private static void Secret(JsonObject tree)
    {
        tree.Default("type", "Opaque");
        if (tree.Map("stringData") is not { } texts) return;
        foreach (var (key, value) in texts)
            tree.Ensure("data")[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value!.GetValue<string>()));
        tree.Remove("stringData");
    }

    private static void Claim(JsonObject tree)
    {
        tree.Ensure("spec").Default("volumeMode", "Filesystem");
        tree.Ensure("status").Default("phase", "Pending");
    }

    private static void Volume(JsonObject tree)
    {
        tree.Ensure("spec").Default("persistentVolumeReclaimPolicy", "Retain");
        tree.Ensure("spec").Default("volumeMode", "Filesystem");
        tree.Ensure("status").Default("phase", "Pending");
    }

    private static void NetworkPolicy(JsonObject spec)
    {
        spec.Default("podSelector", new JsonObject());
        if (spec["policyTypes"] is not null) return;
        var types = new JsonArray("Ingress");
        if (spec["egress"] is not null) types.Add("Egress");
        spec["policyTypes"] = types;
        foreach (var rule in spec.Items("ingress").Concat(spec.Items("egress")))
        {
            foreach (var port in rule.Items("ports").OfType<JsonObject>()) port.Default("protocol", "TCP");
        }
    }

    private static void StorageClass(JsonObject tree)
    {
        tree.Default("reclaimPolicy", "Delete");
        tree.Default("volumeBindingMode", "Immediate");
    }

    private static void Namespace(JsonObject tree)
    {
        tree.Ensure("metadata").Ensure("labels").Default("kubernetes.io/metadata.name", tree.Text("metadata", "name"));
        tree.Ensure("status").Default("phase", "Active");
    }

    private static void Autoscaler(JsonObject spec)
    {
        spec.Default("minReplicas", 1);
        spec.Default("metrics",
            JsonNode.Parse("""[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]"""));
    }

    private static void Binding(JsonObject tree)
    {
        foreach (var subject in tree.Items("subjects").OfType<JsonObject>())
        {
            if (subject.Text("kind") is "User" or "Group") subject.Default("apiGroup", "rbac.authorization.k8s.io");
        }
        tree.Map("roleRef")?.Default("apiGroup", "rbac.authorization.k8s.io");
    }

    private static void CustomResourceDefinition(JsonObject spec)
    {
        spec.Default("conversion", Json.Object("""{"strategy":"None"}"""));
        var names = spec.Ensure("names");
        if (names.Text("kind") is not { } kind) return;
        names.Default("singular", kind.ToLowerInvariant());
        names.Default("listKind", kind + "List");
    }
}
