using System.Collections.Frozen;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>The functions that every template has.</summary>
internal static class Globals
{
    // As in Jinja2's sandbox: a longer range is an attack or a mistake.
    private const int LongestRange = 100_000;

    private static readonly FrozenDictionary<string, Callable> All = new Dictionary<string, Callable>
    {
        ["range"] = new GlobalFunction(new(new("range", ["start", "stop", "step"], required: 1), static (r, _, args) => Range(r, args))),
        ["dict"] = new GlobalFunction(new(new("dict", ["mapping"], anyNamed: true), static (r, _, args) => new(ToMap(r, args)))),
        ["namespace"] = new GlobalFunction(new(
            new("namespace", ["mapping"], anyNamed: true),
            static (r, _, args) => new(new NamespaceValue(ToMap(r, args))))),
    }.ToFrozenDictionary();

    internal static Callable? Find(string name) => All.GetValueOrDefault(name);

    private static JinjaValue Range(RenderState r, JinjaValue[] args)
    {
        var onlyStop = args[1].IsAbsent;
        var start = onlyStop ? 0 : Arg.Integer(r, args[0], "the start", 0);
        var stop = Arg.Integer(r, onlyStop ? args[0] : args[1], "the stop", 0);
        var step = Arg.Integer(r, args[2], "the step", 1);
        if (step == 0) throw r.Fail("range() arg 3 must not be zero");
        var distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        var stride = Int128.Abs(step);
        var count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
        if (count > LongestRange) throw r.Fail($"the range is longer than {LongestRange}");
        r.Charge((long)count);
        var items = new JinjaValue[(int)count];
        for (var i = 0; i < items.Length; i++) items[i] = start + i * step;
        return ListValue.Of(items);
    }

    private static MapValue ToMap(RenderState r, JinjaValue[] args)
    {
        var map = new Dictionary<string, JinjaValue>();
        if (args[1].Ref is MapValue given)
        {
            r.Charge(given.Count);
            foreach (var (key, value) in given.Entries) map[key] = value;
        }
        else if (!args[1].IsAbsent)
        {
            foreach (var pair in Sequences.Items(r, args[1])) AddPair(r, map, pair);
        }
        foreach (var (key, value) in ((MapValue)args[0].Ref!).Entries) map[key] = value;
        return new MapValue(map);
    }

    private static void AddPair(RenderState r, Dictionary<string, JinjaValue> map, JinjaValue pair)
    {
        r.Charge();
        if (Sequences.Items(r, pair) is not [var key, var value]) throw r.Fail("a map is made of pairs");
        map[Arg.Text(r, key, "a key")] = value;
    }
}
