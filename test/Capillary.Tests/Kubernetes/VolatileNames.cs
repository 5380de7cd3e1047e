using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Capillary.Tests.Kubernetes;

/// <summary>
/// Gives values that no two clusters share a name by the order in which they are first seen: <c>$uid1</c>, <c>$version2</c>. The same value
/// has the same name, so that "the version did not change" stays visible.
/// </summary>
internal sealed partial class VolatileNames(string suffix)
{
    private readonly Dictionary<string, string> names = [];
    private readonly Dictionary<string, string> values = [];

    /// <summary>To try an answer that may not be the one that counts.</summary>
    public VolatileNames Copy()
    {
        var copy = new VolatileNames(suffix);
        foreach (var (value, name) in names) copy.names[value] = name;
        foreach (var (name, value) in values) copy.values[name] = value;
        return copy;
    }

    /// <summary>A copy with sorted keys and stable names.</summary>
    public JsonNode Stable(JsonNode tree) => Stable(tree, "", IsList(tree))!;

    /// <summary>A request's path or body, with the values of earlier answers under their names.</summary>
    public string Hide(string text) => Guids().Replace(Given().Replace(text, match =>
        {
            var value = Uri.UnescapeDataString(match.Groups["value"].Value);
            return match.Groups["key"].Value + (values.LastOrDefault(pair => pair.Value == value).Key ?? match.Groups["value"].Value);
        }), match => names.GetValueOrDefault(match.Value, match.Value)).Replace(suffix, "$suffix", StringComparison.Ordinal);

    /// <summary>The opposite of <see cref="Hide"/>, with this cluster's values.</summary>
    public string Show(string text) => Placeholder().Replace(text, match => match.Value == "$suffix" ? suffix
        : values.TryGetValue(match.Value, out var value) ? match.Value.StartsWith("$continue", StringComparison.Ordinal)
        ? Uri.EscapeDataString(value) : value
        : match.Value);

    private static bool IsList(JsonNode tree) => (string?)tree["kind"] is { } kind && kind.EndsWith("List", StringComparison.Ordinal);

    private JsonNode? Stable(JsonNode? tree, string key, bool isList) => tree switch
    {
        JsonObject map => new JsonObject(map.OrderBy(field => field.Key, StringComparer.Ordinal)
            .Select(field => KeyValuePair.Create(Stable(field.Key, "", false),
                Stable(field.Value, field.Key, isList && key is "" or "metadata")))),
        JsonArray list => new JsonArray([.. list.Select(item => Stable(item, key == "clusterIPs" ? "clusterIP" : "", false))]),
        JsonValue value when value.TryGetValue<string>(out var text) => Stable(text, key, isList),
        JsonValue when key == "nodePort" => "$port",
        _ => tree?.DeepClone(),
    };

    private string Stable(string text, string key, bool isList) => key switch
    {
        // A list's version is that of the whole cluster, where others write too.
        "resourceVersion" => isList ? Fresh(text) : Name(text, "version"),
        "continue" => Name(text, "continue"),
        "clusterIP" when text != "None" => Name(text, "address"),
        _ => Guids().Replace(Versions().Replace(Records().Replace(Times().Replace(text, "$time"), "in record ($version)"),
        "too old resource version: $older ($newer)"),
            match => Name(match.Value, "uid")).Replace(suffix, "$suffix", StringComparison.Ordinal),
    };

    private string Fresh(string value)
    {
        var name = $"$list{values.Keys.Count(other => other.StartsWith("$list", StringComparison.Ordinal)) + 1}";
        values[name] = value;
        return name;
    }

    private string Name(string value, string kind)
    {
        if (names.TryGetValue(value, out var name)) return name;
        name = names[value] = $"${kind}{names.Values.Count(other => other.StartsWith("$" + kind, StringComparison.Ordinal)) + 1}";
        values[name] = value;
        return name;
    }

    [GeneratedRegex(@"(?<key>resourceVersion=|""resourceVersion"":\s*""|continue=)(?<value>[^&""]+)")]
    private static partial Regex Given();

    [GeneratedRegex(@"\$[a-z]+\d*")]
    private static partial Regex Placeholder();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Guids();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")]
    private static partial Regex Times();

    [GeneratedRegex(@"in record \(\d+\)")]
    private static partial Regex Records();

    [GeneratedRegex(@"too old resource version: \d+ \(\d+\)")]
    private static partial Regex Versions();
}
