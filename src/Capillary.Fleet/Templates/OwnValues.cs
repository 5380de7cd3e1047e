using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Templates;

/// <summary>
/// What an instance was given, to be recognised in its lines: two instances whose lines differ in nothing else change alike. Numbers and
/// texts count where they stand as words; true and false say nothing.
/// </summary>
public sealed class OwnValues
{
    private readonly Dictionary<string, string> names = new(StringComparer.Ordinal);
    private readonly Regex? words;

    internal OwnValues(params IEnumerable<TemplateValues> values)
    {
        foreach (var value in values.SelectMany(given => given.All)) Add(value.Name, value.Node);
        if (names.Count == 0) return;
        var texts = names.Keys.OrderByDescending(text => text.Length).ThenBy(text => text, StringComparer.Ordinal).Select(Regex.Escape);
        words = new Regex($"(?<![A-Za-z0-9])(?:{string.Join('|', texts)})(?![A-Za-z0-9])", RegexOptions.CultureInvariant);
    }

    /// <summary>No values.</summary>
    public static OwnValues None { get; } = new();

    /// <summary>The lines with the names of values in place of the values; what is no UTF-8 stays.</summary>
    internal ReadOnlyMemory<byte> Hide(ReadOnlyMemory<byte> lines)
    {
        if (words is null || !Utf8.IsValid(lines.Span)) return lines;
        var text = Encoding.UTF8.GetString(lines.Span);
        var hidden = words.Replace(text, match => $"\0{names[match.Value]}\0");
        return ReferenceEquals(hidden, text) ? lines : Encoding.UTF8.GetBytes(hidden);
    }

    private void Add(string name, YamlNode node)
    {
        if (node is YamlMapping map)
        {
            foreach (var (key, value) in map.Entries) Add($"{name}.{key.Text}", value);
        }
        else if (node is YamlSequence list)
        {
            for (var i = 0; i < list.Items.Count; i++) Add($"{name}.{i}", list.Items[i]);
        }
        else if (CoreSchema.Resolve((YamlScalar)node) is { Kind: not (ScalarKind.Null or ScalarKind.Boolean), Text: { Length: > 0 } text })
            names.TryAdd(text, name);
    }
}
