using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>Lays an applied configuration over a live object, and takes fields out of one.</summary>
internal static class Merge
{
    public static JsonNode? Over(JsonNode? live, JsonNode? config, Schema schema) => (live, config) switch
    {
        (_, null) => live?.DeepClone(),
        (null, _) => config.DeepClone(),
        _ when schema.IsAtomic => config.DeepClone(),
        (JsonObject old, JsonObject young) => Maps(old, young, schema),
        (JsonArray old, JsonArray young) when schema.MergesItems => Lists(old, young, schema),
        _ => config.DeepClone(),
    };

    /// <summary>Without the members of <paramref name="gone"/>; what gets empty by that stays as an empty object or list.</summary>
    public static JsonNode? Without(JsonNode? tree, FieldSet gone, Schema schema)
    {
        if (schema.IsAtomic) return tree?.DeepClone();
        if (tree is JsonArray list && schema.MergesItems)
        {
            var kept = new JsonArray();
            foreach (var (element, item) in ObjectFields.Items(list, schema).Where(item => !gone.Has(item.Element)))
                kept.Add(gone.Below(element) is { } below ? Without(item, below, schema.Item) : item?.DeepClone());
            return kept;
        }
        if (tree is not JsonObject map) return tree?.DeepClone();
        var result = new JsonObject();
        foreach (var (name, value) in map.Where(field => !gone.Has("f:" + field.Key)))
            result[name] = gone.Below("f:" + name) is { } below ? Without(value, below, schema.Field(name)) : value?.DeepClone();
        return result;
    }

    private static JsonObject Maps(JsonObject old, JsonObject young, Schema schema)
    {
        var result = old.Copy();
        foreach (var (name, value) in young)
        {
            // A null takes a scalar away and leaves a map or list as it is.
            if (value is null && old[name] is not (JsonObject or JsonArray)) result.Remove(name);
            else result[name] = Over(old[name], value, schema.Field(name));
        }
        return result;
    }

    // The order of the configuration, with items that only the live object has where they were.
    private static JsonArray Lists(JsonArray old, JsonArray young, Schema schema)
    {
        var (live, config) = (Index(old, schema), Index(young, schema));
        var (result, done) = (new JsonArray(), new HashSet<string>());
        var next = config.Keys.Where(live.ContainsKey).ToList();
        var order = config.Keys.ToList();
        var at = 0;
        foreach (var (element, item) in live)
        {
            if (!config.ContainsKey(element))
            {
                result.Add(item?.DeepClone());
                continue;
            }
            if (done.Contains(element) || next.First(shared => !done.Contains(shared)) != element) continue;
            for (var there = false; !there; at++)
            {
                there = order[at] == element;
                done.Add(order[at]);
                result.Add(Over(live.GetValueOrDefault(order[at]), config[order[at]], schema.Item));
            }
        }
        foreach (var element in order.Skip(at)) result.Add(Over(live.GetValueOrDefault(element), config[element], schema.Item));
        return result;
    }

    private static Dictionary<string, JsonNode?> Index(JsonArray list, Schema schema)
    {
        var index = new Dictionary<string, JsonNode?>();
        foreach (var (element, item) in ObjectFields.Items(list, schema)) index.TryAdd(element, item);
        return index;
    }
}
