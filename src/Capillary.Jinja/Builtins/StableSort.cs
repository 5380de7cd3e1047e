using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>A merge sort: stable as Python's, and errors of a comparison come out as they are (the framework's sorts wrap them).</summary>
internal static class StableSort
{
    internal static JinjaValue[] By(RenderState r, JinjaValue[] items, JinjaValue[] keys, bool reverse) =>
        Array.ConvertAll(Order(r, keys, reverse), i => items[i]);

    /// <summary>The places of the keys, in order.</summary>
    internal static int[] Order(RenderState r, JinjaValue[] keys, bool reverse)
    {
        var order = new int[keys.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        var spare = new int[keys.Length];
        for (long width = 1; width < order.Length; width *= 2)
        {
            for (long from = 0; from < order.Length; from += 2 * width)
            {
                var middle = (int)Math.Min(from + width, order.Length);
                Merge(r, order, spare, (int)from, middle, (int)Math.Min(from + 2 * width, order.Length), keys, reverse);
            }
            (order, spare) = (spare, order);
        }
        return order;
    }

    private static void Merge(RenderState r, int[] source, int[] into, int from, int middle, int to, JinjaValue[] keys, bool reverse)
    {
        var (left, right) = (from, middle);
        for (var next = from; next < to; next++)
        {
            r.Charge();
            var takeLeft = right >= to || (left < middle && InOrder(r, keys[source[left]], keys[source[right]], reverse));
            into[next] = takeLeft ? source[left++] : source[right++];
        }
    }

    // Equal keys keep their order, in reverse too.
    private static bool InOrder(RenderState r, JinjaValue left, JinjaValue right, bool reverse)
    {
        // Equal ones need no order: None beside None is sorted.
        if (left.Ref is not string && !left.IsNumber && Comparison.AreEqual(r, left, right)) return true;
        var order = Comparison.Order(r, left, right);
        return reverse ? order >= 0 : order <= 0;
    }
}
