using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>Fields that cannot change once an object is there.</summary>
internal static class Immutability
{
    private static readonly string[] StatefulSetMay =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds"];

    private static readonly string[] PodMay = ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"];

    public static IEnumerable<Cause> Check(JsonObject tree, JsonObject before, ResourceType type) => type.QualifiedKind switch
    {
        "Deployment.apps" or "DaemonSet.apps" or "ReplicaSet.apps" => Fixed(tree, before, "spec", "selector"),
        "StatefulSet.apps" => StatefulSet(tree, before),
        "Job.batch" => Fixed(tree, before, "spec", "completions").Concat(Fixed(tree, before, "spec", "selector"))
            .Concat(Fixed(tree, before, "spec", "template")),
        "Service" => Service(tree, before),
        "ConfigMap" => Sealed(tree, before),
        "Secret" => Sealed(tree, before).Concat(Fixed(tree, before, "type")),
        "PersistentVolumeClaim" => Claim(tree, before),
        "RoleBinding.rbac.authorization.k8s.io" or "ClusterRoleBinding.rbac.authorization.k8s.io" => Binding(tree, before),
        "StorageClass.storage.k8s.io" => StorageClass(tree, before),
        "Pod" => Pod(tree, before),
        _ => [],
    };

    private static IEnumerable<Cause> Fixed(JsonObject tree, JsonObject before, params string[] path)
    {
        if (!Json.Same(tree.At(path), before.At(path)))
            yield return Cause.Invalid(string.Join('.', path), tree.At(path), "field is immutable");
    }

    private static JsonObject Without(JsonNode? spec, string[] names)
    {
        var rest = (spec as JsonObject)?.Copy() ?? [];
        foreach (var name in names) rest.Remove(name);
        return rest;
    }

    private static IEnumerable<Cause> StatefulSet(JsonObject tree, JsonObject before)
    {
        if (Json.Same(Without(tree["spec"], StatefulSetMay), Without(before["spec"], StatefulSetMay))) yield break;
        yield return Cause.Forbidden("spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
            + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }

    private static IEnumerable<Cause> Service(JsonObject tree, JsonObject before)
    {
        if (tree.Text("spec", "type") == "ExternalName" || before.Text("spec", "clusterIP") is not { Length: > 0 } old) yield break;
        if (tree.Text("spec", "clusterIP") != old)
            yield return Cause.Invalid("spec.clusterIPs[0]", tree.At("spec", "clusterIPs"), "may not change once set");
    }

    private static IEnumerable<Cause> Sealed(JsonObject tree, JsonObject before)
    {
        if (before.Flag("immutable") != true) yield break;
        foreach (var name in (string[])["immutable", "data", "binaryData"])
        {
            if (!Json.Same(tree[name], before[name])) yield return Cause.Forbidden(name, "field is immutable when `immutable` is set");
        }
    }

    private static IEnumerable<Cause> Claim(JsonObject tree, JsonObject before)
    {
        string[] may = ["resources", "volumeAttributesClassName", "volumeName"];
        if (Json.Same(Without(tree["spec"], may), Without(before["spec"], may))) yield break;
        yield return Cause.Forbidden("spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
    }

    private static IEnumerable<Cause> Binding(JsonObject tree, JsonObject before)
    {
        if (!Json.Same(tree["roleRef"], before["roleRef"]))
            yield return Cause.Invalid("roleRef", Upper(tree.Map("roleRef")!), "cannot change roleRef");
    }

    // The API server shows its own type here, with Go's names.
    private static JsonObject Upper(JsonObject reference) =>
        new() { ["APIGroup"] = reference.Text("apiGroup"), ["Kind"] = reference.Text("kind"), ["Name"] = reference.Text("name") };

    private static IEnumerable<Cause> StorageClass(JsonObject tree, JsonObject before) =>
        ((string[])["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]).Where(name => !Json.Same(tree[name], before[name]))
        .Select(name => Cause.Forbidden(name, $"updates to {name} are forbidden."));

    private static IEnumerable<Cause> Pod(JsonObject tree, JsonObject before)
    {
        var (now, old) = (Without(tree["spec"], PodMay), Without(before["spec"], PodMay));
        foreach (var container in now.Items("containers").Concat(old.Items("containers")).OfType<JsonObject>()) container.Remove("image");
        if (Json.Same(now, old)) yield break;
        yield return Cause.Forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`,"
            + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
            + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
    }
}
