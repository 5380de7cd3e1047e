using System.Globalization;
using System.Text;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Writes values as Python's <c>str()</c> and <c>repr()</c> do.</summary>
internal static class ValueText
{
    internal static void Write(RenderState r, JinjaValue value)
    {
        if (value.Ref is string text) r.Output.Append(text);
        else WriteOther(r, value);
    }

    internal static string TypeName(JinjaValue value) => value.Ref switch
    {
        null => "Undefined",
        string => "str",
        _ => ((Boxed)value.Ref).TypeName,
    };

    internal static void WriteRepr(RenderState r, JinjaValue value)
    {
        if (value.Ref is not string text)
        {
            if (value.Ref is UndefinedValue { IsStrict: false }) r.Output.Append("Undefined");
            else if (value.Ref is ModuleValue module) r.Output.Append($"<TemplateModule '{module.Name}'>");
            else WriteOther(r, value);
            return;
        }
        if (value.IsMarkup) r.Output.Append("Markup(");
        WriteQuoted(r.Output, text);
        if (value.IsMarkup) r.Output.Append(')');
    }

    /// <summary>Python's <c>repr()</c>, or its <c>ascii()</c>.</summary>
    internal static string Repr(RenderState r, JinjaValue value, bool isAscii = false)
    {
        var mark = r.Output.Length;
        WriteRepr(r, value);
        var text = r.Output.TakeFrom(mark);
        if (!isAscii || Ascii.IsValid(text)) return text;
        foreach (var c in text.EnumerateRunes()) r.Output.Append(c.IsAscii ? c.ToString() : Escaped(c.Value));
        return r.Output.TakeFrom(mark);
    }

    private static void WriteOther(RenderState r, JinjaValue value)
    {
        if (value.IsInteger) r.Output.Append(value.Bits);
        else if (value.IsBoolean) r.Output.Append(value.Bits != 0 ? "True" : "False");
        else if (value.IsFloat) FloatText.Write(r.Output, value.AsDouble);
        else if (value.IsNone) r.Output.Append("None");
        else WriteObject(r, value);
    }

    private static void WriteObject(RenderState r, JinjaValue value)
    {
        switch (value.Ref)
        {
            case ListValue list: WriteList(r, list); break;
            case BigValue big:
                BigValue.Guard(r, big.Value.GetBitLength());
                r.Output.Append(big.Value.ToString(CultureInfo.InvariantCulture));
                break;
            case MapValue map: WriteMap(r, map.Entries); break;
            case NamespaceValue space:
                r.Output.Append("<Namespace ");
                WriteMap(r, space.Entries.Entries);
                r.Output.Append('>');
                break;
            case BoundMethod method: throw r.Fail($"'{method.Name}' is a method of a {method.Owner}; call it, or read ['{method.Name}']");
            case UndefinedValue { IsStrict: false } undefined: r.Output.Append(undefined.DebugText()); break;
            case ModuleValue module: r.Output.Append(module.Text); break;
            case LoopValue loop: r.Output.Append(loop.Describe()); break;
            case null or UndefinedValue: throw r.FailUndefined(value);
            case Boxed other: r.Output.Append($"<{other.TypeName}>"); break;
        }
    }

    private static void WriteList(RenderState r, ListValue list)
    {
        if (list.Shape == ListShape.Range)
        {
            r.Output.Append(list.Bounds!.ToString());
            return;
        }
        r.EnsureStack();
        r.Charge(list.Items.Length);
        if (list.Shape is ListShape.Keys or ListShape.Values or ListShape.Pairs) r.Output.Append(list.TypeName + "(");
        r.Output.Append(list.IsTuple ? '(' : '[');
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) r.Output.Append(", ");
            WriteRepr(r, list.Items[i]);
        }
        if (list.IsTuple && list.Items.Length == 1) r.Output.Append(',');
        r.Output.Append(list.IsTuple ? ')' : ']');
        if (list.Shape is ListShape.Keys or ListShape.Values or ListShape.Pairs) r.Output.Append(')');
    }

    private static void WriteMap(RenderState r, IEnumerable<KeyValuePair<JinjaValue, JinjaValue>> entries)
    {
        r.EnsureStack();
        r.Output.Append('{');
        var first = true;
        foreach (var (key, item) in entries)
        {
            r.Charge();
            if (!first) r.Output.Append(", ");
            first = false;
            WriteRepr(r, key);
            r.Output.Append(": ");
            WriteRepr(r, item);
        }
        r.Output.Append('}');
    }

    private static void WriteQuoted(OutputBuffer output, string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        output.Append(quote);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == quote || c == '\\')
            {
                output.Append('\\');
                output.Append(c);
            }
            else if (c is >= ' ' and < '\x7f')
            {
                output.Append(c);
            }
            else
            {
                i += WriteSpecial(output, text, i);
            }
        }
        output.Append(quote);
    }

    // Returns how many UTF-16 units beyond the first were used.
    private static int WriteSpecial(OutputBuffer output, string text, int at)
    {
        switch (text[at])
        {
            case '\n': output.Append("\\n"); return 0;
            case '\r': output.Append("\\r"); return 0;
            case '\t': output.Append("\\t"); return 0;
        }
        var pair = char.IsSurrogatePair(text, at);
        var code = pair ? char.ConvertToUtf32(text, at) : text[at];
        if (IsPrintable(CharUnicodeInfo.GetUnicodeCategory(code))) output.Append(text.AsSpan(at, pair ? 2 : 1));
        else output.Append(Escaped(code));
        return pair ? 1 : 0;
    }

    private static string Escaped(int code) => code <= 0xff ? $"\\x{code:x2}" : code <= 0xffff ? $"\\u{code:x4}" : $"\\U{code:x8}";

    internal static bool IsPrintable(UnicodeCategory category) => category is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or
        UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or
        UnicodeCategory.SpaceSeparator);
}
