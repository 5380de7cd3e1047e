using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Escaping for HTML. A string that was escaped, or is said to be safe, carries a mark and is not escaped again.</summary>
internal static class Markup
{
    private static readonly System.Buffers.SearchValues<char> Special = System.Buffers.SearchValues.Create("&<>\"'");

    /// <summary>The value's text as markup.</summary>
    internal static JinjaValue Escape(RenderState r, JinjaValue value)
    {
        if (value.IsMarkup) return value;
        var text = r.Text(value);
        r.ChargeText(text.Length);
        if (text.AsSpan().IndexOfAny(Special) < 0) return JinjaValue.Markup(text);
        var mark = r.Output.Length;
        Append(r.Output, text);
        return JinjaValue.Markup(r.Output.TakeFrom(mark));
    }

    /// <summary>Prints the value, escaped if it is not safe.</summary>
    internal static void Write(RenderState r, JinjaValue value)
    {
        if (value.Ref is Tag || value.IsMarkup) ValueText.Write(r, value);
        else if (value.Ref is string text) Append(r.Output, text);
        else Append(r.Output, r.Text(value));
    }

    internal static void Append(OutputBuffer output, ReadOnlySpan<char> text)
    {
        while (true)
        {
            var at = text.IndexOfAny(Special);
            if (at < 0) break;
            output.Append(text[..at]);
            output.Append(text[at] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&#34;",
                _ => "&#39;",
            });
            text = text[(at + 1)..];
        }
        output.Append(text);
    }
}
