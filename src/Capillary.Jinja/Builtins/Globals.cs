using System.Collections.Frozen;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>The functions that every template has.</summary>
internal static class Globals
{
    // As in Jinja2's sandbox: a longer range is an attack or a mistake.
    private const int LongestRange = 100_000;

    private static readonly FrozenDictionary<string, JinjaValue> All = new Builtin[]
    {
        new(new("range", ["start", "stop", "step"], required: 1), static (r, _, args) => Range(r, args)),
        new(new("dict", ["mapping"], anyNamed: true), static (r, _, args) => new(ToMap(r, args))),
        new(new("namespace", ["mapping"], anyNamed: true), static (r, _, args) => new(new NamespaceValue(ToMap(r, args)))),
        new(new("cycler", [], rest: true), static (r, _, args) =>
            args.Length == 0 ? throw r.Fail("at least one item has to be provided") : new(new CyclerValue(args))),
        new(new("joiner", ["sep"]), static (_, _, args) => new(new JoinerValue(args[0].Or(", ")))),
        new(new("lipsum", ["n", "html", "min", "max"]), Lipsum.Make),
    }.ToFrozenDictionary(b => b.Signature.Name, b => new JinjaValue(new GlobalFunction(b)));

    /// <summary>Absent if there is none.</summary>
    internal static JinjaValue Find(string name) => All.GetValueOrDefault(name);

    /// <summary>Entries of a map, or pairs, into another map.</summary>
    internal static void AddAll(RenderState r, MapValue map, JinjaValue given)
    {
        if (given.Ref is MapValue other)
        {
            other.ChargeKeys(r);
            foreach (var (key, value) in other.Entries.ToArray()) map.Set(key, value);
            return;
        }
        foreach (var pair in Sequences.Items(r, given))
        {
            r.Charge();
            if (Sequences.Items(r, pair) is not [var key, var value]) throw r.Fail("a map is made of pairs");
            Hashing.Check(r, key);
            map.Set(key, value);
        }
    }

    private static JinjaValue Range(RenderState r, JinjaValue[] args)
    {
        var onlyStop = args[1].IsAbsent;
        var start = onlyStop ? 0 : Arg.Integer(r, args[0], "the start", 0);
        var stop = Arg.Integer(r, onlyStop ? args[0] : args[1], "the stop", 0);
        var step = Arg.Integer(r, args[2], "the step", 1);
        if (step == 0) throw r.Fail("range() arg 3 must not be zero");
        return Range(r, new RangeBounds(start, stop, step));
    }

    internal static JinjaValue Range(RenderState r, RangeBounds bounds)
    {
        var (start, stop, step) = bounds;
        var distance = step > 0 ? stop - start : start - stop;
        var stride = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
        if (count > LongestRange) throw r.Limit($"the range is longer than {LongestRange}");
        r.Charge((long)count);
        var items = new JinjaValue[(int)count];
        for (var i = 0; i < items.Length; i++) items[i] = (long)(start + i * step);
        return new JinjaValue(new ListValue(items, ListShape.Range) { Bounds = bounds, IsFrozen = true });
    }

    private static MapValue ToMap(RenderState r, JinjaValue[] args)
    {
        var map = new MapValue();
        if (!args[1].IsAbsent) AddAll(r, map, args[1]);
        AddAll(r, map, args[0]);
        return map;
    }
}
