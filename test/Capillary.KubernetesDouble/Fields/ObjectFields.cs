using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>Object -> the fields it sets.</summary>
internal static class ObjectFields
{
    /// <param name="tree">The object.</param>
    /// <param name="schema">Its schema.</param>
    /// <param name="isConfig">A client applies it: two items of one key are an error.</param>
    /// <exception cref="FormatException">An item of a keyed list has no key, or that of another.</exception>
    public static FieldSet Of(JsonObject tree, Schema schema, bool isConfig = false)
    {
        var set = new FieldSet();
        Walk(tree, schema, [], set, isConfig);
        return set;
    }

    /// <summary>The item's element, or null for one that has none (stored duplicates and the like are passed over).</summary>
    public static IEnumerable<(string Element, JsonNode? Item)> Items(JsonArray list, Schema schema)
    {
        foreach (var item in list) yield return (schema.ElementOf(item), item);
    }

    private static void Walk(JsonNode? tree, Schema schema, List<string> path, FieldSet set, bool isConfig)
    {
        if (schema.IsAtomic || tree is JsonValue || (tree is JsonArray && !schema.MergesItems))
        {
            set.Insert(path);
            return;
        }
        if (tree is JsonArray list)
        {
            if (isConfig) RefuseTwins(list, schema, path);
            foreach (var (element, item) in Items(list, schema)) Descend(element, item, schema.Item, path, set, member: true, isConfig);
        }
        if (tree is not JsonObject map) return;
        foreach (var (name, value) in map)
        {
            var member = value is null or JsonObject { Count: 0 } || !schema.Declares(name);
            Descend("f:" + name, value, schema.Field(name), path, set, member, isConfig);
        }
    }

    private static void RefuseTwins(JsonArray list, Schema schema, List<string> path)
    {
        var seen = new HashSet<string>();
        foreach (var (element, _) in Items(list, schema))
        {
            if (!seen.Add(element)) throw new FormatException($"{Readable(path)}: duplicate entries for key {Readable([element])}");
        }
    }

    private static string Readable(IEnumerable<string> path)
    {
        var set = new FieldSet();
        set.Insert(path);
        return set.Paths().First();
    }

    private static void Descend(string element, JsonNode? value, Schema schema, List<string> path, FieldSet set, bool member, bool isConfig)
    {
        path.Add(element);
        Walk(value, schema, path, set, isConfig);
        if (member) set.Insert(path);
        path.RemoveAt(path.Count - 1);
    }
}
