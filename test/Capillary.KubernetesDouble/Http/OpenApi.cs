using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Http;

/// <summary>As much of the OpenAPI document as kubectl reads before it applies: which kinds take <c>fieldValidation</c>. No
/// schemas.</summary>
internal static class OpenApi
{
    public static JsonObject Index(TypeRegistry types)
    {
        var paths = new JsonObject();
        foreach (var version in types.All.Select(Root).Distinct())
            paths[version] = new JsonObject { ["serverRelativeURL"] = "/openapi/v3/" + version };
        return new JsonObject { ["paths"] = paths };
    }

    public static JsonObject Of(TypeRegistry types, string group, string version)
    {
        var paths = new JsonObject();
        foreach (var type in types.All.Where(type => type.Group == group && type.Version == version))
        {
            var kind = new JsonObject { ["group"] = group, ["version"] = version, ["kind"] = type.Kind };
            var place = type.Namespaced ? $"namespaces/{{namespace}}/{type.Plural}" : type.Plural;
            paths[$"/{Root(type)}/{place}/{{name}}"] = new JsonObject
            {
                ["patch"] = new JsonObject
                {
                    ["parameters"] = new JsonArray(new JsonObject { ["name"] = "fieldValidation", ["in"] = "query" }),
                    ["x-kubernetes-group-version-kind"] = kind,
                },
            };
        }
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes API double", ["version"] = "v1" },
            ["paths"] = paths,
        };
    }

    private static string Root(ResourceType type) => type.Group.Length == 0 ? $"api/{type.Version}" : $"apis/{type.Group}/{type.Version}";
}
