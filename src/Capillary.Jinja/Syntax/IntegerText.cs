using System.Numerics;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Syntax;

/// <summary>Reads integers as Python's <c>int()</c> does, in radix 2 to 36.</summary>
internal static class IntegerText
{
    // As Python, and before the time it takes grows with the square.
    private const int MaxDigits = 4300;

    internal static bool TryParse(ReadOnlySpan<char> text, int radix, out JinjaValue value)
    {
        value = 0L;
        var negative = text.StartsWith("-");
        if (negative || text.StartsWith("+")) text = text[1..];
        if (text.Length is 0 or > MaxDigits) return false;
        var (small, big, isBig) = (0L, BigInteger.Zero, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '_' && i > 0 && i + 1 < text.Length && text[i - 1] != '_') continue;
            var digit = Digit(text[i]);
            if (digit < 0 || digit >= radix) return false;
            if (!isBig && small > (long.MaxValue - digit) / radix) (big, isBig) = (small, true);
            if (isBig) big = big * radix + digit;
            else small = small * radix + digit;
        }
        if (!isBig) value = negative ? -small : small;
        else if (negative && big == -(BigInteger)long.MinValue) value = long.MinValue;
        else value = new JinjaValue(new BigValue(negative ? -big : big));
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
