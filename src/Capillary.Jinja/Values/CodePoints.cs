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
        for (; count > 0 && at < text.Length; count--) at += char.IsSurrogatePair(text, at) ? 2 : 1;
        return text[..at];
    }

    internal static string? At(string text, long index)
    {
        if (!IsPlain(text)) return PickFrom(Split(text), index);
        if (index < 0) index += text.Length;
        return index >= 0 && index < text.Length ? text[(int)index].ToString() : null;
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

    private static string? PickFrom(JinjaValue[] parts, long index)
    {
        if (index < 0) index += parts.Length;
        return index >= 0 && index < parts.Length ? (string?)parts[index].Ref : null;
    }
}
