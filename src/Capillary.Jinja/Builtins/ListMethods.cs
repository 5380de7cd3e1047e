using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Methods of lists, and of other sequences those that change nothing.</summary>
internal static class ListMethods
{
    internal static readonly Builtin[] OfAnySequence =
    [
        new(new("count", ["value"], required: 1), static (r, self, args) => Count(r, self, args[0])),
        new(new("index", ["value"], required: 1), static (r, self, args) => (long)IndexOf(r, self, args[0])),
    ];

    internal static readonly Builtin[] All =
    [
        .. OfAnySequence,
        new(new("copy", []), static (r, self, _) => Sequences.Slice(r, self, default, default, default)),
        new(new("append", ["value"], required: 1), Append),
        new(new("extend", ["items"], required: 1), static (r, self, args) =>
            Become(r, self, Arithmetic.JoinLists(r, Items(self), Sequences.Items(r, args[0])))),
        new(new("insert", ["index", "value"], required: 2), Insert),
        new(new("pop", ["index"]), Pop),
        new(new("remove", ["value"], required: 1), static (r, self, args) => Become(r, self, Without(self, IndexOf(r, self, args[0])))),
        new(new("clear", []), static (r, self, _) => Become(r, self, [])),
        new(new("reverse", []), static (r, self, _) => Become(r, self, [.. Items(self).AsEnumerable().Reverse()])),
        new(new("sort", ["reverse"], namedOnly: true), static (r, self, args) =>
            Become(r, self, StableSort.By(r, Items(self), Items(self), Arg.Flag(r, args[0])))),
    ];

    private static JinjaValue[] Items(JinjaValue self) => ((ListValue)self.Ref!).Items;

    private static ListValue Own(RenderState r, JinjaValue self)
    {
        var list = (ListValue)self.Ref!;
        return list.IsFrozen ? throw r.Fail("this list came from outside of the template and can not be changed") : list;
    }

    private static JinjaValue Become(RenderState r, JinjaValue self, JinjaValue[] items)
    {
        r.Charge(items.Length);
        Own(r, self).Become(items);
        return JinjaValue.None;
    }

    private static JinjaValue[] Without(JinjaValue self, int index) => [.. Items(self)[..index], .. Items(self)[(index + 1)..]];

    private static JinjaValue Append(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var list = Own(r, self);
        r.Charge(list.IsWhole ? 1 + list.Count / 64 : 1);
        list.Add(args[0]);
        return JinjaValue.None;
    }

    private static JinjaValue Insert(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Items(self);
        var at = Arg.Integer(r, args[0], "the index", 0);
        var index = (int)Math.Clamp(at < 0 ? at + items.Length : at, 0, items.Length);
        return Become(r, self, [.. items[..index], args[1], .. items[index..]]);
    }

    private static JinjaValue Pop(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Items(self);
        var at = Arg.Integer(r, args[0], "the index", -1);
        if (at < 0) at += items.Length;
        if (at < 0 || at >= items.Length) throw r.Fail("pop index out of range");
        Become(r, self, Without(self, (int)at));
        return items[at];
    }

    private static JinjaValue Count(RenderState r, JinjaValue self, JinjaValue wanted)
    {
        var count = 0L;
        foreach (var item in Items(self))
        {
            r.Charge();
            if (Comparison.AreEqual(r, item, wanted)) count++;
        }
        return count;
    }

    private static int IndexOf(RenderState r, JinjaValue self, JinjaValue wanted)
    {
        var items = Items(self);
        for (var i = 0; i < items.Length; i++)
        {
            r.Charge();
            if (Comparison.AreEqual(r, items[i], wanted)) return i;
        }
        throw r.Fail("the value is not in the list");
    }
}
