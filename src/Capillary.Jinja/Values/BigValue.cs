using System.Numerics;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>An integer beyond 64 bits; those within are never held this way.</summary>
internal sealed class BigValue(BigInteger value) : Boxed
{
    // Python gives up on writing more than 4,300 digits; here no integer gets there.
    private const int MaxBits = 14_284;

    internal BigInteger Value => value;

    internal override JinjaKind Kind => JinjaKind.Integer;

    internal override string TypeName => "int";

    internal static JinjaValue Of(RenderState r, BigInteger value)
    {
        if (value >= long.MinValue && value <= long.MaxValue) return (long)value;
        if (value.GetBitLength() > MaxBits) throw r.Limit("an integer has more than 4300 digits");
        return new JinjaValue(new BigValue(value));
    }

    /// <summary>
    /// The nearest double, of two that are as near the even one; <paramref name="hasMore"/> says that something less than 1 was cut off.
    /// The framework's conversion looks at 64 bits only.
    /// </summary>
    internal static double Nearest(BigInteger value, bool hasMore = false)
    {
        var size = BigInteger.Abs(value);
        var shift = Math.Max(0, (int)size.GetBitLength() - 64);
        var top = size >> shift;
        if (hasMore || top << shift != size) top |= 1;
        return value.Sign * Math.ScaleB((double)(ulong)top, shift);
    }

    /// <summary>Counts work on so many bits; an error if no integer may have them.</summary>
    internal static void Guard(RenderState r, long bits)
    {
        if (bits > MaxBits) throw r.Limit("an integer has more than 4300 digits");
        r.Charge(bits / 16);
    }
}
