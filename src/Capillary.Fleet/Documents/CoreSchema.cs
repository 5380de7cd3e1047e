using System.Globalization;

namespace Capillary.Fleet.Documents;

/// <summary>YAML 1.2 core schema: what a plain scalar means. <c>yes</c>, <c>no</c>, <c>on</c> and <c>off</c> are strings.</summary>
internal static class CoreSchema
{
    public static ScalarValue Resolve(YamlScalar scalar) => scalar.IsPlain ? Resolve(scalar.Text) : ScalarValue.Of(scalar.Text);

    public static ScalarValue Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL": return ScalarValue.Null;
            case "true" or "True" or "TRUE": return new(ScalarKind.Boolean, "true");
            case "false" or "False" or "FALSE": return new(ScalarKind.Boolean, "false");
        }
        if (!MayBeNumber(text)) return ScalarValue.Of(text);
        if (Integer(text) is { } integer) return new(ScalarKind.Integer, integer);
        if (Number(text) is { } number) return new(ScalarKind.Number, number);
        return ScalarValue.Of(text);
    }

    /// <summary>True when YAML 1.1 would have read a boolean here.</summary>
    public static bool LooksLikeOldBoolean(YamlScalar scalar, out string meant)
    {
        meant = scalar.Text.ToLowerInvariant() is "yes" or "on" or "y" ? "true" : "false";
        return scalar.IsPlain && scalar.Text.ToLowerInvariant() is "yes" or "no" or "on" or "off" or "y" or "n";
    }

    private static bool MayBeNumber(string text) => text[0] is (>= '0' and <= '9') or '-' or '+' or '.';

    /// <summary>Canonical decimal text, or null. Beyond 64 bits it is a number, not an integer.</summary>
    private static string? Integer(string text)
    {
        if (text.StartsWith("0x", StringComparison.Ordinal))
        {
            return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex)
                ? hex.ToString(CultureInfo.InvariantCulture) : null;
        }
        if (text.StartsWith("0o", StringComparison.Ordinal)) return Octal(text.AsSpan(2));
        var digits = text[0] is '-' or '+' ? text.AsSpan(1) : text;
        if (digits.Length == 0 || digits.ContainsAnyExceptInRange('0', '9')) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value.ToString(CultureInfo.InvariantCulture) : null;
    }

    private static string? Octal(ReadOnlySpan<char> digits)
    {
        if (digits.Length is 0 or > 20 || digits.ContainsAnyExceptInRange('0', '7')) return null;
        var value = 0L;
        foreach (var digit in digits) value = checked((value << 3) + (digit - '0'));
        return value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Shortest text that reads back to the same double; null when it is not finite or no number.</summary>
    private static string? Number(string text)
    {
        if (!IsNumberText(text)) return null;
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(text, Style, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture) : null;
    }

    /// <summary><c>[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?</c></summary>
    private static bool IsNumberText(ReadOnlySpan<char> text)
    {
        if (text[0] is '-' or '+') text = text[1..];
        var exponent = text.IndexOfAny('e', 'E');
        var mantissa = exponent < 0 ? text : text[..exponent];
        if (exponent >= 0)
        {
            var power = text[(exponent + 1)..];
            if (power.Length > 0 && power[0] is '-' or '+') power = power[1..];
            if (power.Length == 0 || power.ContainsAnyExceptInRange('0', '9')) return false;
        }
        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var part = point < 0 ? default : mantissa[(point + 1)..];
        return whole.Length + part.Length > 0 && !whole.ContainsAnyExceptInRange('0', '9') && !part.ContainsAnyExceptInRange('0', '9')
            && (whole.Length > 0 || part.Length > 0);
    }
}
