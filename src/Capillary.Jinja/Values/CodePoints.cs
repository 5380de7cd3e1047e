using System.Text;

namespace Capillary.Jinja.Values;

/// <summary>Strings by code point, as Python counts them. Text without surrogates, nearly all text, takes the short way.</summary>
internal static class CodePoints
{
    internal static bool IsPlain(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0;

    internal static int Count(string text)
    {
        if (IsPlain(text)) return text.Length;
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }

    /// <summary>The first so many characters.</summary>
    internal static string Begin(string text, int count)
    {
        var at = 0;
        for (; count > 0 && at < text.Length; count--) at += LengthAt(text, at);
        return text[..at];
    }

    /// <summary>The character at this place, from the end if it is negative; null if there is none.</summary>
    internal static string? At(string text, long index)
    {
        var count = Count(text);
        if (index < 0) index += count;
        if (index < 0 || index >= count) return null;
        if (count == text.Length) return text[(int)index].ToString();
        var at = Begin(text, (int)index).Length;
        return text.Substring(at, LengthAt(text, at));
    }

    internal static JinjaValue[] Split(string text)
    {
        var parts = new JinjaValue[Count(text)];
        var next = 0;
        if (parts.Length == text.Length)
        {
            foreach (var c in text) parts[next++] = c.ToString();
        }
        else
        {
            foreach (var rune in text.EnumerateRunes()) parts[next++] = rune.ToString();
        }
        return parts;
    }

    internal static string Join(ReadOnlySpan<JinjaValue> parts)
    {
        var text = new StringBuilder(parts.Length);
        foreach (var part in parts) text.Append((string)part.Ref!);
        return text.ToString();
    }

    /// <summary>The character of this number; null if there is none.</summary>
    internal static string? Of(JinjaValue number) => number.IsIntegral && number.Bits == (int)number.Bits && Rune.IsValid((int)number.Bits)
        ? char.ConvertFromUtf32((int)number.Bits)
        : null;

    /// <summary>How many units the character takes: 2 or 1.</summary>
    internal static int LengthAt(string text, int at) => char.IsSurrogatePair(text, at) ? 2 : 1;

    /// <summary>As Python, which also takes four control characters for blanks.</summary>
    internal static bool IsBlank(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    internal static bool IsBlank(string text) => text.All(IsBlank);
}
