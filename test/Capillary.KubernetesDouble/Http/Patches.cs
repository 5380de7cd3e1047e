using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Http;

/// <summary>The patches that say what to change, and not what to hold.</summary>
internal static class Patches
{
    /// <summary>RFC 7396.</summary>
    public static JsonNode? Merged(JsonNode? tree, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch?.DeepClone();
        var result = (tree as JsonObject)?.Copy() ?? [];
        foreach (var (name, value) in changes)
        {
            if (value is null) result.Remove(name);
            else result[name] = Merged(result[name], value);
        }
        return result;
    }

    /// <summary>As a merge patch, but lists of named items merge by name, and an item may ask to be deleted.</summary>
    public static JsonNode? Strategic(JsonNode? tree, JsonNode? patch, Schema schema) => (tree, patch) switch
    {
        (_, JsonObject changes) => StrategicMap(tree as JsonObject ?? [], changes, schema),
        (JsonArray items, JsonArray changes) when schema.Keys.Count > 0 => StrategicList(items, changes, schema),
        (JsonArray items, JsonArray changes) when schema.IsSet => new JsonArray(
            [.. changes.Concat(items).Select(item => item.Compact()).Distinct().Select(item => JsonNode.Parse(item))]),
        _ => patch?.DeepClone(),
    };

    /// <summary>RFC 6902.</summary>
    /// <exception cref="ApiError">422: it cannot be carried out.</exception>
    public static JsonObject Carried(JsonObject tree, JsonArray operations)
    {
        var result = tree.Copy();
        foreach (var operation in operations) Carry(result, operation!);
        return result;
    }

    private static JsonObject StrategicMap(JsonObject tree, JsonObject patch, Schema schema)
    {
        var result = patch.Text("$patch") == "replace" ? [] : tree.Copy();
        foreach (var (name, value) in patch.Where(field => !field.Key.StartsWith('$')))
        {
            if (value is null) result.Remove(name);
            else result[name] = Strategic(result[name], value, schema.Field(name));
        }
        foreach (var (name, value) in patch.Where(field => field.Key.StartsWith("$deleteFromPrimitiveList/", StringComparison.Ordinal)))
        {
            if (result[name.Split('/')[1]] is JsonArray list) list.RemoveAll(item => value.Items().Any(gone => Json.Same(gone, item)));
        }
        return result;
    }

    private static JsonArray StrategicList(JsonArray items, JsonArray patch, Schema schema)
    {
        // A strategic patch names an item by the first of its keys alone.
        var by = new Schema { Keys = [schema.Keys[0]], Element = schema.Element };
        var result = items.DeepClone().AsArray();
        foreach (var change in patch.OfType<JsonObject>().Where(change => change.ContainsKey(schema.Keys[0])))
        {
            var element = by.ElementOf(change);
            var at = result.Select((item, i) => (item, i)).Where(pair => by.ElementOf(pair.item) == element).Select(pair => pair.i)
                .DefaultIfEmpty(-1).First();
            if (change.Text("$patch") == "delete")
            {
                if (at >= 0) result.RemoveAt(at);
            }
            else if (at >= 0)
            {
                result[at] = Strategic(result[at]!.DeepClone(), change, schema.Item);
            }
            else
            {
                result.Add(change.DeepClone());
            }
        }
        return result;
    }

    private static void Carry(JsonObject tree, JsonNode operation)
    {
        var path = Parts(operation.Text("path") ?? "");
        switch (operation.Text("op"))
        {
            case "add": Put(tree, path, operation["value"]?.DeepClone(), isNew: true); break;
            case "replace": Put(tree, path, operation["value"]?.DeepClone(), isNew: false); break;
            case "remove": Take(tree, path); break;
            case "test":
                if (!Json.Same(Find(tree, path), operation["value"])) throw Failed($"testing value {operation.Text("path")} failed");
                break;
            case "move": Put(tree, path, Take(tree, Parts(operation.Text("from") ?? "")), isNew: true); break;
            case "copy": Put(tree, path, Find(tree, Parts(operation.Text("from") ?? ""))?.DeepClone(), isNew: true); break;
            case var other: throw Failed($"unexpected kind: {other}");
        }
    }

    private static string[] Parts(string pointer) =>
        [.. pointer.Split('/').Skip(1).Select(part => part.Replace("~1", "/", StringComparison.Ordinal)
            .Replace("~0", "~", StringComparison.Ordinal))];

    private static JsonNode? Find(JsonNode? tree, ReadOnlySpan<string> path)
    {
        foreach (var part in path)
        {
            tree = tree switch
            {
                JsonObject map => map[part],
                JsonArray list when int.TryParse(part, out var at) && at < list.Count => list[at],
                _ => null,
            };
        }
        return tree;
    }

    private static void Put(JsonNode tree, string[] path, JsonNode? value, bool isNew)
    {
        switch (Find(tree, path.AsSpan(0, path.Length - 1)))
        {
            case JsonObject map when isNew || map.ContainsKey(path[^1]): map[path[^1]] = value; break;
            case JsonArray list when path[^1] == "-": list.Add(value); break;
            case JsonArray list when int.TryParse(path[^1], out var at) && at <= list.Count && isNew: list.Insert(at, value); break;
            case JsonArray list when int.TryParse(path[^1], out var at) && at < list.Count: list[at] = value; break;
            default: throw Failed($"missing path /{string.Join('/', path)}");
        }
    }

    private static JsonNode? Take(JsonNode tree, string[] path)
    {
        var value = Find(tree, path)?.DeepClone();
        switch (Find(tree, path.AsSpan(0, path.Length - 1)))
        {
            case JsonObject map when map.Remove(path[^1]): return value;
            case JsonArray list when int.TryParse(path[^1], out var at) && at < list.Count: list.RemoveAt(at); return value;
            default: throw Failed($"missing path /{string.Join('/', path)}");
        }
    }

    private static ApiError Failed(string why) => new(422, "Invalid",
        $"the server rejected our request due to an error in our request: {why}", []);
}
