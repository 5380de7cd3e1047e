using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>
/// Writes block-style YAML without a newline at the end. Strings are plain only where every reader, of YAML 1.1 or 1.2, sees the same
/// string; all others are double-quoted.
/// </summary>
internal static class YamlText
{
    private static readonly HashSet<string> NotStrings =
        new(StringComparer.OrdinalIgnoreCase) { "y", "n", "yes", "no", "true", "false", "on", "off", "null" };

    internal static void Write(RenderState r, JinjaValue value, int indent = 0)
    {
        r.Charge();
        switch (value.Ref)
        {
            case string text: WriteString(r.Output, text); break;
            case Tag: WriteScalar(r.Output, value); break;
            case BigValue: ValueText.Write(r, value); break;
            case ListValue list: WriteList(r, list, indent); break;
            case MapValue map: WriteMap(r, map, indent); break;
            case null or UndefinedValue: throw r.FailUndefined(value);
            default: throw r.Fail($"a {ValueText.TypeName(value)} can not be written as YAML");
        }
    }

    private static void WriteString(OutputBuffer output, string text)
    {
        if (IsPlain(text)) output.Append(text);
        else JsonText.WriteString(output, text, escaped: false);
    }

    private static bool IsPlain(string text)
    {
        if (text.Length == 0 || text[^1] == ' ' || NotStrings.Contains(text)) return false;
        if (!char.IsAsciiLetter(text[0]) && text[0] is not ('_' or '/')) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '/' or '.' or '-' or '+' or '@' or ' ')) return false;
        }
        return true;
    }

    private static void WriteScalar(OutputBuffer output, JinjaValue value)
    {
        if (value.IsNone) output.Append("null");
        else if (value.IsBoolean) output.Append(value.Bits != 0 ? "true" : "false");
        else if (value.IsInteger) output.Append(value.Bits);
        else if (double.IsNaN(value.AsDouble)) output.Append(".nan");
        else if (double.IsInfinity(value.AsDouble)) output.Append(value.AsDouble > 0 ? ".inf" : "-.inf");
        else WriteFloat(output, value.AsDouble);
    }

    private static void WriteFloat(OutputBuffer output, double value)
    {
        var mark = output.Length;
        FloatText.Write(output, value);
        var exponent = output.Written[mark..].IndexOf('e');
        if (exponent < 0 || output.Written[mark..].Contains('.')) return;
        // YAML 1.1 takes "1e+16" for a string, but not "1.0e+16".
        var text = output.TakeFrom(mark);
        output.Append(text.AsSpan(0, exponent));
        output.Append(".0");
        output.Append(text.AsSpan(exponent));
    }

    private static void WriteList(RenderState r, ListValue list, int indent)
    {
        r.EnsureStack();
        if (list.Items.Length == 0) r.Output.Append("[]");
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) NewLine(r.Output, indent);
            r.Output.Append("- ");
            Write(r, list.Items[i], indent + 2);
        }
    }

    private static void WriteMap(RenderState r, MapValue map, int indent)
    {
        r.EnsureStack();
        if (map.Count == 0) r.Output.Append("{}");
        var first = true;
        foreach (var (key, value) in map.Entries)
        {
            if (!first) NewLine(r.Output, indent);
            first = false;
            if (key.Ref is not (string or Tag or BigValue)) throw r.Fail($"a key of type '{ValueText.TypeName(key)}' can not be written as YAML");
            Write(r, key);
            r.Output.Append(':');
            WriteEntry(r, value, indent);
        }
    }

    private static void WriteEntry(RenderState r, JinjaValue value, int indent)
    {
        // A list may stand at its key's own column; a map stands deeper.
        var deeper = value.Ref is MapValue { Count: > 0 } ? indent + 2 : indent;
        if (value.Ref is MapValue { Count: > 0 } or ListValue { Items.Length: > 0 }) NewLine(r.Output, deeper);
        else r.Output.Append(' ');
        Write(r, value, deeper);
    }

    private static void NewLine(OutputBuffer output, int indent)
    {
        output.Append('\n');
        output.Append(' ', indent);
    }
}
