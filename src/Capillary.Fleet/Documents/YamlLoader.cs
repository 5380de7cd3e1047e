using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Capillary.Fleet.Documents;

/// <summary>
/// Reads YAML text into nodes with places, from YamlDotNet's events. Aliases are allowed but counted as if written out; tags are refused.
/// </summary>
internal sealed class YamlLoader
{
    private const int MaxNodes = 100_000;
    private const int MaxDepth = 64;
    private const int SmallMapping = 8;

    // YamlDotNet keeps its string builders in one pool for all threads. Two threads that scan at once pass it to and fro and are, together,
    // half as fast as one alone (docs/performance.md), so one scans at a time.
    private static readonly Lock Scanning = new();

    private readonly Parser parser;
    private readonly DiagnosticBag bag;
    private readonly DiagnosticCode syntax;
    private readonly Dictionary<AnchorName, YamlNode> anchors = [];
    private int nodes;

    private YamlLoader(string text, DiagnosticBag bag, DiagnosticCode syntax)
    {
        parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        (this.bag, this.syntax) = (bag, syntax);
    }

    /// <summary>The roots of all documents of a text (empty ones left out). What is wrong goes to <paramref name="bag"/>.</summary>
    public static IReadOnlyList<YamlNode> Load(string text, DiagnosticBag bag, DiagnosticCode? syntax = null)
    {
        syntax ??= DiagnosticCodes.YamlSyntax;
        if (Utf8Text.ControlCharacter(text) is { } at)
        {
            bag.Error(syntax, at, "a control character stands here");
            return [];
        }
        var loader = new YamlLoader(text, bag, syntax);
        try
        {
            lock (Scanning) return loader.Documents();
        }
        catch (YamlException e)
        {
            var tab = e.Message.Contains(" tab ", StringComparison.Ordinal) ? Tab(text) : null;
            var help = tab is null ? null : "indent with spaces; YAML allows no tabs there";
            bag.Error(syntax, tab ?? Position(e.Start), Sentence(e.Message), help);
            return [];
        }
        catch (TooMuch)
        {
            return [];
        }
    }

    /// <summary>The parser's next event. Over some texts, as an open '[', the library throws what is no YamlException.</summary>
    private bool Next()
    {
        try
        {
            return parser.MoveNext();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            throw Broken();
        }
    }

    private YamlException Broken()
    {
        var at = parser.Current?.End ?? Mark.Empty;
        return new YamlException(at, at, "What follows cannot be read as YAML; a '[', '{' or quote may not be closed.");
    }

    private List<YamlNode> Documents()
    {
        var roots = new List<YamlNode>();
        Next();
        while (Next() && parser.Current is not StreamEnd)
        {
            Next(); // past DocumentStart
            anchors.Clear();
            var root = Node(0);
            if (root is not YamlScalar { IsPlain: true, Text: "" or "~" or "null" }) roots.Add(root);
            Next(); // to DocumentEnd
        }
        return roots;
    }

    /// <summary>Reads the node at the current event and leaves the parser on its last event.</summary>
    private YamlNode Node(int depth)
    {
        // Over others, as a stray ':', its events come in an order that cannot be.
        if (parser.Current is not (NodeEvent or AnchorAlias)) throw Broken();
        var at = Position(parser.Current.Start);
        if (++nodes > MaxNodes) Stop(DiagnosticCodes.YamlTooBig, at, $"more than {MaxNodes} nodes");
        if (depth > MaxDepth) Stop(DiagnosticCodes.YamlTooDeep, at, $"nested deeper than {MaxDepth} levels");
        if (parser.Current is AnchorAlias alias) return Alias(alias, at);
        var start = (NodeEvent)parser.Current;
        if (!start.Tag.IsEmpty)
            bag.Error(DiagnosticCodes.YamlTag, at, $"the tag '{start.Tag}' is refused", "remove it; quotes make a string");
        YamlNode node = start switch
        {
            Scalar scalar => new YamlScalar(scalar.Value, scalar.Style == ScalarStyle.Plain, at),
            SequenceStart => Sequence(at, depth),
            _ => Mapping(at, depth),
        };
        if (!start.Anchor.IsEmpty) anchors[start.Anchor] = node;
        return node;
    }

    private YamlNode Alias(AnchorAlias alias, TextPosition at)
    {
        if (!anchors.TryGetValue(alias.Value, out var node))
        {
            bag.Error(DiagnosticCodes.YamlAlias, at, $"'*{alias.Value}' names no anchor above it in this document");
            return new YamlScalar("", true, at);
        }
        nodes += node.Weight;
        if (nodes > MaxNodes) Stop(DiagnosticCodes.YamlTooBig, at, $"aliases write out to more than {MaxNodes} nodes");
        return node;
    }

    private YamlSequence Sequence(TextPosition at, int depth)
    {
        var items = new List<YamlNode>();
        var weight = 1;
        while (Next() && parser.Current is not SequenceEnd)
        {
            var item = Node(depth + 1);
            items.Add(item);
            weight += item.Weight;
        }
        return new YamlSequence(items, at, weight);
    }

    private YamlMapping Mapping(TextPosition at, int depth)
    {
        var entries = new List<YamlEntry>();
        HashSet<string>? names = null;
        var weight = 1;
        while (Next() && parser.Current is not MappingEnd)
        {
            var key = Node(depth + 1);
            Next();
            var value = Node(depth + 1);
            weight += key.Weight + value.Weight;
            if (Key(key, entries, ref names) is { } name) entries.Add(new(name, value));
        }
        return new YamlMapping(entries, at, weight);
    }

    /// <summary>The key when it is a name that is new in its mapping.</summary>
    private YamlScalar? Key(YamlNode key, List<YamlEntry> entries, ref HashSet<string>? names)
    {
        if (key is not YamlScalar scalar)
        {
            bag.Error(DiagnosticCodes.YamlKey, key.At, "a key must be a name, not a list or mapping",
                "a value that begins with '{' needs quotes, such as \"{{ vars.x }}\"");
            return null;
        }
        if (scalar is { IsPlain: true, Text: "<<" })
        {
            bag.Error(DiagnosticCodes.YamlKey, key.At, "merge keys ('<<') are not part of YAML 1.2",
                "write the members out, or use a whole alias");
            return null;
        }
        if (entries.Count >= SmallMapping) names ??= [.. entries.Select(entry => entry.Key.Text)];
        var isNew = names is not null ? names.Add(scalar.Text) : entries.TrueForAll(entry => entry.Key.Text != scalar.Text);
        if (isNew) return scalar;
        var first = entries.Find(entry => entry.Key.Text == scalar.Text).Key.At.Line;
        bag.Error(DiagnosticCodes.DuplicateKey, key.At, $"'{scalar.Text}' stands already in line {first} of this mapping");
        return null;
    }

    private void Stop(DiagnosticCode code, TextPosition at, string message)
    {
        bag.Error(code, at, message);
        throw new TooMuch();
    }

    private static TextPosition Position(Mark mark) => new((int)mark.Line, (int)mark.Column);

    /// <summary>The first tab that indents a line: the parser itself only names the node around it.</summary>
    private static TextPosition? Tab(string text)
    {
        for (var index = text.IndexOf('\t', StringComparison.Ordinal); index >= 0; index = text.IndexOf('\t', index + 1))
        {
            var start = text.LastIndexOf('\n', index) + 1;
            if (text.AsSpan(start, index - start).IndexOfAnyExcept(' ') < 0) return Utf8Text.PositionOf(text, index);
        }
        return null;
    }

    private static string Sentence(string message)
    {
        var text = message.Replace("  ", " ", StringComparison.Ordinal).TrimEnd('.');
        return text.Length == 0 ? "cannot be read" : char.ToLowerInvariant(text[0]) + text[1..];
    }

    /// <summary>Leaves the recursion after a limit was reported.</summary>
    private sealed class TooMuch : Exception;
}
