using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Rules;

namespace Capillary.KubernetesDouble.Http;

/// <summary>Which objects a list or watch asks for: namespace, labels, fields.</summary>
internal sealed class ObjectFilter
{
    private static readonly Dictionary<string, string[]> MoreFields = new()
    {
        ["Pod"] = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP"],
        ["Event"] = ["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "reason", "type",
        "source"],
        ["Secret"] = ["type"],
        ["Namespace"] = ["status.phase"],
        ["Job"] = ["status.successful"],
        ["Node"] = ["spec.unschedulable"],
    };

    private readonly string? space;
    private readonly LabelSelector labels;
    private readonly List<(string[] Path, string Value, bool Equal)> fields = [];

    public ObjectFilter(ApiRequest request)
    {
        space = request.Path.Space;
        labels = request.Labels;
        foreach (var term in (request.Query("fieldSelector") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            fields.Add(Parse(term, request));
        if (request.Name.Length > 0) fields.Add((["metadata", "name"], request.Name, true));
        IsSelective = request.Query("labelSelector") is not null || fields.Count > 0;
    }

    /// <summary>More than a namespace was asked for.</summary>
    public bool IsSelective { get; }

    public bool Matches(JsonObject tree) => (space is null || tree.Text("metadata", "namespace") == space)
        && labels.Matches(tree.Map("metadata", "labels"))
        && fields.TrueForAll(field => (Value(tree, field.Path) == field.Value) == field.Equal);

    private static string Value(JsonObject tree, string[] path) => tree.At(path) is { } value ? value.Text() ?? value.Compact() : "";

    private static (string[], string, bool) Parse(string term, ApiRequest request)
    {
        var sign = term.Contains("!=", StringComparison.Ordinal) ? "!=" : term.Contains("==", StringComparison.Ordinal) ? "==" : "=";
        if (term.Split(sign, 2) is not [var name, var value])
            throw ApiError.BadRequest($"invalid field selector: \"{term}\"; can't understand it");
        var known = name == "metadata.name" || (name == "metadata.namespace" && request.Type.Namespaced)
            || (!request.Type.IsCustom && MoreFields.GetValueOrDefault(request.Type.Kind, []).Contains(name));
        if (!known)
        {
            if (!MoreFields.ContainsKey(request.Type.Kind))
                throw ApiError.BadRequest($"\"{name}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
            throw ApiError.BadRequest($"Unable to find \"{request.Type.ApiVersion}, Resource={request.Type.Plural}\" that match label "
                + $"selector "
                + $"\"{request.Query("labelSelector")}\", field selector \"{request.Query("fieldSelector")}\": field label not "
                + $"supported: {name}");
        }
        return (name.Split('.'), value, sign != "!=");
    }
}
