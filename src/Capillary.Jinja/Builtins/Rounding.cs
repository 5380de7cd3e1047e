using System.Globalization;

namespace Capillary.Jinja.Builtins;

/// <summary>Python's <c>round()</c>: of the number's exact decimal expansion, halves to even.</summary>
internal static class Rounding
{
    // No double has more decimals than this.
    private const int AllDecimals = 1074;

    internal static double HalfEven(double value, int decimals)
    {
        if (!double.IsFinite(value) || value == 0) return value;
        if (decimals == 0) return Math.Round(value, MidpointRounding.ToEven);
        if (decimals < 0) return Coarse(value, decimals);
        // 17 digits tell a double; beyond them rounding changes nothing.
        if (decimals > 22 + Math.Max(0, -Math.ILogB(value))) return value;
        var exact = value.ToString("F" + AllDecimals, CultureInfo.InvariantCulture);
        var cut = exact.IndexOf('.') + 1 + decimals;
        var isHalf = exact[cut] == '5' && exact.AsSpan(cut + 1).IndexOfAnyExcept('0') < 0;
        var isOdd = (exact[cut - 1] - '0') % 2 == 1;
        var up = isHalf ? isOdd : exact[cut] >= '5';
        var kept = double.Parse(exact.AsSpan(0, cut), CultureInfo.InvariantCulture);
        if (!up) return value < 0 && kept == 0 ? -0.0 : kept;
        return double.Parse(Increment(exact[..cut]), CultureInfo.InvariantCulture);
    }

    private static double Coarse(double value, int decimals)
    {
        var unit = Math.Pow(10, -decimals);
        return double.IsInfinity(unit) ? 0 * value : Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    // Adds one to the last digit, away from zero.
    private static string Increment(string digits)
    {
        var text = digits.ToCharArray();
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (!char.IsAsciiDigit(text[i])) continue;
            if (text[i] != '9')
            {
                text[i]++;
                return new string(text);
            }
            text[i] = '0';
        }
        var sign = text[0] == '-' ? "-" : "";
        return sign + "1" + new string(text, sign.Length, text.Length - sign.Length);
    }
}
