using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>Object -> the fields it sets.</summary>
internal static class ObjectFields
{
    public static FieldSet Of(JsonObject tree, Schema schema)
    {
        var set = new FieldSet();
        Walk(tree, schema, [], set);
        return set;
    }

    /// <summary>The item's element, or null for one that has none (stored duplicates and the like are passed over).</summary>
    public static IEnumerable<(string Element, JsonNode? Item)> Items(JsonArray list, Schema schema)
    {
        foreach (var item in list) yield return (schema.ElementOf(item), item);
    }

    private static void Walk(JsonNode? tree, Schema schema, List<string> path, FieldSet set)
    {
        if (schema.IsAtomic || tree is JsonValue || (tree is JsonArray && !schema.MergesItems))
        {
            set.Insert(path);
            return;
        }
        if (tree is JsonArray list)
        {
            foreach (var (element, item) in Items(list, schema)) Descend(element, item, schema.Item, path, set, member: true);
        }
        if (tree is not JsonObject map) return;
        foreach (var (name, value) in map)
        {
            var member = value is null or JsonObject { Count: 0 } || !schema.Declares(name);
            Descend("f:" + name, value, schema.Field(name), path, set, member);
        }
    }

    private static void Descend(string element, JsonNode? value, Schema schema, List<string> path, FieldSet set, bool member)
    {
        path.Add(element);
        Walk(value, schema, path, set);
        if (member) set.Insert(path);
        path.RemoveAt(path.Count - 1);
    }
}
