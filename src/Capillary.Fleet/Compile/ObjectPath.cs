using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>Finds the place of a JSON path such as <c>$.spec.health.http.port</c> in the YAML it came from.</summary>
internal static class ObjectPath
{
    /// <summary>Where the value stands, or its nearest parent when there is no such value. An unknown key is shown at the key.</summary>
    public static TextPosition Locate(YamlNode root, string path)
    {
        var rest = path.StartsWith("$.", StringComparison.Ordinal) ? path.AsSpan(2) : default;
        var (node, at) = (root, root.At);
        while (rest.Length > 0 && node is YamlMapping mapping && Longest(mapping, rest) is { } entry)
        {
            (node, at) = (entry.Value, entry.Value is YamlScalar ? entry.Value.At : entry.Key.At);
            rest = rest.Length > entry.Key.Text.Length ? rest[(entry.Key.Text.Length + 1)..] : default;
        }
        return at;
    }

    /// <summary>Keys may hold dots themselves, so the longest key that fits is the one that was meant.</summary>
    private static YamlEntry? Longest(YamlMapping mapping, ReadOnlySpan<char> rest)
    {
        YamlEntry? best = null;
        foreach (var entry in mapping.Entries)
        {
            var key = entry.Key.Text;
            if (!rest.StartsWith(key, StringComparison.Ordinal) || (rest.Length > key.Length && rest[key.Length] != '.')) continue;
            if (best is null || key.Length > best.Value.Key.Text.Length) best = entry;
        }
        return best;
    }
}
