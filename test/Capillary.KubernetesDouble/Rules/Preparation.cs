using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>What an API server adds of its own when it stores an object; nobody owns these fields.</summary>
internal sealed class Preparation
{
    private int lastAddress = 1;
    private int lastPort = 30000;

    public void ForCreate(JsonObject tree, ResourceType type, string time, bool isDryRun)
    {
        var meta = tree.Ensure("metadata");
        meta["uid"] = Guid.NewGuid().ToString();
        meta["creationTimestamp"] = time;
        foreach (var name in (string[])["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"])
            meta.Remove(name);
        if (type.HasGeneration) meta["generation"] = 1;
        if (type.HasStatus) DropStatus(tree, type);
        switch (type.QualifiedKind)
        {
            case "Namespace":
                tree.Ensure("spec").Default("finalizers", new JsonArray("kubernetes"));
                tree.Ensure("status").Default("phase", "Active");
                break;
            case "PersistentVolumeClaim": PrepareStorage(tree, "kubernetes.io/pvc-protection"); break;
            case "PersistentVolume": PrepareStorage(tree, "kubernetes.io/pv-protection"); break;
            case "CustomResourceDefinition.apiextensions.k8s.io": PrepareDefinition(tree); break;
            case "Pod": PreparePod(tree); break;
            case "Job.batch": PrepareJob(tree); break;
            case "Service": Addresses(tree, null, isDryRun); break;
        }
    }

    /// <summary>Keeps what an update cannot change, and counts generations.</summary>
    public void ForUpdate(JsonObject tree, JsonObject before, ResourceType type)
    {
        var (meta, old) = (tree.Ensure("metadata"), before.Map("metadata")!);
        foreach (var name in (string[])["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
            "generateName", "namespace"])
            meta.Put(name, old[name]);
        if (type.HasStatus) tree.Put("status", before["status"]);
        if (type.QualifiedKind == "Service") Addresses(tree, before, isDryRun: false);
        if (type.QualifiedKind == "Namespace") tree.Ensure("spec").Put("finalizers", before.At("spec", "finalizers"));
        if (type.HasGeneration && SpecDiffers(tree, before)) meta["generation"] = (old.Number("generation") ?? 0) + 1;
    }

    private static bool SpecDiffers(JsonObject tree, JsonObject before) =>
        tree.Select(field => field.Key).Union(before.Select(field => field.Key))
            .Any(name => name is not ("metadata" or "status" or "apiVersion" or "kind") && !Json.Same(tree[name], before[name]));

    private static void DropStatus(JsonObject tree, ResourceType type)
    {
        if (type.QualifiedKind is "Node" or "APIService.apiregistration.k8s.io") return;
        tree.Put("status", type.Empty["status"]);
    }

    private static void PreparePod(JsonObject tree)
    {
        tree["status"] = Json.Object("""{"phase":"Pending","qosClass":"BestEffort"}""");
        tree.Ensure("spec").Default("tolerations", JsonNode.Parse("""
            [{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},
             {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]
            """));
        tree.Ensure("spec").Default("preemptionPolicy", "PreemptLowerPriority");
        tree.Ensure("spec").Default("priority", 0);
    }

    private static void PrepareJob(JsonObject tree)
    {
        if (tree.Flag("spec", "manualSelector") == true) return;
        var (uid, name) = (tree.Text("metadata", "uid")!, tree.Text("metadata", "name")!);
        var labels = tree.Ensure("spec").Ensure("template").Ensure("metadata").Ensure("labels");
        var isShared = tree.At("metadata", "labels") is not { } own || Json.Same(labels, own);
        foreach (var prefix in (string[])["batch.kubernetes.io/", ""])
        {
            labels[prefix + "controller-uid"] = uid;
            labels[prefix + "job-name"] = name;
        }
        // A job without labels got those of its template, and there it is one map with them.
        if (isShared) tree.Ensure("metadata").Put("labels", labels);
        var selector = new JsonObject { ["batch.kubernetes.io/controller-uid"] = uid };
        tree.Ensure("spec")["selector"] = new JsonObject { ["matchLabels"] = selector };
    }

    private static void PrepareStorage(JsonObject tree, string finalizer)
    {
        tree.Ensure("status").Default("phase", "Pending");
        var finalizers = tree.At("metadata", "finalizers") as JsonArray ?? [];
        if (!finalizers.Any(one => one.Text() == finalizer)) finalizers.Add(finalizer);
        tree.Ensure("metadata")["finalizers"] = finalizers.DeepClone();
    }

    private static void PrepareDefinition(JsonObject tree)
    {
        var stored = tree.Items("spec", "versions").FirstOrDefault(version => version.Flag("storage") == true).Text("name");
        if (stored is not null) tree.Ensure("status")["storedVersions"] = new JsonArray(stored);
    }

    private void Addresses(JsonObject tree, JsonObject? before, bool isDryRun)
    {
        var spec = tree.Ensure("spec");
        if (spec.Text("type") is "NodePort" or "LoadBalancer") Ports(spec, before);
        if (spec.Text("type") == "ExternalName") return;
        spec.Default("ipFamilies", new JsonArray("IPv4"));
        spec.Default("ipFamilyPolicy", "SingleStack");
        spec.Default("clusterIP", before.Text("spec", "clusterIP") ?? NextAddress(isDryRun));
        spec.Default("clusterIPs", new JsonArray(spec["clusterIP"]!.DeepClone()));
    }

    private void Ports(JsonObject spec, JsonObject? before)
    {
        foreach (var port in spec.Items("ports").OfType<JsonObject>())
        {
            var same = before.Items("spec", "ports").FirstOrDefault(other => Json.Same(other.At("port"), port["port"]));
            port.Default("nodePort", same.Number("nodePort") ?? ++lastPort);
        }
    }

    private string NextAddress(bool isDryRun)
    {
        var number = isDryRun ? lastAddress + 1 : ++lastAddress;
        return $"10.96.{number / 250}.{(number % 250) + 1}";
    }
}
