using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Types;

/// <summary>CustomResourceDefinition -> the kinds it serves.</summary>
internal static class CustomTypes
{
    public static IEnumerable<ResourceType> Of(JsonObject definition) => definition.Items("spec", "versions")
        .Where(version => version.Flag("served") == true)
        .Select(version => Read(definition, version));

    private static ResourceType Read(JsonObject definition, JsonNode version)
    {
        var names = definition.Map("spec", "names")!;
        var openApi = version.Map("schema", "openAPIV3Schema") ?? new JsonObject();
        return new ResourceType(definition.Text("spec", "group")!, version.Text("name")!, names.Text("kind")!, names.Text("plural")!,
            definition.Text("spec", "scope") == "Namespaced")
        {
            Singular = names.Text("singular") ?? names.Text("kind")!.ToLowerInvariant(),
            ShortNames = [.. names.Items("shortNames").Select(name => name.GetValue<string>())],
            Categories = [.. names.Items("categories").Select(name => name.GetValue<string>())],
            HasStatus = version.Map("subresources", "status") is not null,
            HasScale = version.Map("subresources", "scale") is not null,
            HasGeneration = true,
            IsCustom = true,
            OpenApi = openApi,
            Schema = Root(openApi),
        };
    }

    private static Schema Root(JsonObject openApi)
    {
        var schema = Read(openApi);
        schema.Fields["metadata"] = BuiltInSchemas.Meta;
        schema.Fields.TryAdd("apiVersion", Schema.Plain);
        schema.Fields.TryAdd("kind", Schema.Plain);
        return schema;
    }

    private static Schema Read(JsonObject openApi)
    {
        var items = openApi.Map("items");
        var isAtomic = openApi.Text("x-kubernetes-map-type") == "atomic";
        if (items is not null) return List(openApi, items);
        var properties = openApi.Map("properties");
        var values = openApi.Map("additionalProperties");
        if (properties is null && values is null) return isAtomic ? new Schema { IsAtomic = true } : Schema.Untyped;
        var open = values is not null || openApi.Flag("x-kubernetes-preserve-unknown-fields") == true;
        var schema = new Schema
        {
            IsAtomic = isAtomic,
            IsOpenMap = open,
            Element = values is not null ? Read(values) : Schema.Untyped,
        };
        foreach (var (name, field) in properties ?? []) schema.Fields[name] = Read(field!.AsObject());
        return schema;
    }

    private static Schema List(JsonObject openApi, JsonObject items) => openApi.Text("x-kubernetes-list-type") switch
    {
        "map" => new Schema
        {
            Keys = [.. openApi.Items("x-kubernetes-list-map-keys").Select(key => key.GetValue<string>())],
            KeyDefaults = (items.Map("properties") ?? []).Where(field => field.Value.Text("default") is not null)
                .ToDictionary(field => field.Key, field => field.Value.Text("default")!),
            Element = Read(items),
        },
        "set" => new Schema { IsSet = true },
        _ => new Schema { IsAtomic = true },
    };
}
