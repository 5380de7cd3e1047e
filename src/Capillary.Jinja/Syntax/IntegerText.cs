namespace Capillary.Jinja.Syntax;

/// <summary>Reads integers as Python's <c>int()</c> does, in radix 2 to 36.</summary>
internal static class IntegerText
{
    internal static bool TryParse(ReadOnlySpan<char> text, int radix, out long value)
    {
        value = 0;
        var negative = text.StartsWith("-");
        if (negative || text.StartsWith("+")) text = text[1..];
        if (text.Length == 0) return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '_' && i > 0 && i + 1 < text.Length && text[i - 1] != '_') continue;
            var digit = Digit(text[i]);
            if (digit < 0 || digit >= radix) return false;
            // Counted downwards, because the least long has no positive twin.
            var next = (Int128)value * radix - digit;
            if (next < long.MinValue) return false;
            value = (long)next;
        }
        if (negative) return true;
        if (value == long.MinValue) return false;
        value = -value;
        return true;
    }

    private static int Digit(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'z' => c - 'a' + 10,
        >= 'A' and <= 'Z' => c - 'A' + 10,
        _ => -1,
    };
}
