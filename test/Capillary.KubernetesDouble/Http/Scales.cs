using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Http;

/// <summary>The <c>scale</c> of an object.</summary>
internal static class Scales
{
    public static JsonObject Of(JsonObject tree)
    {
        var scale = Json.Object("""{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{},"spec":{},"status":{}}""");
        foreach (var name in (string[])["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            scale.Ensure("metadata").Put(name, tree.At("metadata", name));
        scale.Ensure("spec").Put("replicas", tree.At("spec", "replicas"));
        scale.Ensure("status")["replicas"] = tree.Number("status", "replicas") ?? 0;
        var labels = tree.Map("spec", "selector", "matchLabels") ?? [];
        scale.Ensure("status")["selector"] = string.Join(',', labels.Select(label => $"{label.Key}={label.Value}"));
        return scale;
    }

    /// <summary>The object with the replicas of this scale.</summary>
    public static JsonObject Into(JsonObject tree, JsonObject scale)
    {
        tree.Ensure("spec")["replicas"] = scale.Number("spec", "replicas") ?? 0;
        if (scale.Text("metadata", "resourceVersion") is { Length: > 0 } version) tree.Ensure("metadata")["resourceVersion"] = version;
        return tree;
    }
}
