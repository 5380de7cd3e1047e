using System.Globalization;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Floats as Python's <c>repr</c> writes them: shortest digits, exponent from 1e16 up and below 1e-4.</summary>
internal static class FloatText
{
    internal static void Write(OutputBuffer output, double value)
    {
        if (double.IsNaN(value)) output.Append("nan");
        else if (double.IsInfinity(value)) output.Append(value > 0 ? "inf" : "-inf");
        else WriteFinite(output, value);
    }

    private static void WriteFinite(OutputBuffer output, double value)
    {
        // "E16" would not be shortest; "R" is, but changes notation elsewhere than Python. So take its digits apart.
        Span<char> raw = stackalloc char[32];
        value.TryFormat(raw, out var length, "R", CultureInfo.InvariantCulture);
        Span<char> digits = stackalloc char[32];
        var (count, point) = TakeApart(raw[..length], digits);
        if (double.IsNegative(value)) output.Append('-');
        if (point is > 16 or < -3) WriteExponent(output, digits[..count], point - 1);
        else WritePlain(output, digits[..count], point);
    }

    // value = 0.DIGITS x 10^point, without leading or trailing zeros; zero is one digit "0" with point 1.
    private static (int Count, int Point) TakeApart(ReadOnlySpan<char> raw, Span<char> digits)
    {
        var exponentAt = raw.IndexOf('E');
        var exponent = exponentAt < 0 ? 0 : int.Parse(raw[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? raw : raw[..exponentAt];
        var (count, point, seenDot) = (0, 0, false);
        foreach (var c in mantissa)
        {
            if (c == '.') seenDot = true;
            if (!char.IsAsciiDigit(c)) continue;
            if (count == 0 && c == '0')
            {
                if (seenDot) point--;
                continue;
            }
            digits[count++] = c;
            if (!seenDot) point++;
        }
        while (count > 1 && digits[count - 1] == '0') count--;
        if (count > 0) return (count, point + exponent);
        digits[0] = '0';
        return (1, 1);
    }

    private static void WriteExponent(OutputBuffer output, ReadOnlySpan<char> digits, int exponent)
    {
        output.Append(digits[0]);
        if (digits.Length > 1)
        {
            output.Append('.');
            output.Append(digits[1..]);
        }
        output.Append(exponent < 0 ? "e-" : "e+");
        if (Math.Abs(exponent) < 10) output.Append('0');
        output.Append((long)Math.Abs(exponent));
    }

    private static void WritePlain(OutputBuffer output, ReadOnlySpan<char> digits, int point)
    {
        if (point <= 0)
        {
            output.Append("0.");
            output.Append('0', -point);
            output.Append(digits);
        }
        else if (point >= digits.Length)
        {
            output.Append(digits);
            output.Append('0', point - digits.Length);
            output.Append(".0");
        }
        else
        {
            output.Append(digits[..point]);
            output.Append('.');
            output.Append(digits[point..]);
        }
    }
}
