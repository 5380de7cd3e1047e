using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>How reading values ended.</summary>
/// <param name="Values">What could be read.</param>
/// <param name="Problems">What is wrong; empty when all is well.</param>
public sealed record TemplateValuesRead(TemplateValues Values, IReadOnlyList<Diagnostic> Problems);

/// <summary>Values as a person gave them, each with its place. Immutable.</summary>
public sealed class TemplateValues
{
    private const string CommandLine = "--set";

    private TemplateValues(IReadOnlyList<TemplateValue> all) => All = all;

    /// <summary>No values.</summary>
    public static TemplateValues None { get; } = new([]);

    internal IReadOnlyList<TemplateValue> All { get; }

    /// <summary>Equal for equal values, wherever and in whatever order they were given.</summary>
    internal string Key => string.Join('\n', All.OrderBy(value => value.Name, StringComparer.Ordinal)
        .Select(value => $"{value.Name} {new VariableValue(value.Node).Key}"));

    /// <summary>Reads a YAML file that holds one mapping.</summary>
    public static TemplateValuesRead Read(ReadOnlyMemory<byte> content, string file)
    {
        var bag = new DiagnosticBag(file);
        var text = DocumentParser.Decode(new TreeFile(file, "", content.Length, content, null), bag);
        var roots = text is null ? [] : YamlLoader.Load(text, bag);
        if (roots.Count > 1) bag.Error(DiagnosticCodes.DocumentCount, roots[1].At, "values stand in one document");
        if (roots.Count == 0) return new(None, bag.Items);
        if (roots[0] is YamlMapping map) return new(Of(map, file), bag.Items);
        FieldReader.WrongType(bag, roots[0], "", "a mapping from names to values");
        return new(None, bag.Items);
    }

    /// <summary>Reads <c>name=value</c>, the value as YAML; <c>a.b=1</c> is the object <c>a</c> with <c>b</c>.</summary>
    public static TemplateValuesRead Parse(string setting)
    {
        var bag = new DiagnosticBag($"{CommandLine} {setting}");
        var at = setting.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
        {
            bag.Error(DiagnosticCodes.NotAllowed, TextPosition.WholeFile, "expected name=value");
            return new(None, bag.Items);
        }
        var roots = YamlLoader.Load(setting[(at + 1)..], bag);
        if (roots.Count > 1) bag.Error(DiagnosticCodes.DocumentCount, TextPosition.WholeFile, "expected one value");
        var start = new TextPosition(1, 1);
        var value = roots.Count == 0 ? new YamlScalar("", setting.Length > at + 1 && !bag.IsEmpty, start) : roots[0];
        var names = setting[..at].Split('.');
        for (var i = names.Length - 1; i > 0; i--)
            value = new YamlMapping([new YamlEntry(new YamlScalar(names[i], true, start), value)], start, value.Weight + 2);
        return new(new TemplateValues([new TemplateValue(names[0], value, start, bag.File)]), bag.Items);
    }

    internal static TemplateValues Of(YamlMapping map, string file) =>
        new([.. map.Entries.Select(entry => new TemplateValue(entry.Key.Text, entry.Value, entry.Key.At, file))]);

    internal static TemplateValues Of(IEnumerable<TemplateValue> all) => new([.. all]);

    /// <summary>These values with others over them: an object's members are joined, everything else is replaced.</summary>
    public TemplateValues With(TemplateValues over)
    {
        var joined = new List<TemplateValue>(All);
        foreach (var value in over.All)
        {
            var at = joined.FindIndex(other => other.Name == value.Name);
            if (at < 0) joined.Add(value);
            else joined[at] = value with { Node = Join(joined[at].Node, value.Node) };
        }
        return new(joined);
    }

    /// <summary>These values without some; <c>a.b</c> takes <c>b</c> out of the object <c>a</c>.</summary>
    public TemplateValues Without(IEnumerable<string> names)
    {
        var left = All.ToList();
        foreach (var path in names.Select(name => name.Split('.')))
        {
            var at = left.FindIndex(value => value.Name == path[0]);
            if (at >= 0 && path.Length == 1) left.RemoveAt(at);
            else if (at >= 0) left[at] = left[at] with { Node = Without(left[at].Node, path.AsSpan(1)) };
        }
        return new(left);
    }

    /// <summary>True for a name, or <c>a.b</c>, that was given a value.</summary>
    public bool Has(string name)
    {
        var path = name.Split('.');
        var node = Find(path[0])?.Node;
        foreach (var member in path.Skip(1)) node = (node as YamlMapping)?.FindEntry(member)?.Value;
        return node is not null;
    }

    internal TemplateValue? Find(string name) => All.FirstOrDefault(value => value.Name == name);

    private static YamlNode Without(YamlNode node, ReadOnlySpan<string> path)
    {
        if (node is not YamlMapping map) return node;
        var entries = map.Entries.ToList();
        var name = path[0];
        var at = entries.FindIndex(entry => entry.Key.Text == name);
        if (at >= 0 && path.Length == 1) entries.RemoveAt(at);
        else if (at >= 0) entries[at] = entries[at] with { Value = Without(entries[at].Value, path[1..]) };
        return new YamlMapping(entries, map.At, map.Weight);
    }

    private static YamlNode Join(YamlNode below, YamlNode over)
    {
        if (below is not YamlMapping map || over is not YamlMapping changes) return over;
        var entries = map.Entries.ToList();
        foreach (var entry in changes.Entries)
        {
            var at = entries.FindIndex(other => other.Key.Text == entry.Key.Text);
            if (at < 0) entries.Add(entry);
            else entries[at] = new YamlEntry(entry.Key, Join(entries[at].Value, entry.Value));
        }
        return new YamlMapping(entries, over.At, map.Weight + changes.Weight);
    }
}

/// <summary>One value and where it was given.</summary>
/// <param name="Name">The variable's name.</param>
/// <param name="Node">A scalar, list or mapping.</param>
/// <param name="NameAt">Where the name stands.</param>
/// <param name="File">The file, or the option of the command line.</param>
internal sealed record TemplateValue(string Name, YamlNode Node, TextPosition NameAt, string File);
