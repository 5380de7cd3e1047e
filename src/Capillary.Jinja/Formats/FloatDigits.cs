using System.Globalization;
using System.Numerics;
using System.Text;

namespace Capillary.Jinja.Formats;

/// <summary>Floats with so many digits, rounded from the exact value, halves to even: Python's <c>e</c>, <c>f</c> and <c>g</c>.</summary>
internal static class FloatDigits
{
    /// <summary>Without a sign. Types <c>e</c>, <c>f</c>, <c>g</c>; <c>r</c> is a <c>g</c> that shows a float.</summary>
    internal static string Write(double value, char type, int precision, bool alternate)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return "inf";
        var (digits, exponent) = Exact(Math.Abs(value));
        return type switch
        {
            'f' => Fixed(digits, exponent, precision, alternate),
            'e' => Scientific(digits, exponent, precision, alternate),
            'g' => General(digits, exponent, Math.Max(1, precision), alternate),
            _ => General(digits, exponent, Math.Max(1, precision), alternate, showsFloat: true),
        };
    }

    /// <summary>Python's <c>round()</c>: to so many decimals, of the exact value, halves to even; infinite if that is too large.</summary>
    internal static double Rounded(double value, int decimals)
    {
        // No double has a digit beyond these.
        if (!double.IsFinite(value) || value == 0 || decimals > 323) return value;
        var (digits, exponent) = Exact(Math.Abs(value));
        var (kept, _) = Round(digits, exponent + 1 + decimals);
        var size = kept.Length == 0 ? 0 : double.Parse($"{kept}E{-decimals}", CultureInfo.InvariantCulture);
        return Math.CopySign(size, value);
    }

    // value = d.ddd x 10^exponent, all digits there are. No double has more than 767.
    private static (string Digits, int Exponent) Exact(double value)
    {
        if (value == 0) return ("0", 0);
        var bits = BitConverter.DoubleToInt64Bits(value);
        var isNormal = bits >> 52 != 0;
        var mantissa = (bits & ((1L << 52) - 1)) | (isNormal ? 1L << 52 : 0);
        var zeros = BitOperations.TrailingZeroCount(mantissa);
        var exponent = (int)(isNormal ? bits >> 52 : 1) - 1075 + zeros;
        mantissa >>= zeros;
        // m / 2^n is m x 5^n / 10^n.
        var whole = exponent < 0 ? mantissa * BigInteger.Pow(5, -exponent) : (BigInteger)mantissa << exponent;
        var text = whole.ToString(CultureInfo.InvariantCulture);
        return (text.TrimEnd('0'), text.Length - 1 + Math.Min(0, exponent));
    }

    // The first `count` digits, rounded; one more if it carried over.
    private static (string Digits, bool Carried) Round(string digits, int count)
    {
        if (count < 0) return ("", false);
        if (count >= digits.Length) return (digits.PadRight(count, '0'), false);
        var rest = digits.AsSpan(count);
        var isHalf = rest[0] == '5' && rest[1..].IndexOfAnyExcept('0') < 0;
        var isOdd = count > 0 && (digits[count - 1] - '0') % 2 == 1;
        if (isHalf ? !isOdd : rest[0] < '5') return (digits[..count], false);
        var kept = digits.ToCharArray(0, count);
        for (var i = count - 1; i >= 0; i--)
        {
            if (kept[i] != '9')
            {
                kept[i]++;
                return (new string(kept), false);
            }
            kept[i] = '0';
        }
        return ("1" + new string(kept), true);
    }

    private static string Fixed(string digits, int exponent, int precision, bool alternate)
    {
        var (rounded, carried) = digits == "0" ? ("", false) : Round(digits, exponent + 1 + precision);
        var whole = Math.Max(0, exponent + 1) + (carried && exponent + 1 + precision >= 0 && exponent >= -1 ? 1 : 0);
        // Below one, the digits begin behind zeros.
        rounded = rounded.PadLeft(precision + (exponent >= 0 ? whole : 0), '0');
        if (rounded.Length > precision && exponent < 0) whole = rounded.Length - precision;
        else if (exponent < 0) whole = 0;
        var text = new StringBuilder(whole == 0 ? "0" : rounded[..whole]);
        if (precision > 0 || alternate) text.Append('.');
        return text.Append(rounded.AsSpan(whole)).ToString();
    }

    private static string Scientific(string digits, int exponent, int precision, bool alternate)
    {
        var (rounded, carried) = Round(digits, precision + 1);
        if (carried) (rounded, exponent) = (rounded[..^1], exponent + 1);
        return WithExponent(rounded, exponent, alternate);
    }

    private static string General(string digits, int exponent, int precision, bool alternate, bool showsFloat = false)
    {
        var (rounded, carried) = Round(digits, precision);
        if (carried) (rounded, exponent) = (rounded[..^1], exponent + 1);
        if (!alternate) rounded = rounded.Length > 1 ? rounded[0] + rounded[1..].TrimEnd('0') : rounded;
        if (exponent < -4 || exponent >= (showsFloat ? precision - 1 : precision)) return WithExponent(rounded, exponent, alternate);
        if (exponent < 0) return "0." + new string('0', -exponent - 1) + rounded;
        rounded = rounded.PadRight(exponent + 1, '0');
        var fraction = rounded[(exponent + 1)..];
        if (fraction.Length == 0 && showsFloat) fraction = "0";
        return fraction.Length > 0 || alternate ? $"{rounded[..(exponent + 1)]}.{fraction}" : rounded;
    }

    private static string WithExponent(string digits, int exponent, bool alternate)
    {
        var point = digits.Length > 1 || alternate ? "." : "";
        return $"{digits[0]}{point}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
