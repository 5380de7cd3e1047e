using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;
using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble.Http;

/// <summary>What is served here: versions, groups, kinds; one by one, or all in one document for who accepts that.</summary>
internal sealed class Discovery(TypeRegistry types)
{
    private const string AllVerbs = """["create","delete","deletecollection","get","list","patch","update","watch"]""";
    private const string NamespaceVerbs = """["create","delete","get","list","patch","update","watch"]""";
    private const string PartVerbs = """["get","patch","update"]""";
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    /// <summary>False when it is no path of discovery.</summary>
    public async Task<bool> TryAnswerAsync(HttpContext http, string path)
    {
        if (path is "/healthz" or "/livez" or "/readyz")
        {
            await http.Response.WriteAsync("ok");
            return true;
        }
        var isAggregated = path is "/api" or "/apis" && http.Request.Headers.Accept.ToString()
            .Contains("as=APIGroupDiscoveryList", StringComparison.Ordinal)
            && http.Request.Headers.Accept.ToString().Contains("v=v2;", StringComparison.Ordinal);
        if ((isAggregated ? All(path == "/api") : Document(path)) is not { } document) return false;
        await Answers.WriteAsync(http, 200, document.Utf8(), isAggregated ? Aggregated : "application/json");
        return true;
    }

    private JsonObject? Document(string path) => path.Trim('/').Split('/') switch
    {
        ["version"] => Json.Object("""{"major":"1","minor":"36","gitVersion":"v1.36.0-double","platform":"linux/amd64"}"""),
        ["api"] => Json.Object("""{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}"""),
        ["apis"] => new JsonObject
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. types.All.Select(type => type.Group).Distinct().Where(group => group.Length > 0)
            .Select(group => Group(group, false))]),
        },
        ["apis", var group] when types.All.Any(type => type.Group == group) => Group(group, true),
        ["openapi", "v3"] => OpenApi.Index(types),
        ["openapi", "v3", "api", var version] => OpenApi.Of(types, "", version),
        ["openapi", "v3", "apis", var group, var version] => OpenApi.Of(types, group, version),
        ["api", var version] => Resources("", version),
        ["apis", var group, var version] => Resources(group, version),
        _ => null,
    };

    // Newest first: v2, v1, v1beta1.
    private IEnumerable<string> Versions(string group) => types.All.Where(type => type.Group == group).Select(type => type.Version)
        .Distinct()
        .OrderByDescending(version => !version.Contains("beta", StringComparison.Ordinal)
            && !version.Contains("alpha", StringComparison.Ordinal))
        .ThenByDescending(version => version, StringComparer.Ordinal);

    private JsonObject Group(string group, bool isAlone)
    {
        var versions = Versions(group).Select(version => new JsonObject { ["groupVersion"] = $"{group}/{version}",
            ["version"] = version }).ToArray<JsonNode>();
        var tree = isAlone ? new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1" } : [];
        tree["name"] = group;
        tree["preferredVersion"] = versions[0].DeepClone();
        tree["versions"] = new JsonArray(versions);
        return tree;
    }

    private JsonObject? Resources(string group, string version)
    {
        var served = types.All.Where(type => type.Group == group && type.Version == version).ToList();
        if (served.Count == 0) return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = served[0].ApiVersion,
            ["resources"] = new JsonArray([.. served.SelectMany(Entries)]),
        };
    }

    private static IEnumerable<JsonNode> Entries(ResourceType type)
    {
        var main = Entry(type, type.Plural, type.Kind, Verbs(type));
        main["singularName"] = type.Singular;
        if (type.ShortNames.Count > 0) main["shortNames"] = List(type.ShortNames);
        if (type.Categories.Count > 0) main["categories"] = List(type.Categories);
        yield return main;
        if (type.HasScale)
        {
            var scale = Entry(type, type.Plural + "/scale", "Scale", PartVerbs);
            (scale["group"], scale["version"]) = ("autoscaling", "v1");
            yield return scale;
        }
        if (type.HasStatus) yield return Entry(type, type.Plural + "/status", type.Kind, PartVerbs);
    }

    private static JsonObject Entry(ResourceType type, string name, string kind, string verbs) => new()
    {
        ["name"] = name,
        ["singularName"] = "",
        ["namespaced"] = type.Namespaced,
        ["kind"] = kind,
        ["verbs"] = JsonNode.Parse(verbs),
    };

    private static string Verbs(ResourceType type) => type.QualifiedKind == "Namespace" ? NamespaceVerbs : AllVerbs;

    private static JsonArray List(IEnumerable<string> names) => new([.. names.Select(name => JsonValue.Create(name))]);

    private JsonObject All(bool isCore) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = "apidiscovery.k8s.io/v2",
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. types.All.Select(type => type.Group).Distinct().Where(group => group.Length == 0 == isCore)
        .Select(AggregatedGroup)]),
    };

    private JsonObject AggregatedGroup(string group)
    {
        var versions = Versions(group).Select(version => new JsonObject
        {
            ["version"] = version,
            ["resources"] = new JsonArray([.. types.All.Where(type => type.Group == group && type.Version == version)
            .Select(AggregatedResource)]),
            ["freshness"] = "Current",
        });
        var meta = new JsonObject();
        if (group.Length > 0) meta["name"] = group;
        return new JsonObject { ["metadata"] = meta, ["versions"] = new JsonArray([.. versions]) };
    }

    private static JsonObject AggregatedResource(ResourceType type)
    {
        var tree = new JsonObject
        {
            ["resource"] = type.Plural,
            ["responseKind"] = Kind(type.Group, type.Version, type.Kind),
            ["scope"] = type.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = type.Singular,
            ["verbs"] = JsonNode.Parse(Verbs(type)),
        };
        if (type.ShortNames.Count > 0) tree["shortNames"] = List(type.ShortNames);
        if (type.Categories.Count > 0) tree["categories"] = List(type.Categories);
        var parts = new JsonArray();
        if (type.HasScale) parts.Add(Part("scale", Kind("autoscaling", "v1", "Scale")));
        if (type.HasStatus) parts.Add(Part("status", Kind(type.Group, type.Version, type.Kind)));
        if (parts.Count > 0) tree["subresources"] = parts;
        return tree;
    }

    private static JsonObject Kind(string group, string version, string kind) =>
        new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static JsonObject Part(string name, JsonObject kind) =>
        new() { ["subresource"] = name, ["responseKind"] = kind, ["verbs"] = JsonNode.Parse(PartVerbs) };
}
