using System.Globalization;
using System.Numerics;
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
        var text = (self.Ref as string)?.Trim();
        if (text is not null && TryInteger(text, Arg.Integer(r, args[1], "the base", 10), out var parsed)) return parsed;
        // "42.9" is no integer, but a float that can be cut off.
        if (!self.IsFloat && (text is null || !TryFloat(text, out _))) return args[0].Or(0L);
        var number = self.IsFloat ? self.AsDouble : TryFloat(text!, out var value) ? value : 0;
        if (double.IsNaN(number)) return args[0].Or(0L);
        return double.IsFinite(number) ? BigValue.Of(r, new BigInteger(number)) : throw r.Fail("cannot convert float infinity to integer");
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

    private static bool TryFloat(string text, out double value)
    {
        var bare = text.TrimStart('+', '-').ToLowerInvariant();
        if (text.Length - bare.Length > 1) bare = "";
        if (bare is "inf" or "infinity" or "nan")
        {
            value = bare == "nan" ? double.NaN : text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        value = 0;
        return bare.Length > 0 && (char.IsAsciiDigit(bare[^1]) || bare[^1] == '.')
            && double.TryParse(text, Style, CultureInfo.InvariantCulture, out value);
    }

    private static JinjaValue ToFloat(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsUndefined) throw r.FailUndefined(self);
        if (self.IsNumber) return self.AsDouble;
        return self.Ref is string text && TryFloat(text.Trim(), out var value) ? value : args[0].Or(0.0);
    }

    private static JinjaValue Abs(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.IsFloat) return Math.Abs(self.AsDouble);
        if (self.IsAnyInteger) return self.AsBig.Sign < 0 ? Arithmetic.Negate(r, self) : Arithmetic.Plus(r, self);
        throw self.IsUndefined ? r.FailUndefined(self) : r.Fail($"bad operand type for abs(): '{ValueText.TypeName(self)}'");
    }

    private static JinjaValue Round(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var precision = (int)Math.Clamp(Arg.Integer(r, args[0], "the precision", 0), -400, 400);
        var method = Arg.Text(r, args[1], "the method", "common");
        if (!self.IsNumber)
            throw self.IsUndefined ? r.FailUndefined(self) : r.Fail($"type {ValueText.TypeName(self)} can not be rounded");
        var scale = Math.Pow(10, precision);
        return method switch
        {
            "common" when self.IsAnyInteger => RoundInteger(r, self.AsBig, precision),
            "common" => Rounding.HalfEven(self.AsDouble, precision),
            "ceil" => Math.Ceiling(self.AsDouble * scale) / scale + 0.0,
            "floor" => Math.Floor(self.AsDouble * scale) / scale + 0.0,
            _ => throw r.Fail("method must be common, ceil or floor"),
        };
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
        var bytes = self.IsNumber ? self.AsDouble
            : self.Ref is string text && TryFloat(text.Trim(), out var parsed) ? parsed : throw r.Fail("this is no size");
        var binary = Arg.Flag(r, args[0]);
        if (bytes == 1) return "1 Byte";
        double scale = binary ? 1024 : 1000;
        if (bytes < scale) return $"{new BigInteger(bytes)} Bytes";
        var (unit, at) = (scale * scale, 0);
        for (; at < "kMGTPEZY".Length - 1 && bytes >= unit; at++) unit *= scale;
        var prefix = binary ? char.ToUpperInvariant("kMGTPEZY"[at]) + "iB" : "kMGTPEZY"[at] + "B";
        return $"{FloatDigits.Write(scale * bytes / unit, 'f', 1, alternate: false)} {prefix}";
    }

    private static JinjaValue Sum(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var total = args[1].Or(0L);
        var attribute = args[0].IsAbsent || args[0].IsNone ? null : ItemPath.Of(r, args[0]);
        foreach (var item in Sequences.Items(r, self))
        {
            r.Charge();
            total = Arithmetic.Add(r, total, attribute is null ? item : attribute.Read(r, item));
        }
        return total;
    }
}
