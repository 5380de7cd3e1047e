using System.Numerics;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>What Python takes for a key of a map: everything that can not change.</summary>
internal static class Hashing
{
    // Tuples in tuples; the comparer walks them without a render to ask for room on the stack.
    private const int Deepest = 50;

    internal static IEqualityComparer<JinjaValue> Equality { get; } = new ByContent();

    /// <summary>Fails if <paramref name="key"/> can be no key.</summary>
    internal static void Check(RenderState r, JinjaValue key)
    {
        if (FindUnhashable(r, key, 0) is { IsAbsent: false } culprit) throw r.Fail($"unhashable type: '{ValueText.TypeName(culprit)}'");
    }

    internal static bool CanBeKey(RenderState r, JinjaValue key) => FindUnhashable(r, key, 0).IsAbsent;

    internal static int Of(JinjaValue value) => value.Ref switch
    {
        string text => string.GetHashCode(text),
        BigValue or Tag => OfNumber(value),
        ListValue { Shape: ListShape.Tuple or ListShape.Range } list => OfItems(list),
        // Content of lists and maps is not hashed: equal ones land together all the same, by kind and size.
        ListValue list => HashCode.Combine(JinjaKind.List, list.Items.Length),
        MapValue map => HashCode.Combine(JinjaKind.Map, map.Count),
        null or UndefinedValue => 0,
        var other => other.GetHashCode(),
    };

    // Absent if there is nothing in the key that can change.
    private static JinjaValue FindUnhashable(RenderState r, JinjaValue key, int depth)
    {
        r.Charge();
        if (key.Ref is UndefinedValue { IsStrict: true } or null) throw r.FailUndefined(key);
        if (key.Ref is MapValue or NamespaceValue or ListValue { Shape: not (ListShape.Tuple or ListShape.Range) }) return key;
        if (key.Ref is string text) r.ChargeText(text.Length);
        if (key.Ref is not ListValue list) return default;
        if (depth == Deepest) throw r.Fail($"a key is a tuple that nests deeper than {Deepest} levels");
        foreach (var item in list.Items)
        {
            if (FindUnhashable(r, item, depth + 1) is { IsAbsent: false } culprit) return culprit;
        }
        return default;
    }

    // All bits count, so that no template can make many keys of one hash; equal numbers have one, whatever their types.
    private static int OfNumber(JinjaValue value)
    {
        var number = value.AsDouble;
        var isExact = value.IsFloat || Math.Abs(number) < 1e15 || (double.IsFinite(number) && new BigInteger(number) == value.AsBig);
        if (!isExact) return value.AsBig.GetHashCode();
        // The sum has no negative zero.
        var bits = BitConverter.DoubleToUInt64Bits(number + 0.0);
        return HashCode.Combine((uint)bits, (uint)(bits >> 32));
    }

    private static int OfItems(ListValue list)
    {
        var hash = new HashCode();
        foreach (var item in list.Items) hash.Add(Of(item));
        return hash.ToHashCode();
    }

    private sealed class ByContent : IEqualityComparer<JinjaValue>
    {
        public bool Equals(JinjaValue x, JinjaValue y)
        {
            if (x.Ref is string a && y.Ref is string b) return a == b;
            if (x.IsNumber && y.IsNumber) return Comparison.NumbersEqual(x, y);
            if (x.Ref is UndefinedValue && y.Ref is UndefinedValue) return true;
            if (x.Ref is not ListValue p || y.Ref is not ListValue q) return ReferenceEquals(x.Ref, y.Ref);
            if (p.Shape != q.Shape || p.Items.Length != q.Items.Length) return false;
            for (var i = 0; i < p.Items.Length; i++)
            {
                if (!Equals(p.Items[i], q.Items[i])) return false;
            }
            return true;
        }

        public int GetHashCode(JinjaValue value) => Of(value);
    }
}
