namespace Capillary.Fleet.Documents;

/// <summary>A node of a YAML document with its place. Nodes are shared by aliases, so they never change.</summary>
internal abstract class YamlNode(TextPosition at, int weight)
{
    public TextPosition At { get; } = at;

    /// <summary>How many nodes this is once every alias is written out.</summary>
    public int Weight { get; } = weight;
}

/// <summary>A scalar as written; <see cref="CoreSchema"/> says what it means.</summary>
internal sealed class YamlScalar(string text, bool isPlain, TextPosition at) : YamlNode(at, 1)
{
    public string Text { get; } = text;

    /// <summary>Written without quotes and not as a block: only then it can be a number, boolean or null.</summary>
    public bool IsPlain { get; } = isPlain;
}

internal sealed class YamlSequence(IReadOnlyList<YamlNode> items, TextPosition at, int weight) : YamlNode(at, weight)
{
    public IReadOnlyList<YamlNode> Items { get; } = items;
}

internal readonly record struct YamlEntry(YamlScalar Key, YamlNode Value);

internal sealed class YamlMapping(IReadOnlyList<YamlEntry> entries, TextPosition at, int weight) : YamlNode(at, weight)
{
    public IReadOnlyList<YamlEntry> Entries { get; } = entries;

    public YamlNode? Find(string key) => FindEntry(key)?.Value;

    public YamlEntry? FindEntry(string key)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key.Text == key) return entry;
        }
        return null;
    }
}
