using System.Buffers;
using System.Text;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Python's string functions, bounded by the render's limits.</summary>
internal static class Strings
{
    private static readonly SearchValues<char> Blanks = SearchValues.Create(
        "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680" +
        "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000");

    internal static string Replace(RenderState r, string text, string old, string with, long count)
    {
        if (count < 0) count = long.MaxValue;
        r.ChargeSearch(text, old);
        var mark = r.Output.Length;
        var at = 0;
        if (old.Length == 0) at = InsertBetween(r, text, with, count);
        else
        {
            for (; count > 0; count--)
            {
                var found = text.IndexOf(old, at, StringComparison.Ordinal);
                if (found < 0) break;
                r.Output.Append(text.AsSpan(at, found - at));
                r.Output.Append(with);
                at = found + old.Length;
            }
        }
        if (at == 0 && r.Output.Length == mark) return text;
        r.Output.Append(text.AsSpan(at));
        return r.Output.TakeFrom(mark);
    }

    internal static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    /// <summary>The method: a word begins after whatever is no letter.</summary>
    internal static string TitleByLetters(string text) => Title(text, static before => !char.IsLetter(before));

    /// <summary>Jinja2's filter: a word begins after blanks, hyphens and opening brackets.</summary>
    internal static string TitleByBlanks(string text) =>
        Title(text, static before => before is '-' or '(' or '{' or '[' or '<' || CodePoints.IsBlank(before));

    internal static string Strip(string text, string? set, bool start, bool end)
    {
        if (set is not null && !CodePoints.IsPlain(set)) return StripRunes(text, [.. set.EnumerateRunes()], start, end);
        var stripped = set is null ? Blanks : SearchValues.Create(set);
        var from = start ? text.AsSpan().IndexOfAnyExcept(stripped) : 0;
        if (from < 0) return "";
        var to = end ? text.AsSpan().LastIndexOfAnyExcept(stripped) + 1 : text.Length;
        return to <= from ? "" : text[from..to];
    }

    internal static List<JinjaValue> Split(RenderState r, string text, string? separator, long most)
    {
        var parts = new List<JinjaValue>();
        r.ChargeSearch(text, separator ?? "");
        if (separator is null) SplitAtBlanks(r, text, most, parts);
        else SplitAt(r, text, separator, most, parts);
        return parts;
    }

    internal static List<JinjaValue> SplitFromEnd(RenderState r, string text, string separator, long most)
    {
        r.ChargeSearch(text, separator);
        var parts = new List<JinjaValue>();
        var end = text.Length;
        for (; most != 0; most--)
        {
            var found = end == 0 ? -1 : text.LastIndexOf(separator, end - 1, end, StringComparison.Ordinal);
            if (found < 0) break;
            r.Charge();
            parts.Add(text[(found + separator.Length)..end]);
            end = found;
        }
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    internal static List<JinjaValue> SplitFromEndAtBlanks(RenderState r, string text, long most)
    {
        var parts = new List<JinjaValue>();
        var end = text.Length;
        while (true)
        {
            while (end > 0 && CodePoints.IsBlank(text[end - 1])) end--;
            if (end == 0) break;
            r.Charge();
            var start = most-- == 0 ? 0 : end;
            while (start > 0 && !CodePoints.IsBlank(text[start - 1])) start--;
            parts.Add(text[start..end]);
            end = start;
        }
        parts.Reverse();
        return parts;
    }

    internal static string ExpandTabs(RenderState r, string text, long size)
    {
        if (size > r.MaxChars) throw Arithmetic.TooLong(r);
        var mark = r.Output.Length;
        var column = 0;
        foreach (var c in text)
        {
            var blanks = c == '\t' && size > 0 ? (int)size - column % (int)size : 0;
            if (c == '\t') r.Output.Append(' ', blanks);
            else r.Output.Append(c);
            column = c is '\n' or '\r' ? 0 : column + (c == '\t' ? blanks : 1);
        }
        return r.Output.TakeFrom(mark);
    }

    internal static List<string> Lines(RenderState r, string text, bool keepEnds = false)
    {
        var lines = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsLineEnd(text[i])) continue;
            r.Charge();
            var end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n') i++;
            lines.Add(text[start..(keepEnds ? i + 1 : end)]);
            start = i + 1;
        }
        if (start < text.Length) lines.Add(text[start..]);
        return lines;
    }

    internal static string Pad(RenderState r, string text, long width, string fill, double leftShare)
    {
        var count = CodePoints.Count(text);
        if (width <= count) return text;
        var missing = width - count;
        if (missing > r.MaxChars) throw Arithmetic.TooLong(r);
        var left = (int)(missing * leftShare);
        // Python's center puts the odd blank left only if the width is odd too.
        if (leftShare is > 0 and < 1) left = (int)(missing / 2 + (missing & width & 1));
        var mark = r.Output.Length;
        r.Output.Append(fill, left);
        r.Output.Append(text);
        r.Output.Append(fill, (int)missing - left);
        return r.Output.TakeFrom(mark);
    }

    private static int InsertBetween(RenderState r, string text, string with, long count)
    {
        var at = 0;
        for (; count > 0 && at <= text.Length; count--)
        {
            r.Output.Append(with);
            if (at == text.Length) break;
            var length = CodePoints.LengthAt(text, at);
            r.Output.Append(text.AsSpan(at, length));
            at += length;
        }
        return at;
    }

    private static string Title(string text, Func<char, bool> beginsAfter)
    {
        var title = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var begins = i == 0 || beginsAfter(text[i - 1]);
            title.Append(begins ? char.ToUpperInvariant(text[i]) : char.ToLowerInvariant(text[i]));
        }
        return title.ToString();
    }

    private static string StripRunes(string text, HashSet<Rune> set, bool start, bool end)
    {
        var (from, to) = (0, text.Length);
        while (start && Rune.DecodeFromUtf16(text.AsSpan(from, to - from), out var first, out var length) == 0 && set.Contains(first))
            from += length;
        while (end && Rune.DecodeLastFromUtf16(text.AsSpan(from, to - from), out var last, out var length) == 0 && set.Contains(last))
            to -= length;
        return text[from..to];
    }

    private static bool IsLineEnd(char c) =>
        c is '\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029';

    private static void SplitAtBlanks(RenderState r, string text, long most, List<JinjaValue> parts)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && CodePoints.IsBlank(text[at])) at++;
            if (at == text.Length) return;
            r.Charge();
            if (most-- == 0)
            {
                parts.Add(text[at..]);
                return;
            }
            var start = at;
            while (at < text.Length && !CodePoints.IsBlank(text[at])) at++;
            parts.Add(text[start..at]);
        }
    }

    private static void SplitAt(RenderState r, string text, string separator, long most, List<JinjaValue> parts)
    {
        var start = 0;
        for (; most != 0; most--)
        {
            var found = text.IndexOf(separator, start, StringComparison.Ordinal);
            if (found < 0) break;
            r.Charge();
            parts.Add(text[start..found]);
            start = found + separator.Length;
        }
        parts.Add(text[start..]);
    }
}
