using System.Globalization;
using Capillary.Core.Identity;

namespace Capillary.Fleet.Documents;

/// <summary>A value and where it stands.</summary>
public readonly record struct Located<T>(T Value, TextPosition At);

/// <summary>Reads the members of one mapping, reports every error, and at last names the members that nobody asked for.</summary>
internal sealed class FieldReader(YamlMapping map, string path, DiagnosticBag bag)
{
    private const int MostSites = 1_000_000;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);

    public TextPosition At => map.At;

    public string Path { get; } = path;

    public DiagnosticBag Bag => bag;

    /// <summary>A reader for a node that must be a mapping; null after reporting that it is none.</summary>
    public static FieldReader? Of(YamlNode node, string path, DiagnosticBag bag)
    {
        if (node is YamlMapping map) return new FieldReader(map, path, bag);
        WrongType(bag, node, path, "a mapping");
        return null;
    }

    public YamlNode? Get(string name, bool required = false)
    {
        known.Add(name);
        var entry = map.FindEntry(name);
        if (entry is { Value: var node } && !IsNull(node)) return node;
        if (required) bag.Error(DiagnosticCodes.MissingField, entry?.Key.At ?? map.At, $"{PathOf(name)} is required");
        return null;
    }

    public FieldReader? Child(string name, bool required = false) => Get(name, required) is { } node ? Of(node, PathOf(name), bag) : null;

    public Located<string>? Text(string name, bool required = false) => Get(name, required) is { } node ? AsText(node, PathOf(name)) : null;

    /// <summary>A DNS label, the only form of a name.</summary>
    public Located<string>? Name(string name, bool required = false) => Get(name, required) is { } node ? AsName(node, PathOf(name)) : null;

    public bool Flag(string name)
    {
        if (Get(name) is not { } node) return false;
        if (node is YamlScalar scalar)
        {
            if (CoreSchema.Resolve(scalar) is { Kind: ScalarKind.Boolean } value) return value.Text == "true";
            if (CoreSchema.LooksLikeOldBoolean(scalar, out var meant))
            {
                bag.Error(DiagnosticCodes.WrongType, node.At, $"{PathOf(name)}: '{scalar.Text}' is a string, not a boolean, in YAML 1.2",
                    $"write {meant}");
                return false;
            }
        }
        WrongType(bag, node, PathOf(name), "true or false");
        return false;
    }

    public int Integer(string name, int least, int most, int otherwise)
    {
        if (Get(name) is not { } node) return otherwise;
        if (node is YamlScalar scalar && CoreSchema.Resolve(scalar) is { Kind: ScalarKind.Integer, Text: var text })
        {
            if (int.TryParse(text, out var value) && value >= least && value <= most) return value;
            bag.Error(DiagnosticCodes.NotAllowed, node.At, $"{PathOf(name)}: {text} is not between {least} and {most}");
            return otherwise;
        }
        WrongType(bag, node, PathOf(name), $"a whole number from {least} to {most}");
        return otherwise;
    }

    /// <summary>Such as <c>90s</c>, <c>30m</c>, <c>2h</c> or <c>7d</c>.</summary>
    public TimeSpan? Duration(string name, TimeSpan least, TimeSpan most)
    {
        if (Text(name) is not { } text) return null;
        if (DurationText.TryParse(text.Value, out var found) && found >= least && found <= most) return found;
        bag.Error(DiagnosticCodes.NotAllowed, text.At,
            $"{PathOf(name)}: '{text.Value}' is not a time from {DurationText.Of(least)} to {DurationText.Of(most)}",
            "write a whole number and s, m, h or d, such as 30m");
        return null;
    }

    /// <summary>An IANA name that this machine's time zone database has.</summary>
    public string? TimeZone(string name)
    {
        if (Text(name) is not { } text) return null;
        if (TimeZoneInfo.TryFindSystemTimeZoneById(text.Value, out var zone) && zone.HasIanaId) return text.Value;
        bag.Error(DiagnosticCodes.NotAllowed, text.At, $"{PathOf(name)}: there is no time zone '{text.Value}'",
            "write an IANA name, such as Europe/Zurich");
        return null;
    }

    /// <summary>A count such as <c>5</c> or a percentage such as <c>20%</c>.</summary>
    public Share? Share(string name, int least = 0)
    {
        if (Get(name) is not { } node) return null;
        if (node is YamlScalar scalar)
        {
            var isPercent = scalar.Text.EndsWith('%');
            var most = isPercent ? 100 : MostSites;
            if (int.TryParse(isPercent ? scalar.Text.AsSpan(0, scalar.Text.Length - 1) : scalar.Text, NumberStyles.None,
                CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                return new Share(number, isPercent);
        }
        bag.Error(DiagnosticCodes.NotAllowed, node.At, $"{PathOf(name)}: expected a number of sites from {least}, such as 5 or 20%");
        return null;
    }

    public IReadOnlyList<YamlNode> List(string name, bool required = false)
    {
        if (Get(name, required) is not { } node) return [];
        if (node is YamlSequence sequence) return sequence.Items;
        WrongType(bag, node, PathOf(name), "a list");
        return [];
    }

    /// <summary>A list of names; one that stands twice is reported and left out.</summary>
    public IReadOnlyList<Located<string>> Names(string name, bool required = false)
    {
        var names = new List<Located<string>>();
        foreach (var node in List(name, required))
        {
            if (AsName(node, PathOf(name)) is not { } item) continue;
            if (names.Exists(other => other.Value == item.Value))
                bag.Error(DiagnosticCodes.DuplicateName, item.At, $"{PathOf(name)}: '{item.Value}' stands twice");
            else
                names.Add(item);
        }
        return names;
    }

    public IReadOnlyList<YamlEntry> Map(string name)
    {
        if (Get(name) is not { } node) return [];
        if (node is YamlMapping mapping) return mapping.Entries;
        WrongType(bag, node, PathOf(name), "a mapping");
        return [];
    }

    /// <summary>A value out of a closed list; null after reporting.</summary>
    public Located<string>? OneOf(string name, IReadOnlyList<string> allowed, bool required = false)
    {
        if (Text(name, required) is not { } text) return null;
        if (allowed.Contains(text.Value, StringComparer.Ordinal)) return text;
        bag.Error(DiagnosticCodes.NotAllowed, text.At, $"{PathOf(name)}: '{text.Value}' is not one of {string.Join(", ", allowed)}",
            NearestName.Suggest(text.Value, allowed));
        return null;
    }

    /// <summary>Call last.</summary>
    public void RejectUnknown()
    {
        foreach (var (key, _) in map.Entries)
        {
            if (known.Contains(key.Text)) continue;
            bag.Error(DiagnosticCodes.UnknownField, key.At, $"{PathOf(key.Text)} is not known",
                NearestName.Suggest(key.Text, known) ?? $"known here: {string.Join(", ", known.Order(StringComparer.Ordinal))}");
        }
    }

    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public Located<string>? AsText(YamlNode node, string path)
    {
        if (node is YamlScalar scalar && CoreSchema.Resolve(scalar).Kind == ScalarKind.String) return new(scalar.Text, node.At);
        WrongType(bag, node, path, "a string");
        return null;
    }

    public Located<string>? AsName(YamlNode node, string path)
    {
        if (AsText(node, path) is not { } text) return null;
        if (DnsLabel.IsValid(text.Value)) return text;
        bag.Error(DiagnosticCodes.BadName, text.At,
            $"{path}: '{text.Value}' is not a name: 1 to {DnsLabel.MaxLength} lower-case letters, digits and '-'");
        return null;
    }

    public static void WrongType(DiagnosticBag bag, YamlNode node, string path, string expected)
    {
        var quote = expected == "a string" && node is YamlScalar { IsPlain: true } scalar ? $"quote it: \"{scalar.Text}\"" : null;
        var place = path.Length == 0 ? "" : $"{path}: ";
        bag.Error(DiagnosticCodes.WrongType, node.At, $"{place}expected {expected}, found {Describe(node)}", quote);
    }

    private static bool IsNull(YamlNode node) => node is YamlScalar scalar && CoreSchema.Resolve(scalar).Kind == ScalarKind.Null;

    private static string Describe(YamlNode node) => node switch
    {
        YamlMapping => "a mapping",
        YamlSequence => "a list",
        YamlScalar scalar => CoreSchema.Resolve(scalar) switch
        {
            { Kind: ScalarKind.Null } => "nothing",
            { Kind: ScalarKind.Boolean } value => $"the boolean {value.Text}",
            { Kind: ScalarKind.Integer or ScalarKind.Number } value => $"the number {value.Text}",
            var value => $"the string '{value.Text}'",
        },
        _ => "something else",
    };
}
