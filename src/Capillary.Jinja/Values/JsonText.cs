using System.Globalization;
using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>How <see cref="JsonText"/> writes.</summary>
/// <param name="Indent">What one level is indented by; null for one line.</param>
/// <param name="Sorted">Keys in code point order rather than in the map's.</param>
/// <param name="Escaped">Only ASCII, and <c>&lt; &gt; &amp; '</c> escaped too, so that HTML takes it as it is.</param>
/// <param name="Compact">No blanks after commas and colons.</param>
internal sealed record JsonStyle(string? Indent, bool Sorted, bool Escaped, bool Compact);

/// <summary>Writes JSON as Python's <c>json.dumps</c> does.</summary>
internal static class JsonText
{
    internal static void Write(RenderState r, JinjaValue value, JsonStyle style, int level = 0)
    {
        r.Charge();
        switch (value.Ref)
        {
            case string text: WriteString(r.Output, text, style.Escaped); break;
            case Tag: WriteScalar(r.Output, value); break;
            case BigValue: ValueText.Write(r, value); break;
            case ListValue { Shape: ListShape.List or ListShape.Tuple } list: WriteList(r, list, style, level); break;
            case MapValue map: WriteMap(r, map, style, level); break;
            case null or UndefinedValue: throw r.FailUndefined(value);
            default: throw r.Fail($"Object of type {ValueText.TypeName(value)} is not JSON serializable");
        }
    }

    internal static void WriteString(OutputBuffer output, string text, bool escaped)
    {
        output.Append('"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
            {
                output.Append('\\');
                output.Append(c);
            }
            else if (c < ' ' || (escaped && (c >= '\x7f' || c is '<' or '>' or '&' or '\'')))
            {
                WriteEscape(output, c);
            }
            else
            {
                output.Append(c);
            }
        }
        output.Append('"');
    }

    private static void WriteEscape(OutputBuffer output, char c)
    {
        switch (c)
        {
            case '\n': output.Append("\\n"); break;
            case '\r': output.Append("\\r"); break;
            case '\t': output.Append("\\t"); break;
            case '\b': output.Append("\\b"); break;
            case '\f': output.Append("\\f"); break;
            default:
                output.Append("\\u");
                output.Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void WriteScalar(OutputBuffer output, JinjaValue value)
    {
        if (value.IsNone) output.Append("null");
        else if (value.IsBoolean) output.Append(value.Bits != 0 ? "true" : "false");
        else if (value.IsInteger) output.Append(value.Bits);
        else if (double.IsFinite(value.AsDouble)) FloatText.Write(output, value.AsDouble);
        else output.Append(double.IsNaN(value.AsDouble) ? "NaN" : value.AsDouble > 0 ? "Infinity" : "-Infinity");
    }

    private static void WriteList(RenderState r, ListValue list, JsonStyle style, int level)
    {
        r.EnsureStack();
        r.Output.Append('[');
        for (var i = 0; i < list.Items.Length; i++)
        {
            Separate(r.Output, style, i == 0, level + 1);
            Write(r, list.Items[i], style, level + 1);
        }
        Close(r.Output, style, list.Items.Length, level, ']');
    }

    private static void WriteMap(RenderState r, MapValue map, JsonStyle style, int level)
    {
        r.EnsureStack();
        r.Output.Append('{');
        var entries = map.Entries;
        if (style.Sorted) entries = Sorted(r, map);
        var first = true;
        foreach (var (key, value) in entries)
        {
            Separate(r.Output, style, first, level + 1);
            first = false;
            WriteKey(r, key, style);
            r.Output.Append(style.Compact ? ":" : ": ");
            Write(r, value, style, level + 1);
        }
        Close(r.Output, style, map.Count, level, '}');
    }

    private static IEnumerable<KeyValuePair<JinjaValue, JinjaValue>> Sorted(RenderState r, MapValue map)
    {
        var keys = map.Keys();
        return StableSort.By(r, keys, keys, reverse: false).Select(key => map.TryGet(key, out var value)
            ? KeyValuePair.Create(key, value)
            : KeyValuePair.Create(key, JinjaValue.None));
    }

    private static void WriteKey(RenderState r, JinjaValue key, JsonStyle style)
    {
        if (key.Ref is not (string or Tag or BigValue))
            throw r.Fail($"keys must be str, int, float, bool or None, not {ValueText.TypeName(key)}");
        if (key.Ref is string text)
        {
            WriteString(r.Output, text, style.Escaped);
            return;
        }
        r.Output.Append('"');
        Write(r, key, style);
        r.Output.Append('"');
    }

    private static void Separate(OutputBuffer output, JsonStyle style, bool first, int level)
    {
        if (!first) output.Append(style.Compact || style.Indent is not null ? "," : ", ");
        if (style.Indent is not null) NewLine(output, style.Indent, level);
    }

    private static void Close(OutputBuffer output, JsonStyle style, int count, int level, char close)
    {
        if (count > 0 && style.Indent is not null) NewLine(output, style.Indent, level);
        output.Append(close);
    }

    private static void NewLine(OutputBuffer output, string indent, int level)
    {
        output.Append('\n');
        for (var i = 0; i < level; i++) output.Append(indent);
    }
}
