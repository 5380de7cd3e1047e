using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Capillary.Fleet.Documents;

/// <summary>Strict UTF-8: a text is either read whole or refused with the offset of the first bad byte.</summary>
internal static class Utf8Text
{
    private static readonly SearchValues<char> Forbidden = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(c => (char)c).Where(c => c is not ('\t' or '\n' or '\r')), '\x7f']);

    /// <summary>The text without a byte order mark; false, with the offset, when the bytes are not UTF-8.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out string text, out int badOffset)
    {
        (text, badOffset) = ("", -1);
        var start = bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        if (!Utf8.IsValid(bytes))
        {
            badOffset = FirstBad(bytes);
            return false;
        }
        text = Encoding.UTF8.GetString(bytes[start..]);
        return true;
    }

    /// <summary>The place of the first control character that no text file should hold, or null.</summary>
    public static TextPosition? ControlCharacter(string text)
    {
        var index = text.AsSpan().IndexOfAny(Forbidden);
        return index < 0 ? null : PositionOf(text, index);
    }

    /// <summary>Line and column of a character, both from 1.</summary>
    public static TextPosition PositionOf(string text, int index)
    {
        var before = text.AsSpan(0, index);
        return new TextPosition(before.Count('\n') + 1, index - before.LastIndexOf('\n'));
    }

    /// <summary>One line of a text, counted from 1, without its end; null when there is no such line.</summary>
    public static string? Line(string text, int number)
    {
        if (number < 1) return null;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (--number == 0) return line.ToString();
        }
        return null;
    }

    private static int FirstBad(ReadOnlySpan<byte> bytes)
    {
        var offset = 0;
        while (Rune.DecodeFromUtf8(bytes[offset..], out _, out var length) == OperationStatus.Done) offset += length;
        return offset;
    }
}
