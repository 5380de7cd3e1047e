using System.Collections.Frozen;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>The methods that templates may call on values: those of Python that change nothing.</summary>
internal static class Methods
{
    private static readonly FrozenSet<string> Missing = FrozenSet.ToFrozenSet(
    [
        "append", "casefold", "clear", "encode", "expandtabs", "extend", "format", "format_map", "fromkeys", "insert", "isdecimal",
        "isidentifier", "isnumeric", "isprintable", "istitle", "maketrans", "partition", "pop", "popitem", "remove", "reverse",
        "rpartition", "setdefault", "sort", "swapcase", "translate", "update",
    ]);

    private static readonly FrozenDictionary<string, Builtin> Maps = Index(
    [
        new(new("items", []), static (r, self, _) => Counted(r, Map(self).Pairs())),
        new(new("keys", []), static (r, self, _) => Counted(r, Map(self).Keys())),
        new(new("values", []), static (r, self, _) => Counted(r, Map(self).Values())),
        new(new("get", ["key", "default"], required: 1), static (r, self, args) =>
            args[0].IsUndefined ? throw r.FailUndefined(args[0])
            : args[0].Ref is string key && Map(self).TryGet(key, out var value) ? value : args[1].Or(JinjaValue.None)),
        new(new("copy", []), static (_, self, _) => self),
    ]);

    private static readonly FrozenDictionary<string, Builtin> Lists = Index(
    [
        new(new("count", ["value"], required: 1), static (r, self, args) => Count(r, self, args[0])),
        new(new("index", ["value"], required: 1), static (r, self, args) => IndexOf(r, self, args[0])),
        new(new("copy", []), static (_, self, _) => self),
    ]);

    private static readonly FrozenDictionary<string, Builtin> OfStrings = Index(StringMethods.All);

    internal static Builtin? OfMap(string name) => Maps.GetValueOrDefault(name);

    internal static Builtin? OfList(string name) => Lists.GetValueOrDefault(name);

    internal static Builtin? OfString(string name) => OfStrings.GetValueOrDefault(name);

    /// <summary>Python has it, this library not, or not yet.</summary>
    internal static bool IsKnownButMissing(JinjaValue self, string name) =>
        self.Ref is string or ListValue or MapValue && Missing.Contains(name);

    private static MapValue Map(JinjaValue self) => (MapValue)self.Ref!;

    private static JinjaValue Counted(RenderState r, JinjaValue[] items)
    {
        r.Charge(items.Length);
        return ListValue.Of(items);
    }

    private static JinjaValue Count(RenderState r, JinjaValue self, JinjaValue wanted)
    {
        var count = 0L;
        foreach (var item in ((ListValue)self.Ref!).Items)
        {
            r.Charge();
            if (Comparison.AreEqual(r, item, wanted)) count++;
        }
        return count;
    }

    private static JinjaValue IndexOf(RenderState r, JinjaValue self, JinjaValue wanted)
    {
        var items = ((ListValue)self.Ref!).Items;
        for (var i = 0; i < items.Length; i++)
        {
            r.Charge();
            if (Comparison.AreEqual(r, items[i], wanted)) return (long)i;
        }
        throw r.Fail("the value is not in the list");
    }

    private static FrozenDictionary<string, Builtin> Index(Builtin[] methods) => methods.ToFrozenDictionary(m => m.Signature.Name);
}
