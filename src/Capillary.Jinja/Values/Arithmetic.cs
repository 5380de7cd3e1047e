using System.Numerics;
using Capillary.Jinja.Formats;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>
/// Python's operators on numbers, strings and lists. Integers go on beyond 64 bits, up to 4,300 digits.
/// </summary>
internal static class Arithmetic
{
    internal static JinjaValue Add(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.IsIntegral && b.IsIntegral)
        {
            var sum = unchecked(a.Bits + b.Bits);
            return ((a.Bits ^ sum) & (b.Bits ^ sum)) < 0 ? BigValue.Of(r, a.AsBig + b.AsBig) : JinjaValue.From(sum);
        }
        if (a.IsAnyInteger && b.IsAnyInteger) return BigValue.Of(r, a.AsBig + b.AsBig);
        if (a.IsNumber && b.IsNumber) return Float(r, a) + Float(r, b);
        if (a.Ref is string && b.Ref is string) return JoinText(r, a, b);
        if (a.Ref is ListValue p && b.Ref is ListValue q && p.Shape == q.Shape && p.Shape is ListShape.List or ListShape.Tuple)
        {
            var items = JoinLists(r, ((ListValue)a.Ref).Items, ((ListValue)b.Ref!).Items);
            return new JinjaValue(new ListValue(items, ((ListValue)a.Ref).Shape));
        }
        throw Unsupported(r, "+", a, b);
    }

    internal static JinjaValue Subtract(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.IsIntegral && b.IsIntegral)
        {
            var difference = unchecked(a.Bits - b.Bits);
            return ((a.Bits ^ b.Bits) & (a.Bits ^ difference)) < 0 ? BigValue.Of(r, a.AsBig - b.AsBig) : JinjaValue.From(difference);
        }
        if (a.IsAnyInteger && b.IsAnyInteger) return BigValue.Of(r, a.AsBig - b.AsBig);
        return a.IsNumber && b.IsNumber ? Float(r, a) - Float(r, b) : throw Unsupported(r, "-", a, b);
    }

    internal static JinjaValue Multiply(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.IsAnyInteger && b.IsAnyInteger) return Product(r, a, b);
        if (a.IsNumber && b.IsNumber) return Float(r, a) * Float(r, b);
        if (b.IsIntegral && a.Ref is (string or ListValue)) return Repeat(r, a, b.Bits);
        if (a.IsIntegral && b.Ref is (string or ListValue)) return Repeat(r, b, a.Bits);
        throw Unsupported(r, "*", a, b);
    }

    internal static JinjaValue Divide(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (!a.IsNumber || !b.IsNumber) throw Unsupported(r, "/", a, b);
        if (b.AsDouble == 0) throw r.Fail("division by zero");
        if (a.IsFloat || b.IsFloat) return Float(r, a) / Float(r, b);
        if (IsExact(a) && IsExact(b)) return a.AsDouble / b.AsDouble;
        var quotient = Divide(a.AsBig, b.AsBig);
        return double.IsFinite(quotient) ? quotient : throw r.Fail("integer division result too large for a float");
    }

    internal static JinjaValue FloorDivide(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (!a.IsNumber || !b.IsNumber) throw Unsupported(r, "//", a, b);
        if (b.AsDouble == 0) throw r.Fail("integer division or modulo by zero");
        if (a.IsFloat || b.IsFloat) return FloorDivide(Float(r, a), Float(r, b)).Quotient;
        if (a.IsBig || b.IsBig) return BigValue.Of(r, FloorDivide(r, a.AsBig, b.AsBig).Quotient);
        if (b.Bits == -1) return Negate(r, a);
        var quotient = a.Bits / b.Bits;
        return a.Bits % b.Bits != 0 && (a.Bits < 0) != (b.Bits < 0) ? quotient - 1 : quotient;
    }

    internal static JinjaValue Modulo(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.Ref is string) return PrintfFormat.Apply(r, a, b);
        if (!a.IsNumber || !b.IsNumber) throw Unsupported(r, "%", a, b);
        if (b.AsDouble == 0) throw r.Fail("integer division or modulo by zero");
        if (a.IsFloat || b.IsFloat) return FloorDivide(Float(r, a), Float(r, b)).Remainder;
        if (a.IsBig || b.IsBig) return BigValue.Of(r, FloorDivide(r, a.AsBig, b.AsBig).Remainder);
        if (b.Bits == -1) return 0L;
        var rest = a.Bits % b.Bits;
        return rest != 0 && (rest < 0) != (b.Bits < 0) ? rest + b.Bits : rest;
    }

    internal static JinjaValue Power(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (!a.IsNumber || !b.IsNumber) throw Unsupported(r, "** or pow()", a, b);
        if (a.AsDouble == 0 && b.AsDouble < 0) throw r.Fail("0.0 cannot be raised to a negative power");
        if (a.IsFloat || b.IsFloat || b.AsDouble < 0) return FloatPower(r, Float(r, a), Float(r, b));
        if (b.IsBig && !(a.IsIntegral && a.Bits is >= -1 and <= 1)) throw r.Limit("an integer has more than 4300 digits");
        if (a.IsIntegral && a.Bits is 0 or 1) return b.AsBig.IsZero ? 1L : a.Bits;
        if (a.IsIntegral && a.Bits == -1) return b.AsBig.IsEven ? 1L : -1L;
        BigValue.Guard(r, (long)Math.Min(int.MaxValue, (BigInteger.Abs(a.AsBig).GetBitLength() - 1) * (double)b.Bits));
        return BigValue.Of(r, BigInteger.Pow(a.AsBig, (int)b.Bits));
    }

    internal static JinjaValue Negate(RenderState r, JinjaValue a)
    {
        if (a.IsFloat) return -a.AsDouble;
        if (a.IsIntegral && a.Bits != long.MinValue) return -a.Bits;
        if (a.IsAnyInteger) return BigValue.Of(r, -a.AsBig);
        throw a.IsUndefined ? r.FailUndefined(a) : r.Fail($"bad operand type for unary -: '{ValueText.TypeName(a)}'");
    }

    internal static JinjaValue Plus(RenderState r, JinjaValue a)
    {
        if (a.IsFloat || a.IsBig) return a;
        if (a.IsIntegral) return a.Bits;
        throw a.IsUndefined ? r.FailUndefined(a) : r.Fail($"bad operand type for unary +: '{ValueText.TypeName(a)}'");
    }

    /// <summary>The number as a double; an error if it is too large for one.</summary>
    internal static double Float(RenderState r, JinjaValue number)
    {
        var value = number.AsDouble;
        return number.IsBig && double.IsInfinity(value) ? throw r.Fail("int too large to convert to float") : value;
    }

    internal static JinjaValue[] JoinLists(RenderState r, JinjaValue[] a, JinjaValue[] b)
    {
        r.Charge((long)a.Length + b.Length);
        return [.. a, .. b];
    }

    internal static string Join(RenderState r, string a, string b)
    {
        if ((long)a.Length + b.Length > r.MaxChars) throw TooLong(r);
        r.ChargeText(a.Length + b.Length);
        return string.Concat(a, b);
    }

    internal static JinjaException TooLong(RenderState r) => r.Limit($"a string is longer than {r.MaxChars} characters");

    // Of a safe and a plain string, the plain one is escaped.
    private static JinjaValue JoinText(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.IsMarkup != b.IsMarkup) (a, b) = (Markup.Escape(r, a), Markup.Escape(r, b));
        return RenderState.AsSafeAs(a, Join(r, (string)a.Ref!, (string)b.Ref!));
    }

    private static JinjaValue Product(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.IsIntegral && b.IsIntegral)
        {
            var high = Math.BigMul(a.Bits, b.Bits, out var low);
            if (high == low >> 63) return low;
        }
        BigValue.Guard(r, a.AsBig.GetBitLength() + b.AsBig.GetBitLength() - 2);
        return BigValue.Of(r, a.AsBig * b.AsBig);
    }

    private static (BigInteger Quotient, BigInteger Remainder) FloorDivide(RenderState r, BigInteger a, BigInteger b)
    {
        r.Charge(a.GetBitLength() / 16);
        var (quotient, rest) = BigInteger.DivRem(a, b);
        return rest.IsZero || rest.Sign == b.Sign ? (quotient, rest) : (quotient - 1, rest + b);
    }

    // Step by step as Python's float_divmod, for infinities too.
    private static (double Quotient, double Remainder) FloorDivide(double a, double b)
    {
        var rest = a % b;
        var quotient = (a - rest) / b;
        if (rest == 0) rest = Math.CopySign(0.0, b);
        else if ((rest < 0) != (b < 0)) (quotient, rest) = (quotient - 1, rest + b);
        if (quotient == 0) return (Math.CopySign(0.0, a / b), rest);
        var floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : floor, rest);
    }

    // The quotient is cut off at more bits than a double has, and rounded once.
    private static double Divide(BigInteger a, BigInteger b)
    {
        var shift = 66 - (int)(BigInteger.Abs(a).GetBitLength() - BigInteger.Abs(b).GetBitLength());
        if (shift > 0) a <<= shift;
        else b <<= -shift;
        var quotient = BigInteger.DivRem(a, b, out var rest);
        return Math.ScaleB(BigValue.Nearest(quotient, !rest.IsZero), -shift);
    }

    private static bool IsExact(JinjaValue integer) => integer.IsIntegral && Math.Abs(integer.AsDouble) < 1L << 53;

    private static JinjaValue FloatPower(RenderState r, double a, double b)
    {
        var result = Math.Pow(a, b);
        if (double.IsNaN(result) && !double.IsNaN(a) && !double.IsNaN(b)) throw r.Fail("complex numbers are not supported");
        return double.IsInfinity(result) && double.IsFinite(a) && double.IsFinite(b) ? throw r.Fail("the result is too large") : result;
    }

    private static JinjaValue Repeat(RenderState r, JinjaValue value, long times)
    {
        times = Math.Max(0, times);
        if (value.Ref is ListValue { Shape: not (ListShape.List or ListShape.Tuple) }) throw r.Fail("a view can not be repeated");
        if (value.Ref is string text)
        {
            if (times > 0 && text.Length > r.MaxChars / times) throw TooLong(r);
            r.ChargeText(text.Length * times);
            return times == 1 ? value : RenderState.AsSafeAs(value, string.Create((int)(text.Length * times), text, static (span, part) =>
            {
                for (var i = 0; i < span.Length; i += part.Length) part.CopyTo(span[i..]);
            }));
        }
        var list = (ListValue)value.Ref!;
        if (times > 0 && list.Items.Length > r.MaxSteps / times) throw r.Limit("the list is too long");
        r.Charge(list.Items.Length * times);
        var items = new JinjaValue[list.Items.Length * times];
        for (var i = 0; i < items.Length; i += list.Items.Length) list.Items.CopyTo(items, i);
        return new JinjaValue(new ListValue(items, list.IsTuple));
    }

    private static JinjaException Unsupported(RenderState r, string symbol, JinjaValue a, JinjaValue b)
    {
        if (a.IsUndefined) return r.FailUndefined(a);
        if (b.IsUndefined) return r.FailUndefined(b);
        return r.Fail($"unsupported operand type(s) for {symbol}: '{ValueText.TypeName(a)}' and '{ValueText.TypeName(b)}'");
    }
}
