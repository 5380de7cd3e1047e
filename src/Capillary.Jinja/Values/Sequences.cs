using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Iterating, measuring and cutting: what Python's sequence protocol does.</summary>
internal static class Sequences
{
    /// <summary>The items of a list, the keys of a map, the characters of a string. Not to be written to.</summary>
    internal static JinjaValue[] Items(RenderState r, JinjaValue value) =>
        TryItems(r, value) ?? throw r.Fail($"'{ValueText.TypeName(value)}' object is not iterable");

    internal static JinjaValue[]? TryItems(RenderState r, JinjaValue value)
    {
        switch (value.Ref)
        {
            case ListValue list:
                return list.Items;
            case MapValue map:
                r.Charge(map.Count);
                return map.Keys();
            case string text:
                r.Charge(text.Length);
                return CodePoints.Split(text);
            case UndefinedValue { IsStrict: false }:
                return [];
            case null or UndefinedValue:
                throw r.FailUndefined(value);
            default:
                return null;
        }
    }

    internal static int Length(RenderState r, JinjaValue value) => value.Ref switch
    {
        string text => CodePoints.Count(text),
        ListValue list => list.Count,
        MapValue map => map.Count,
        LoopValue loop => loop.Count,
        UndefinedValue { IsStrict: false } => 0,
        null or UndefinedValue => throw r.FailUndefined(value),
        _ => throw r.Fail($"object of type '{ValueText.TypeName(value)}' has no len()"),
    };

    internal static bool IsTrue(RenderState r, JinjaValue value) => value.Ref switch
    {
        string text => text.Length > 0,
        BigValue => true,
        Tag => value.IsFloat ? value.AsDouble != 0 : value.Bits != 0,
        ListValue list => list.Count > 0,
        MapValue map => map.Count > 0,
        UndefinedValue { IsStrict: false } => false,
        null or UndefinedValue => throw r.FailUndefined(value),
        _ => true,
    };

    internal static JinjaValue Slice(RenderState r, JinjaValue value, JinjaValue start, JinjaValue stop, JinjaValue step)
    {
        if (value.Ref is not (string or ListValue { Shape: ListShape.List or ListShape.Tuple or ListShape.Range }))
        {
            throw value.IsUndefined ? r.FailUndefined(value) : r.Fail($"'{ValueText.TypeName(value)}' object can not be sliced");
        }
        r.ChargeFor(value);
        var stride = Bound(r, step) ?? 1;
        if (stride == 0) throw r.Fail("slice step cannot be zero");
        var length = Length(r, value);
        var (first, last) = stride > 0 ? (0L, (long)length) : (length - 1L, -1L);
        var from = Clamp(Bound(r, start), first, length, stride);
        var to = Clamp(Bound(r, stop), last, length, stride);
        if (value.Ref is ListValue list) return Pick(r, list, from, to, stride);
        return RenderState.AsSafeAs(value, Cut(r, (string)value.Ref, from, to, stride));
    }

    private static long? Bound(RenderState r, JinjaValue bound)
    {
        if (bound.IsAbsent || bound.IsNone) return null;
        if (bound.IsUndefined) throw r.FailUndefined(bound);
        if (bound.IsBig) return bound.AsBig.Sign < 0 ? -long.MaxValue : long.MaxValue;
        return bound.IsIntegral ? Math.Max(bound.Bits, -long.MaxValue) : throw r.Fail("slice indices must be integers or None");
    }

    private static long Clamp(long? bound, long missing, int length, long stride)
    {
        if (bound is not { } at) return missing;
        if (at < 0) at += length;
        return stride > 0 ? Math.Clamp(at, 0, length) : Math.Clamp(at, -1, length - 1);
    }

    private static string Cut(RenderState r, string text, long from, long to, long stride)
    {
        if (stride == 1 && CodePoints.IsPlain(text)) return from >= to ? "" : text[(int)from..(int)to];
        var characters = new ListValue(Items(r, text), false);
        var picked = (ListValue)Pick(r, characters, from, to, stride).Ref!;
        return CodePoints.Join(picked.Items);
    }

    private static JinjaValue Pick(RenderState r, ListValue list, long from, long to, long stride)
    {
        if (list.Shape == ListShape.Range)
        {
            var (start, _, step) = list.Bounds!;
            return Globals.Range(r, new RangeBounds(start + from * step, start + to * step, step * stride));
        }
        var (distance, size) = stride > 0 ? (to - from, stride) : (from - to, -stride);
        var picked = new JinjaValue[distance <= 0 ? 0 : (distance - 1) / size + 1];
        r.Charge(picked.Length);
        for (var i = 0; i < picked.Length; i++) picked[i] = list.Items[from + i * stride];
        return new JinjaValue(new ListValue(picked, list.IsTuple));
    }
}
