using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Makes links of addresses in escaped text, word by word, as Jinja2's <c>urlize</c> but without regular expressions.</summary>
internal sealed class LinkWriter(RenderState r, int? limit, string attributes, string[] schemes)
{
    private static readonly string[] Heads = ["(", "<", "&lt;"];
    private static readonly string[] Tails = [")", ">", ".", ",", "&gt;"];
    private static readonly (string Open, string Close)[] Pairs = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];

    internal void Write(string text)
    {
        var at = 0;
        while (at < text.Length)
        {
            var from = at;
            while (at < text.Length && CodePoints.IsBlank(text[at])) at++;
            r.Output.Append(text.AsSpan(from, at - from));
            from = at;
            while (at < text.Length && !CodePoints.IsBlank(text[at])) at++;
            if (at > from) WriteWord(text[from..at]);
        }
    }

    private void WriteWord(string word)
    {
        r.ChargeText(word.Length);
        var (from, to) = (0, word.Length);
        while (Array.Find(Heads, head => word.AsSpan(from).StartsWith(head)) is { } found) from += found.Length;
        while (Array.Find(Tails, tail => word.AsSpan(from, to - from).EndsWith(tail)) is { } found) to -= found.Length;
        foreach (var (open, close) in Pairs) to = Balanced(word, from, to, open, close);
        r.Output.Append(word.AsSpan(0, from));
        WriteMiddle(word[from..to]);
        r.Output.Append(word.AsSpan(to));
    }

    // A closing bracket of one that the address opens belongs to it.
    private static int Balanced(string word, int from, int to, string open, string close)
    {
        var opened = word.AsSpan(from, to - from).Count(open);
        if (opened <= word.AsSpan(from, to - from).Count(close)) return to;
        for (; opened > 0; opened--)
        {
            var next = word.IndexOf(close, to, StringComparison.Ordinal);
            if (next < 0) break;
            to = next + close.Length;
        }
        return to;
    }

    private void WriteMiddle(string text)
    {
        if (WebAddress.Matches(text))
        {
            var hasScheme = text.StartsWith("https://", StringComparison.Ordinal) || text.StartsWith("http://", StringComparison.Ordinal);
            var shown = limit is { } most && CodePoints.Count(text) > most ? CodePoints.Begin(text, most) + "..." : text;
            r.Output.Append($"<a href=\"{(hasScheme ? "" : "https://")}{text}\"{attributes}>{shown}</a>");
        }
        else if (text.StartsWith("mailto:", StringComparison.Ordinal) && WebAddress.IsEmail(text.AsSpan(7)))
        {
            r.Output.Append($"<a href=\"{text}\">{text[7..]}</a>");
        }
        else if (IsBareEmail(text))
        {
            r.Output.Append($"<a href=\"mailto:{text}\">{text}</a>");
        }
        else
        {
            var isKnown = Array.Exists(schemes, scheme => text != scheme && text.StartsWith(scheme, StringComparison.Ordinal));
            r.Output.Append(isKnown ? $"<a href=\"{text}\"{attributes}>{text}</a>" : text);
        }
    }

    private static bool IsBareEmail(string text) =>
        text.Contains('@') && !text.StartsWith("www.", StringComparison.Ordinal) && text[0] != '@' && !text.Contains(':')
        && WebAddress.IsEmail(text);
}

/// <summary>What counts as an address.</summary>
internal static class WebAddress
{
    private static readonly string[] BareDomains = ["com", "net", "int", "edu", "gov", "org", "info", "mil"];

    internal static bool Matches(ReadOnlySpan<char> text)
    {
        var scheme = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8
            : text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7 : 0;
        var rest = text[scheme..];
        if (scheme > 0 && rest.StartsWith("["))
        {
            var close = rest.IndexOf(']');
            return close > 0 && IsIPv6(rest[1..close]) && IsTail(rest[(close + 1)..]);
        }
        var end = rest.IndexOfAny(":/?#");
        var host = end < 0 ? rest : rest[..end];
        if (end >= 0 && !IsTail(rest[end..])) return false;
        if (scheme > 0) return IsDomain(host, 1, int.MaxValue) || IsIPv4(host);
        if (host.StartsWith("www.", StringComparison.OrdinalIgnoreCase) && IsDomain(host[4..], 1, int.MaxValue)) return true;
        var dot = host.LastIndexOf('.');
        return dot > 0 && IsDomain(host, 2, 63) && IsBareDomain(host[(dot + 1)..]);
    }

    internal static bool IsEmail(ReadOnlySpan<char> text)
    {
        var at = text.LastIndexOf('@');
        if (at < 1) return false;
        var domain = text[(at + 1)..];
        var dot = domain.LastIndexOf('.');
        if (dot < 1 || dot == domain.Length - 1 || !IsWord(domain[0])) return false;
        foreach (var c in domain)
        {
            if (!IsWord(c) && c is not ('.' or '-')) return false;
        }
        return domain[(dot + 1)..].IndexOf('-') < 0;
    }

    private static bool IsWord(char c) => c == '_' || char.IsLetterOrDigit(c);

    private static bool IsBareDomain(ReadOnlySpan<char> last)
    {
        foreach (var domain in BareDomains)
        {
            if (last.Equals(domain, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    // An optional port, then an optional path.
    private static bool IsTail(ReadOnlySpan<char> tail)
    {
        if (tail.StartsWith(":"))
        {
            var end = tail[1..].IndexOfAnyExceptInRange('0', '9');
            var digits = end < 0 ? tail.Length - 1 : end;
            if (digits is 0 or > 5) return false;
            tail = tail[(1 + digits)..];
        }
        return tail.Length == 0 || tail[0] is '/' or '?' or '#';
    }

    private static bool IsDomain(ReadOnlySpan<char> host, int least, int most)
    {
        var dot = host.LastIndexOf('.');
        if (!IsTop(host[(dot + 1)..])) return false;
        while (dot >= 0)
        {
            host = host[..dot];
            dot = host.LastIndexOf('.');
            var label = host[(dot + 1)..];
            if (label.Length < least || label.Length > most) return false;
            foreach (var c in label)
            {
                if (!IsWord(c) && c is not ('%' or '-')) return false;
            }
        }
        return true;
    }

    private static bool IsTop(ReadOnlySpan<char> top)
    {
        var isEncoded = top.StartsWith("xn--", StringComparison.OrdinalIgnoreCase);
        if (isEncoded) top = top[4..];
        if (top.Length < 2 || top.Length > (isEncoded ? 59 : 63)) return false;
        foreach (var c in top)
        {
            if (isEncoded ? !IsWord(c) && c != '%' : !char.IsAsciiLetter(c)) return false;
        }
        return true;
    }

    private static bool IsIPv4(ReadOnlySpan<char> host)
    {
        var parts = 0;
        foreach (var range in host.Split('.'))
        {
            var part = host[range];
            parts++;
            if (part.Length is 0 or > 3 || part.IndexOfAnyExceptInRange('0', '9') >= 0) return false;
        }
        return parts == 4;
    }

    private static bool IsIPv6(ReadOnlySpan<char> host)
    {
        var colons = 0;
        var parts = 0;
        foreach (var range in host.Split(':'))
        {
            var part = host[range];
            if (part.Length > 4) return false;
            foreach (var c in part)
            {
                if (!char.IsAsciiHexDigit(c)) return false;
            }
            parts++;
        }
        colons = parts - 1;
        return colons is >= 2 and <= 8 && host.Length > 2;
    }
}
