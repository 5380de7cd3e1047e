using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Python's equality and order.</summary>
internal static class Comparison
{
    internal static bool AreEqual(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (a.Ref is string x && b.Ref is string y)
        {
            if (x.Length != y.Length) return false;
            r.ChargeText(x.Length);
            return string.Equals(x, y);
        }
        if (a.IsNumber && b.IsNumber) return NumbersEqual(a, b);
        if (a.IsUndefined || b.IsUndefined) return UndefinedEqual(r, a, b);
        return (a.Ref, b.Ref) switch
        {
            (ListValue p, ListValue q) => p.Shape == q.Shape && (ReferenceEquals(p, q) || ListsEqual(r, p.Items, q.Items)),
            (MapValue p, MapValue q) => MapsEqual(r, p, q),
            _ => ReferenceEquals(a.Ref, b.Ref) && !a.IsNumber,
        };
    }

    /// <summary>Less than zero, zero, more than zero; an error if Python does not order the two.</summary>
    internal static int Order(RenderState r, JinjaValue a, JinjaValue b, string symbol = "<")
    {
        if (a.Ref is string x && b.Ref is string y) return OrderText(r, x, y);
        if (a.IsIntegral && b.IsIntegral) return a.Bits.CompareTo(b.Bits);
        if (a.IsNumber && b.IsNumber) return OrderNumbers(a, b);
        if (a.Ref is ListValue p && b.Ref is ListValue q && p.Shape == q.Shape && p.Shape is ListShape.List or ListShape.Tuple)
            return OrderLists(r, ((ListValue)a.Ref).Items, ((ListValue)b.Ref!).Items, symbol);
        if (a.IsUndefined) throw r.FailUndefined(a);
        if (b.IsUndefined) throw r.FailUndefined(b);
        throw r.Fail($"'{symbol}' not supported between instances of '{ValueText.TypeName(a)}' and '{ValueText.TypeName(b)}'");
    }

    /// <summary>NaN is neither less, equal nor greater, so order alone does not answer these.</summary>
    internal static bool IsNaN(JinjaValue value) => value.IsFloat && double.IsNaN(value.AsDouble);

    internal static bool Contains(RenderState r, JinjaValue container, JinjaValue item)
    {
        switch (container.Ref)
        {
            case string text:
                if (item.Ref is string part)
                {
                    r.ChargeSearch(text, part);
                    return text.Contains(part, StringComparison.Ordinal);
                }
                if (item.IsUndefined) throw r.FailUndefined(item);
                throw r.Fail($"'in <string>' requires string as left operand, not {ValueText.TypeName(item)}");
            case ListValue list:
                r.Charge(list.Items.Length / 8);
                foreach (var candidate in list.Items)
                {
                    if (AreSame(candidate, item) || AreEqual(r, candidate, item)) return true;
                }
                return false;
            case MapValue map:
                Hashing.Check(r, item);
                return map.TryGet(item, out _);
            case UndefinedValue { IsStrict: false }:
                return false;
        }
        if (container.IsUndefined) throw r.FailUndefined(container);
        throw r.Fail($"argument of type '{ValueText.TypeName(container)}' is not iterable");
    }

    /// <summary>Python's <c>is</c>.</summary>
    internal static bool AreSame(JinjaValue a, JinjaValue b) =>
        ReferenceEquals(a.Ref, b.Ref) && a.Bits == b.Bits && a.Ref is not null;

    // UTF-16 order differs from code point order only where a surrogate meets U+E000..U+FFFF.
    private static int OrderText(RenderState r, string a, string b)
    {
        var shared = Math.Min(a.Length, b.Length);
        var at = a.AsSpan(0, shared).CommonPrefixLength(b);
        r.ChargeText(at);
        if (at == shared) return a.Length.CompareTo(b.Length);
        var (x, y) = (a[at], b[at]);
        if (char.IsSurrogate(x) != char.IsSurrogate(y)) return char.IsSurrogate(x) ? (y >= 0xe000 ? 1 : x - y) : x >= 0xe000 ? -1 : x - y;
        return x - y;
    }

    internal static bool NumbersEqual(JinjaValue a, JinjaValue b) =>
        a.IsIntegral && b.IsIntegral ? a.Bits == b.Bits : a.IsFloat && b.IsFloat ? a.AsDouble == b.AsDouble : OrderNumbers(a, b) == 0;

    // Exact, also where an integer has more digits than a double.
    private static int OrderNumbers(JinjaValue a, JinjaValue b)
    {
        if (a.IsFloat == b.IsFloat) return a.IsFloat ? a.AsDouble.CompareTo(b.AsDouble) : a.AsBig.CompareTo(b.AsBig);
        var number = a.IsFloat ? a.AsDouble : b.AsDouble;
        if (!double.IsFinite(number) || Math.Abs(number) < 1e15) return a.AsDouble.CompareTo(b.AsDouble);
        var whole = new System.Numerics.BigInteger(number);
        return a.IsFloat ? whole.CompareTo(b.AsBig) : a.AsBig.CompareTo(whole);
    }

    private static bool UndefinedEqual(RenderState r, JinjaValue a, JinjaValue b)
    {
        if (r.IsDetached) return a.IsUndefined && b.IsUndefined;
        if (a.Ref is UndefinedValue { IsStrict: true } or null) throw r.FailUndefined(a);
        if (b.Ref is UndefinedValue { IsStrict: true } or null) throw r.FailUndefined(b);
        return a.IsUndefined && b.IsUndefined;
    }

    private static bool ListsEqual(RenderState r, JinjaValue[] a, JinjaValue[] b)
    {
        if (a.Length != b.Length) return false;
        r.EnsureStack();
        r.Charge(a.Length);
        for (var i = 0; i < a.Length; i++)
        {
            if (!AreEqual(r, a[i], b[i])) return false;
        }
        return true;
    }

    private static bool MapsEqual(RenderState r, MapValue a, MapValue b)
    {
        if (a.Count != b.Count) return false;
        r.EnsureStack();
        a.ChargeKeys(r);
        foreach (var (key, value) in a.Entries)
        {
            if (!b.TryGet(key, out var other) || value.IsAbsent || !AreEqual(r, value, other)) return false;
        }
        return true;
    }

    private static int OrderLists(RenderState r, JinjaValue[] a, JinjaValue[] b, string symbol)
    {
        r.EnsureStack();
        r.Charge(Math.Min(a.Length, b.Length));
        for (var i = 0; i < a.Length && i < b.Length; i++)
        {
            if (!AreEqual(r, a[i], b[i])) return Order(r, a[i], b[i], symbol);
        }
        return a.Length.CompareTo(b.Length);
    }
}
