using System.Text;
using System.Text.RegularExpressions;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>
/// YAML as foxops writes <c>.fengine.yaml</c> (ruamel's safe dump): names sorted, strings in quotes only where they need them, lines folded
/// at 80. So an upgrade by either tool changes only the lines that say something new.
/// </summary>
internal sealed partial class FengineText
{
    private const int Width = 80;
    private readonly StringBuilder text = new();
    private int column;

    public static string Of(JinjaValue map)
    {
        var writer = new FengineText();
        writer.Members(map, 0);
        return writer.text.ToString();
    }

    private void Members(JinjaValue map, int indent)
    {
        foreach (var (key, value) in map.AsMap!.OrderBy(item => item.Key.ToString(), StringComparer.Ordinal))
        {
            // The first member of a list's item stands behind its dash.
            if (column == 0) Write(new string(' ', indent));
            Scalar(key.ToString(), indent, isKey: true);
            Write(":");
            Value(value, indent, indent + 2);
        }
    }

    /// <summary>What stands behind a colon; a list's dashes stand as deep as the name.</summary>
    private void Value(JinjaValue value, int dashes, int members)
    {
        if (value.AsMap is { } map && map.Any())
        {
            End();
            Members(value, members);
        }
        else if (value.AsList is { Count: > 0 } list)
        {
            End();
            Items(list, dashes);
        }
        else
        {
            Write(" ");
            Leaf(value, members);
        }
    }

    private void Items(IReadOnlyList<JinjaValue> items, int indent)
    {
        foreach (var item in items)
        {
            if (column == 0) Write(new string(' ', indent));
            Write("- ");
            if (item.AsMap is { } map && map.Any()) Members(item, indent + 2);
            else if (item.AsList is { Count: > 0 } list) Items(list, indent + 2);
            else Leaf(item, indent + 2);
        }
    }

    private void Leaf(JinjaValue value, int indent)
    {
        if (value.AsString is { } words) Scalar(words, indent, isKey: false);
        else
        {
            Write(value.Kind switch
            {
                JinjaKind.Map => "{}",
                JinjaKind.List => "[]",
                JinjaKind.None => "null",
                JinjaKind.Boolean => value.ToString().ToLowerInvariant(),
                _ => value.ToString(),
            });
        }
        End();
    }

    private void Scalar(string words, int indent, bool isKey)
    {
        if (words.Any(c => !IsPrintable(c)) || BreakAndBlank().IsMatch(words)) Quoted(words, indent, isKey);
        else if (IsPlain(words)) Folded(words, indent, isKey);
        else
        {
            Write("'");
            Folded(words.Replace("'", "''", StringComparison.Ordinal), indent, isKey);
            Write("'");
        }
    }

    /// <summary>Beyond the width a single blank becomes the end of a line; a line end of the text is two.</summary>
    private void Folded(string words, int indent, bool isKey)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] == '\n' && (i == 0 || words[i - 1] != '\n')) End();
            if (words[i] == '\n')
            {
                End();
                if (i + 1 == words.Length || words[i + 1] != '\n') Write(new string(' ', indent));
            }
            else if (!isKey && column > Width && IsSingleBlank(words, i))
            {
                End();
                Write(new string(' ', indent));
            }
            else Write(words[i].ToString());
        }
    }

    private void Quoted(string words, int indent, bool isKey)
    {
        Write("\"");
        var at = 0;
        foreach (var rune in words.EnumerateRunes())
        {
            var isFold = !isKey && column > Width && rune.Value == ' ' && at > 0 && at + 1 < words.Length && words[at - 1] != ' ';
            if (isFold)
            {
                End();
                // A blank that begins a line would be passed over.
                Write(new string(' ', indent) + (words[at + 1] == ' ' ? "\\" : ""));
            }
            else Write(Escaped(rune));
            at += rune.Utf16SequenceLength;
        }
        Write("\"");
    }

    private void Write(string piece)
    {
        text.Append(piece);
        column += piece.Length;
    }

    private void End()
    {
        text.Append('\n');
        column = 0;
    }

    private static bool IsPlain(string words) =>
        words.Length > 0 && words[0] != ' ' && words[^1] != ' ' && !words.Contains('\n')
        && !Indicator().IsMatch(words) && !Typed().IsMatch(words);

    private static bool IsSingleBlank(string words, int at) =>
        words[at] == ' ' && at > 0 && at + 1 < words.Length && words[at - 1] != ' ' && words[at + 1] != ' ';

    private static bool IsPrintable(char c) =>
        c is '\n' or (>= ' ' and <= '~') or (>= '\u00A0' and <= '\uD7FF') or (>= '\uE000' and <= '\uFFFD' and not '\uFEFF')
        && c is not ('\u2028' or '\u2029');

    private static string Escaped(Rune rune) => rune.Value switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\a' => "\\a",
        '\b' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\v' => "\\v",
        '\f' => "\\f",
        '\r' => "\\r",
        0 => "\\0",
        0x1B => "\\e",
        0x85 => "\\N",
        0x2028 => "\\L",
        0x2029 => "\\P",
        > 0xFFFF => $"\\U{rune.Value:X8}",
        _ when IsPrintable((char)rune.Value) => rune.ToString(),
        <= 0xFF => $"\\x{rune.Value:X2}",
        _ => $"\\u{rune.Value:X4}",
    };

    [GeneratedRegex(@"\n | \n")]
    private static partial Regex BreakAndBlank();

    /// <summary>What would begin something else than a string in plain style.</summary>
    [GeneratedRegex("""\A([#,\[\]{}&*!|>'"%@`]|[-?:]([ ]|\z)|---|\.\.\.)|:([ ]|\z)|[ ]#""")]
    private static partial Regex Indicator();

    /// <summary>What YAML 1.2, as ruamel reads it, takes for another type.</summary>
    [GeneratedRegex("""
        \A(
          true|True|TRUE|false|False|FALSE|~|null|Null|NULL|=|<<
          |[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+([eE][-+][0-9]+)?|\.(inf|Inf|INF))
          |\.(nan|NaN|NAN)
          |[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9][0-9_]*|[-+][0-9_]+|[-+]?0x[0-9a-fA-F_]+
          |[0-9]{4}-[0-9]{2}-[0-9]{2}
          |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ ]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ ]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?
        )\z
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Typed();
}
