using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>What a new object must hold. A small part of what an API server checks: what clients really meet.</summary>
internal static partial class Validation
{
    private const string Subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
        + "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        + @"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const string Label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
        + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    /// <exception cref="ApiError">422, with all that is wrong.</exception>
    public static void Check(JsonObject tree, JsonObject? before, ResourceType type)
    {
        var causes = Name(tree, type).Concat(before is null ? [] : Metadata(tree, before)).Concat(Spec(tree, type)).ToList();
        if (before is not null) causes.AddRange(Immutability.Check(tree, before, type));
        if (type.OpenApi is not null) causes.AddRange(CustomValidation.Check(tree, type.OpenApi));
        if (causes.Count > 0) throw ApiError.Invalid(type, tree.Text("metadata", "name") ?? "", causes);
    }

    private static IEnumerable<Cause> Name(JsonObject tree, ResourceType type)
    {
        if (tree.Text("metadata", "name") is not { Length: > 0 } name)
        {
            yield return Cause.Required("metadata.name", "name or generateName is required");
        }
        else if (type.Kind is "Namespace" or "Service")
        {
            if (!LabelName().IsMatch(name))
                yield return Cause.Invalid("metadata.name", name, name.Contains('.') ? "must not contain dots" : Label);
        }
        else if (type.Group != "rbac.authorization.k8s.io" && (!SubdomainName().IsMatch(name) || name.Length > 253))
        {
            yield return Cause.Invalid("metadata.name", name, Subdomain);
        }
    }

    private static IEnumerable<Cause> Metadata(JsonObject tree, JsonObject before)
    {
        if (before.Text("metadata", "deletionTimestamp") is null) yield break;
        var old = before.Items("metadata", "finalizers").Select(one => one.GetValue<string>()).ToHashSet();
        var added = tree.Items("metadata", "finalizers").Select(one => one.GetValue<string>()).Where(one => !old.Contains(one)).ToList();
        if (added.Count == 0) yield break;
        var list = string.Join(", ", added.Select(one => $"\"{one}\""));
        var cause = Cause.Forbidden("metadata.finalizers",
            $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}");
        // A real server looks at metadata twice.
        yield return cause;
        yield return cause;
    }

    private static IEnumerable<Cause> Spec(JsonObject tree, ResourceType type) => type.QualifiedKind switch
    {
        "Deployment.apps" or "StatefulSet.apps" or "DaemonSet.apps" or "ReplicaSet.apps" => Workload(tree),
        "Job.batch" => Job(tree),
        "Pod" => Containers(tree["spec"], "spec"),
        "Service" => Service(tree),
        "PersistentVolumeClaim" => Claim(tree),
        "CustomResourceDefinition.apiextensions.k8s.io" => Definition(tree),
        "ConfigMap" => Data(tree),
        _ => [],
    };

    private static IEnumerable<Cause> Workload(JsonObject tree)
    {
        var labels = tree.At("spec", "template", "metadata", "labels");
        if (tree.Map("spec", "selector") is not { } selector)
        {
            yield return Cause.Required("spec.selector");
            yield return Cause.Invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
        }
        else if (!LabelSelector.Of(selector).Matches(labels as JsonObject))
        {
            yield return Cause.Invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
        }
        if (tree.Number("spec", "replicas") < 0)
            yield return Cause.Invalid("spec.replicas", tree.At("spec", "replicas"), "must be greater than or equal to 0");
        foreach (var cause in Containers(tree.At("spec", "template", "spec"), "spec.template.spec")) yield return cause;
    }

    private static IEnumerable<Cause> Containers(JsonNode? spec, string path)
    {
        if (!spec.Items("containers").Any()) yield return Cause.Required($"{path}.containers");
        foreach (var (at, container) in spec.Items("containers").Index())
        {
            if (container.Text("name") is not { Length: > 0 }) yield return Cause.Required($"{path}.containers[{at}].name");
            if (container.Text("image") is not { Length: > 0 }) yield return Cause.Required($"{path}.containers[{at}].image");
        }
    }

    private static IEnumerable<Cause> Job(JsonObject tree)
    {
        foreach (var cause in Containers(tree.At("spec", "template", "spec"), "spec.template.spec")) yield return cause;
        if (tree.Text("spec", "template", "spec", "restartPolicy") == "Always")
            yield return Cause.Required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
    }

    private static IEnumerable<Cause> Service(JsonObject tree)
    {
        var headless = tree.Text("spec", "clusterIP") == "None" || tree.Text("spec", "type") == "ExternalName";
        if (!headless && !tree.Items("spec", "ports").Any()) yield return Cause.Required("spec.ports");
    }

    private static IEnumerable<Cause> Claim(JsonObject tree)
    {
        if (!tree.Items("spec", "accessModes").Any()) yield return Cause.Required("spec.accessModes", "at least 1 access mode is required");
        if (tree.At("spec", "resources", "requests", "storage") is null) yield return Cause.Required("spec.resources[storage]");
    }

    private static IEnumerable<Cause> Definition(JsonObject tree)
    {
        var name = $"{tree.Text("spec", "names", "plural")}.{tree.Text("spec", "group")}";
        if (tree.Text("metadata", "name") is { Length: > 0 } given && given != name)
            yield return Cause.Invalid("metadata.name", given, "must be spec.names.plural+\".\"+spec.group");
        foreach (var (at, version) in tree.Items("spec", "versions").Index())
        {
            if (version.At("schema", "openAPIV3Schema") is null)
                yield return Cause.Required($"spec.versions[{at}].schema.openAPIV3Schema", "schemas are required");
        }
    }

    private static IEnumerable<Cause> Data(JsonObject tree) => (tree.Map("data") ?? []).Where(entry => !DataKey().IsMatch(entry.Key))
        .Select(entry => Cause.Invalid($"data[{entry.Key}]", entry.Key,
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
            + "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"));

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex SubdomainName();

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"^[-._a-zA-Z0-9]+$")]
    private static partial Regex DataKey();
}
