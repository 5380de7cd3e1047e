using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble;

/// <summary>What the double asks of JSON trees. A stored tree is never changed: who wants to change one clones it.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Object(string text) => JsonNode.Parse(text)!.AsObject();

    public static JsonObject Copy(this JsonObject tree) => tree.DeepClone().AsObject();

    /// <summary>A copy as a client would read it: its numbers are of no particular type.</summary>
    public static JsonObject Reread(this JsonObject tree) => Object(tree.Compact());

    public static byte[] Utf8(this JsonNode tree) => JsonSerializer.SerializeToUtf8Bytes(tree, Plain);

    public static string Compact(this JsonNode? tree) => tree is null ? "null" : tree.ToJsonString(Plain);

    public static bool Same(JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(a, b);

    public static JsonNode? At(this JsonNode? tree, params ReadOnlySpan<string> path)
    {
        foreach (var part in path)
        {
            if (tree is not JsonObject map || !map.TryGetPropertyValue(part, out tree)) return null;
        }
        return tree;
    }

    public static string? Text(this JsonNode? tree, params ReadOnlySpan<string> path) =>
        tree.At(path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    // By its text: a value that was made from an int would not be had as a long.
    public static long? Number(this JsonNode? tree, params ReadOnlySpan<string> path) =>
        tree.At(path) is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && long.TryParse(value.ToJsonString(), out var number) ? number : null;

    public static bool? Flag(this JsonNode? tree, params ReadOnlySpan<string> path) =>
        tree.At(path) is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static JsonObject? Map(this JsonNode? tree, params ReadOnlySpan<string> path) => tree.At(path) as JsonObject;

    public static IEnumerable<JsonNode> Items(this JsonNode? tree, params ReadOnlySpan<string> path) =>
        (tree.At(path) as JsonArray)?.OfType<JsonNode>() ?? [];

    /// <summary>The object at this key, made when there is none.</summary>
    public static JsonObject Ensure(this JsonObject map, string key)
    {
        if (map[key] is JsonObject there) return there;
        var made = new JsonObject();
        map[key] = made;
        return made;
    }

    /// <summary>Sets it when the key is absent or null.</summary>
    public static void Default(this JsonObject map, string key, JsonNode? value)
    {
        if (map[key] is null) map[key] = value;
    }

    /// <summary>Puts a value there, or removes the key when there is none.</summary>
    public static void Put(this JsonObject map, string key, JsonNode? value)
    {
        if (value is null) map.Remove(key);
        else map[key] = value.DeepClone();
    }

    /// <summary>An API server drops nulls from what it understands.</summary>
    public static void DropNulls(this JsonNode? tree)
    {
        if (tree is JsonArray list)
        {
            foreach (var item in list) item.DropNulls();
        }
        if (tree is not JsonObject map) return;
        foreach (var (key, value) in map.ToList())
        {
            if (value is null) map.Remove(key);
            else value.DropNulls();
        }
    }
}
