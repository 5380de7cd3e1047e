using System.Net;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters for text that stands in HTML.</summary>
internal static class HtmlFilters
{
    private static readonly System.Buffers.SearchValues<char> NotInNames = System.Buffers.SearchValues.Create(" \t\n\r\f\v/>=");

    internal static readonly Builtin[] All =
    [
        new(new("escape", []), static (r, self, _) => Markup.Escape(r, self)),
        new(new("forceescape", []), static (r, self, _) => Markup.Escape(r, r.Text(self))),
        new(new("safe", []), static (r, self, _) => JinjaValue.Markup(r.Text(self))),
        new(new("striptags", []), static (r, self, _) => StripTags(r, r.Text(self))),
        new(new("xmlattr", ["autospace"]), XmlAttributes),
        new(new("urlize", ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"]), Urlize),
    ];

    private static string StripTags(RenderState r, string text)
    {
        r.ChargeText(text.Length);
        text = Without(Without(text, "<!--", "-->"), "<", ">");
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        // HTML 5 has these in capitals too, the framework not.
        foreach (var name in (string[])["amp", "lt", "gt", "quot"]) text = text.Replace($"&{name.ToUpperInvariant()};", $"&{name};");
        return Decode(text);
    }

    // The framework would take "&# 39;" for a number, blank and all.
    private static string Decode(string text)
    {
        var (decoded, from) = (new System.Text.StringBuilder(text.Length), 0);
        for (var at = text.IndexOf("&#", StringComparison.Ordinal); at >= 0; at = text.IndexOf("&#", at + 2, StringComparison.Ordinal))
        {
            var end = at + 2;
            while (end < text.Length && char.IsAsciiLetterOrDigit(text[end])) end++;
            if (end > at + 2 && end < text.Length && text[end] == ';') continue;
            decoded.Append(WebUtility.HtmlDecode(text[from..(at + 1)]));
            from = at + 1;
        }
        return decoded.Append(WebUtility.HtmlDecode(text[from..])).ToString();
    }

    private static string Without(string text, string open, string close)
    {
        if (!text.Contains(open, StringComparison.Ordinal)) return text;
        var kept = new System.Text.StringBuilder(text.Length);
        var at = 0;
        while (true)
        {
            var from = text.IndexOf(open, at, StringComparison.Ordinal);
            var to = from < 0 ? -1 : text.IndexOf(close, from + open.Length, StringComparison.Ordinal);
            if (to < 0) break;
            kept.Append(text, at, from - at);
            at = to + close.Length;
        }
        return kept.Append(text, at, text.Length - at).ToString();
    }

    private static JinjaValue XmlAttributes(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined) throw r.FailUndefined(self);
        if (self.Ref is not MapValue map) throw r.Fail($"'{ValueText.TypeName(self)}' object has no attributes to write");
        var autospace = args[0].IsAbsent || Sequences.IsTrue(r, args[0]);
        var mark = r.Output.Length;
        foreach (var (key, value) in map.Entries)
        {
            r.Charge();
            if (value.IsNone || value.IsUndefined) continue;
            var name = Arg.Text(r, key, "an attribute's name");
            if (name.AsSpan().IndexOfAny(NotInNames) >= 0) throw r.Fail($"invalid character in attribute name: '{name}'");
            if (autospace || r.Output.Length > mark) r.Output.Append(' ');
            Markup.Write(r, key);
            r.Output.Append("=\"");
            Markup.Write(r, value);
            r.Output.Append('"');
        }
        return r.Captured(r.Output.TakeFrom(mark));
    }

    private static JinjaValue Urlize(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = (string)Markup.Escape(r, self).Ref!;
        int? limit = args[0].IsAbsent || args[0].IsNone ? null : (int)Math.Clamp(Arg.Integer(r, args[0], "the limit", 0), 0, int.MaxValue);
        var rel = new SortedSet<string>(StringComparer.Ordinal) { "noopener" };
        if (Arg.Flag(r, args[1])) rel.Add("nofollow");
        rel.UnionWith((Arg.TextOrNull(r, args[3], "rel") ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var attributes = $" rel=\"{Markup.Escape(r, string.Join(' ', rel)).Ref}\"";
        if (Arg.TextOrNull(r, args[2], "the target") is { Length: > 0 } target) attributes += $" target=\"{Markup.Escape(r, target).Ref}\"";
        var schemes = args[4].IsAbsent || args[4].IsNone
            ? []
            : Array.ConvertAll(Sequences.Items(r, args[4]), scheme => Scheme(r, Arg.Text(r, scheme, "a scheme")));
        var links = new LinkWriter(r, limit, attributes, schemes);
        var mark = r.Output.Length;
        links.Write(text);
        return r.Captured(r.Output.TakeFrom(mark));
    }

    private static string Scheme(RenderState r, string scheme)
    {
        var name = scheme.TrimEnd('/').TrimEnd(':');
        var isScheme = scheme.Contains(':') && name.Length > 0 && name.All(static c => c is '.' or '+' or '-' || char.IsLetterOrDigit(c));
        return isScheme ? scheme : throw r.Fail($"'{scheme}' is not a valid URI scheme prefix.");
    }
}
