using System.Globalization;
using System.Numerics;
using System.Text;
using Capillary.Jinja.Formats;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters that make numbers.</summary>
internal static class NumberFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("int", ["default", "base"]), ToInteger),
        new(new("float", ["default"]), ToFloat),
        new(new("abs", []), Abs),
        new(new("round", ["precision", "method"]), Round),
        new(new("sum", ["attribute", "start"]), Sum),
        new(new("filesizeformat", ["binary"]), FileSize),
    ];

    private static JinjaValue ToInteger(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined) throw r.FailUndefined(self);
        if (self.IsIntegral) return self.Bits;
        if (self.IsBig) return self;
        var text = self.Ref is string raw ? Digits(raw) : null;
        if (text is not null && TryInteger(text, Arg.Integer(r, args[1], "the base", 10), out var parsed)) return parsed;
        // "42.9" is no integer, but a float that can be cut off.
        var number = self.AsDouble;
        if (!self.IsFloat && !TryFloat(text, out number)) return args[0].Or(0L);
        return double.IsNaN(number) ? args[0].Or(0L) : Whole(r, number);
    }

    // Without blanks around it, and the digits of all scripts as 0 to 9.
    private static string Digits(string text)
    {
        text = text.Trim();
        if (Ascii.IsValid(text)) return text;
        return string.Create(text.Length, text, static (digits, text) =>
        {
            for (var i = 0; i < digits.Length; i++)
                digits[i] = CharUnicodeInfo.GetDecimalDigitValue(text[i]) is >= 0 and var digit ? (char)('0' + digit) : text[i];
        });
    }

    private static bool TryInteger(string text, long radix, out JinjaValue value)
    {
        value = default;
        if (radix is not (0 or (>= 2 and <= 36))) return false;
        var sign = text.StartsWith('-') ? "-" : "";
        var digits = text.TrimStart('+', '-');
        if (text.Length - digits.Length > 1) return false;
        var prefix = digits.Length > 2 ? digits[..2].ToLowerInvariant() : "";
        var named = prefix switch { "0x" => 16, "0o" => 8, "0b" => 2, _ => 0 };
        if (named != 0 && (radix == 0 || radix == named)) return IntegerText.TryParse(sign + digits[2..], named, out value);
        return IntegerText.TryParse(sign + digits, radix == 0 ? 10 : (int)radix, out value);
    }

    private static bool TryFloat(string? text, out double value)
    {
        value = 0;
        text = text is null ? null : Joined(text);
        if (text is null) return false;
        var bare = text.TrimStart('+', '-').ToLowerInvariant();
        if (text.Length - bare.Length > 1) bare = "";
        if (bare is "inf" or "infinity" or "nan")
        {
            value = bare == "nan" ? double.NaN : text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return bare.Length > 0 && (char.IsAsciiDigit(bare[^1]) || bare[^1] == '.')
            && double.TryParse(text, Style, CultureInfo.InvariantCulture, out value);
    }

    // Without the underscores that stand between digits; null if others do.
    private static string? Joined(string text)
    {
        for (var at = text.IndexOf('_'); at >= 0; at = text.IndexOf('_', at + 1))
        {
            if (at == 0 || at == text.Length - 1 || !char.IsAsciiDigit(text[at - 1]) || !char.IsAsciiDigit(text[at + 1])) return null;
        }
        return text.Replace("_", "");
    }

    private static JinjaValue ToFloat(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined) throw r.FailUndefined(self);
        if (self.IsNumber) return Arithmetic.Float(r, self);
        return self.Ref is string text && TryFloat(Digits(text), out var value) ? value : args[0].Or(0.0);
    }

    private static JinjaValue Abs(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsFloat) return Math.Abs(self.AsDouble);
        if (self.IsAnyInteger) return self.AsBig.Sign < 0 ? Arithmetic.Negate(r, self) : Arithmetic.Plus(r, self);
        throw self.IsUndefined ? r.FailUndefined(self) : r.Fail($"bad operand type for abs(): '{ValueText.TypeName(self)}'");
    }

    private static JinjaValue Round(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var precision = (int)Math.Clamp(Arg.Integer(r, args[0], "the precision", 0), -5000, 5000);
        var method = Arg.Text(r, args[1], "the method", "common");
        if (!self.IsNumber)
            throw self.IsUndefined ? r.FailUndefined(self) : r.Fail($"type {ValueText.TypeName(self)} can not be rounded");
        // All digits that a double has are made first.
        r.Charge(32 + Math.Abs(precision) / 16);
        if (method == "common") return self.IsFloat ? RoundFloat(r, self.AsDouble, precision) : RoundInteger(r, self.AsBig, precision);
        if (method is not ("ceil" or "floor")) throw r.Fail("method must be common, ceil or floor");
        // As Jinja2: scaled, cut to an integer, and scaled back.
        JinjaValue scale = precision >= 0 ? BigValue.Of(r, BigInteger.Pow(10, precision)) : Math.Pow(10, precision);
        var scaled = Arithmetic.Multiply(r, self, scale);
        if (scaled.IsFloat) scaled = Whole(r, method == "ceil" ? Math.Ceiling(scaled.AsDouble) : Math.Floor(scaled.AsDouble));
        return Arithmetic.Divide(r, scaled, scale);
    }

    private static JinjaValue Whole(RenderState r, double value) => double.IsFinite(value)
        ? BigValue.Of(r, new BigInteger(value))
        : throw r.Fail("infinity and NaN are no integers");

    private static double RoundFloat(RenderState r, double value, int precision)
    {
        var rounded = FloatDigits.Rounded(value, precision);
        return double.IsInfinity(rounded) && double.IsFinite(value) ? throw r.Fail("rounded value too large to represent") : rounded;
    }

    private static JinjaValue RoundInteger(RenderState r, BigInteger value, int precision)
    {
        if (precision >= 0) return BigValue.Of(r, value);
        var unit = BigInteger.Pow(10, -precision);
        var rest = ((value % unit) + unit) % unit;
        var lower = value - rest;
        var up = rest * 2 > unit || (rest * 2 == unit && !(lower / unit).IsEven);
        return BigValue.Of(r, up ? lower + unit : lower);
    }

    private static JinjaValue FileSize(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined) throw r.FailUndefined(self);
        var bytes = self.IsNumber ? Arithmetic.Float(r, self)
            : self.Ref is string text && TryFloat(Digits(text), out var parsed) ? parsed : throw r.Fail("this is no size");
        var binary = Arg.Flag(r, args[0]);
        if (bytes == 1) return "1 Byte";
        double scale = binary ? 1024 : 1000;
        if (bytes < scale) return $"{r.Text(Whole(r, bytes))} Bytes";
        var (unit, at) = (scale * scale, 0);
        for (; at < "kMGTPEZY".Length - 1 && !(bytes < unit); at++) unit *= scale;
        var prefix = binary ? char.ToUpperInvariant("kMGTPEZY"[at]) + "iB" : "kMGTPEZY"[at] + "B";
        return $"{FloatDigits.Write(scale * bytes / unit, 'f', 1, alternate: false)} {prefix}";
    }

    private static JinjaValue Sum(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var total = args[1].Or(0L);
        if (total.Ref is string) throw r.Fail("sum() can't sum strings; use join");
        var attribute = args[0].IsAbsent || args[0].IsNone ? null : ItemPath.Of(r, args[0]);
        foreach (var item in Sequences.Items(r, self))
        {
            r.Charge();
            total = Arithmetic.Add(r, total, attribute is null ? item : attribute.Read(r, item));
        }
        return total;
    }
}
