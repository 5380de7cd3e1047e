using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Methods of maps.</summary>
internal static class MapMethods
{
    internal static readonly Builtin[] All =
    [
        new(new("items", []), static (r, self, _) => View(r, Map(self).Pairs(), ListShape.Pairs)),
        new(new("keys", []), static (r, self, _) => View(r, Map(self).Keys(), ListShape.Keys)),
        new(new("values", []), static (r, self, _) => View(r, Map(self).Values(), ListShape.Values)),
        new(new("get", ["key", "default"], required: 1), static (r, self, args) =>
            Find(r, self, args[0], out var value) ? value : args[1].Or(JinjaValue.None)),
        new(new("copy", []), static (r, self, _) => new(Copy(r, self))),
        new(new("pop", ["key", "default"], required: 1), Pop),
        new(new("popitem", []), PopItem),
        new(new("setdefault", ["key", "default"], required: 1), SetDefault),
        new(new("update", ["other"], anyNamed: true), Update),
        new(new("clear", []), static (r, self, _) =>
        {
            Own(r, self).Clear();
            return JinjaValue.None;
        }),
    ];

    private static MapValue Map(JinjaValue self) => (MapValue)self.Ref!;

    private static MapValue Own(RenderState r, JinjaValue self)
    {
        if (Map(self).IsFrozen) throw r.Fail("this map came from outside of the template and can not be changed");
        r.Charge();
        return Map(self);
    }

    private static bool Find(RenderState r, JinjaValue self, JinjaValue key, out JinjaValue value)
    {
        Hashing.Check(r, key);
        return Map(self).TryGet(key, out value);
    }

    private static JinjaValue View(RenderState r, JinjaValue[] items, ListShape shape)
    {
        r.Charge(items.Length);
        return new JinjaValue(new ListValue(items, shape) { IsFrozen = true });
    }

    private static MapValue Copy(RenderState r, JinjaValue self)
    {
        var copy = new MapValue();
        Globals.AddAll(r, copy, self);
        return copy;
    }

    private static JinjaValue Pop(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var map = Own(r, self);
        if (!Find(r, self, args[0], out var value))
            return args[1].IsAbsent ? throw r.Fail($"the map has no key {r.Text(args[0])}") : args[1];
        map.ChargeKeys(r);
        map.Remove(args[0]);
        return value;
    }

    private static JinjaValue PopItem(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var map = Own(r, self);
        if (map.Count == 0) throw r.Fail("the map is empty");
        map.ChargeKeys(r);
        var last = map.Pairs()[^1];
        map.Remove(((ListValue)last.Ref!).Items[0]);
        return last;
    }

    private static JinjaValue SetDefault(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (Find(r, self, args[0], out var value)) return value;
        value = args[1].Or(JinjaValue.None);
        Own(r, self).Set(args[0], value);
        return value;
    }

    private static JinjaValue Update(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var map = Own(r, self);
        if (!args[1].IsAbsent) Globals.AddAll(r, map, args[1]);
        Globals.AddAll(r, map, args[0]);
        return JinjaValue.None;
    }
}
