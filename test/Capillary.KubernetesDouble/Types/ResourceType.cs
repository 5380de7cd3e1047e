using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Types;

/// <summary>A kind that is served: in one group and version, under one plural.</summary>
internal sealed record ResourceType(string Group, string Version, string Kind, string Plural, bool Namespaced)
{
    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public bool HasStatus { get; init; }

    public bool HasScale { get; init; }

    /// <summary>A write to its spec raises <c>metadata.generation</c>.</summary>
    public bool HasGeneration { get; init; }

    public Schema Schema { get; init; } = Schema.Plain;

    /// <summary>What an empty object of the kind holds before anybody wrote to it.</summary>
    public JsonObject Empty { get; init; } = new() { ["metadata"] = new JsonObject() };

    /// <summary>The whole of a custom resource's schema; null for built-in kinds.</summary>
    public JsonObject? OpenApi { get; init; }

    public bool IsCustom { get; init; }

    public string Singular { get; init; } = Kind.ToLowerInvariant();

    public string ListKind => Kind + "List";

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>As errors name it: <c>deployments.apps</c>.</summary>
    public string Qualified => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public string QualifiedKind => Group.Length == 0 ? Kind : $"{Kind}.{Group}";

    /// <summary>Where its objects are kept: the same for all versions.</summary>
    public string Place => $"{Group}/{Plural}";

    public JsonObject New()
    {
        var tree = new JsonObject { ["apiVersion"] = ApiVersion, ["kind"] = Kind };
        foreach (var (key, value) in Empty) tree[key] = value?.DeepClone();
        return tree;
    }
}
