using System.Globalization;
using System.Numerics;
using System.Text;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>How to write a number or text: what stands in a format between the percent sign or colon and the type.</summary>
internal sealed record NumberSpec
{
    internal string Fill { get; init; } = " ";

    /// <summary><c>&lt; &gt; ^ =</c>, or none: text left, numbers right, or with zeros behind their sign.</summary>
    internal char Align { get; init; }

    /// <summary><c>+</c>, a blank, or <c>-</c> and none: only the minus of negative numbers.</summary>
    internal char Sign { get; init; }

    internal bool Alternate { get; init; }

    internal int Width { get; init; }

    /// <summary>Between thousands: <c>,</c>, <c>_</c> or none.</summary>
    internal char Group { get; init; }

    internal int? Precision { get; init; }

    /// <summary>One of printf's flags.</summary>
    internal NumberSpec WithFlag(char flag) => flag switch
    {
        '#' => this with { Alternate = true },
        '0' => Align == '<' ? this : this with { Fill = "0" },
        '-' => this with { Align = '<', Fill = " " },
        '+' => this with { Sign = '+' },
        _ => Sign == '+' ? this : this with { Sign = ' ' },
    };

    internal void WriteInteger(RenderState r, char type, BigInteger value)
    {
        r.Charge(value.GetBitLength() / 8);
        var digits = type == 'd' ? BigInteger.Abs(value).ToString(CultureInfo.InvariantCulture) : InRadix(BigInteger.Abs(value), type);
        if (Precision is { } least) digits = digits.PadLeft(least, '0');
        var prefix = Alternate && type != 'd' ? "0" + type : "";
        var sign = SignOf(value.Sign < 0) + prefix;
        Pad(r, sign, Grouped(digits, type == 'd' ? 3 : 4, sign.Length), isNumber: true);
    }

    internal void WriteFloat(RenderState r, char type, double value)
    {
        var precision = Precision ?? 6;
        if (precision > r.MaxChars) throw Arithmetic.TooLong(r);
        r.ChargeText(precision + 400);
        var isPercent = type == '%';
        var text = FloatDigits.Write(isPercent ? value * 100 : value, isPercent ? 'f' : char.ToLowerInvariant(type), precision, Alternate);
        if (char.IsAsciiLetterUpper(type)) text = text.ToUpperInvariant();
        WriteDigits(r, value, isPercent ? text + "%" : text);
    }

    /// <summary>A float whose digits are known; they are without a sign.</summary>
    internal void WriteDigits(RenderState r, double value, string text)
    {
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        var whole = end < 0 ? text : text[..end];
        var sign = SignOf(double.IsNegative(value) && !double.IsNaN(value));
        var rest = text[whole.Length..];
        Pad(r, sign, Grouped(whole, 3, sign.Length + rest.Length) + rest, isNumber: true);
    }

    internal void Pad(RenderState r, string sign, string text, bool isNumber)
    {
        var missing = Width - sign.Length - CodePoints.Count(text);
        var align = Align != '\0' ? Align : !isNumber ? (IsPrintf ? '>' : '<') : Fill == "0" ? '=' : '>';
        var fill = IsPrintf && !isNumber ? " " : Fill;
        var left = missing <= 0 || align is '<' or '=' ? 0 : align == '>' ? missing : missing / 2;
        r.Output.Append(fill, left);
        r.Output.Append(sign);
        if (align == '=') r.Output.Append(fill, missing);
        r.Output.Append(text);
        if (align is '<' or '^') r.Output.Append(fill, missing - left);
    }

    /// <summary>Text stands right in printf, left in braces.</summary>
    internal bool IsPrintf { get; init; } = true;

    private static string InRadix(BigInteger value, char type)
    {
        if (value.IsZero) return "0";
        var text = value.ToString(type == 'x' ? "x" : type == 'X' ? "X" : "b", CultureInfo.InvariantCulture).TrimStart('0');
        if (type != 'o') return text;
        // Three bits are one digit.
        text = text.PadLeft((text.Length + 2) / 3 * 3, '0');
        return string.Create(text.Length / 3, text, static (digits, bits) =>
        {
            for (var i = 0; i < digits.Length; i++)
                digits[i] = (char)('0' + 4 * (bits[3 * i] - '0') + 2 * (bits[3 * i + 1] - '0') + (bits[3 * i + 2] - '0'));
        });
    }

    private string SignOf(bool isNegative) => isNegative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";

    // Zeros that fill are grouped too; others stand beside the digits.
    private string Grouped(string digits, int size, int others)
    {
        if (Group == '\0' || digits.Length == 0) return digits;
        var count = digits.Length;
        if (Fill == "0" && Align is '\0' or '=')
        {
            while (count + (count - 1) / size < Width - others) count++;
        }
        var grouped = new StringBuilder(count + count / size);
        for (var left = count; left > 0; left--)
        {
            if (left < count && left % size == 0) grouped.Append(Group);
            grouped.Append(left > digits.Length ? '0' : digits[^left]);
        }
        return grouped.ToString();
    }
}
