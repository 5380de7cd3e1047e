using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters that compare the items with each other.</summary>
internal static class OrderFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("sort", ["reverse", "case_sensitive", "attribute"]), Sort),
        new(new("unique", ["case_sensitive", "attribute"]), Unique),
        new(new("min", ["case_sensitive", "attribute"]), static (r, self, args) => Extreme(r, self, args, sign: -1)),
        new(new("max", ["case_sensitive", "attribute"]), static (r, self, args) => Extreme(r, self, args, sign: 1)),
        new(new("dictsort", ["case_sensitive", "by", "reverse"]), SortMap),
        new(new("groupby", ["attribute", "default", "case_sensitive"], required: 1), GroupBy),
    ];

    private static JinjaValue Sort(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Sequences.Items(r, self);
        var caseSensitive = Arg.Flag(r, args[1]);
        var paths = args[2].Ref is string several && several.Contains(',')
            ? Array.ConvertAll(several.Split(','), path => ItemPath.Of(r, path))
            : Paths(r, args[2]);
        var keys = new JinjaValue[items.Length];
        for (var i = 0; i < keys.Length; i++) keys[i] = SortKey(r, items[i], paths, caseSensitive);
        return ListValue.Of(StableSort.By(r, items, keys, Arg.Flag(r, args[0])));
    }

    // None: the items themselves are compared.
    private static ItemPath[] Paths(RenderState r, JinjaValue attribute) =>
        attribute.IsAbsent || attribute.IsNone ? [] : [ItemPath.Of(r, attribute)];

    private static JinjaValue SortKey(RenderState r, JinjaValue item, ItemPath[] paths, bool caseSensitive)
    {
        r.Charge();
        if (paths.Length == 0) return Folded(r, item, caseSensitive);
        if (paths.Length == 1) return Folded(r, paths[0].Read(r, item), caseSensitive);
        return ListValue.Of(Array.ConvertAll(paths, path => Folded(r, path.Read(r, item), caseSensitive)));
    }

    private static JinjaValue Folded(RenderState r, JinjaValue key, bool caseSensitive)
    {
        if (caseSensitive || key.Ref is not string text) return key;
        r.ChargeText(text.Length);
        return text.ToLowerInvariant();
    }

    private static JinjaValue GroupBy(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Sequences.Items(r, self);
        var path = ItemPath.Of(r, args[0]);
        var missing = args[1].IsNone ? default : args[1];
        var keys = Array.ConvertAll(items, item => Folded(r, path.Read(r, item, missing), Arg.Flag(r, args[2])));
        var order = StableSort.Order(r, keys, reverse: false);
        var groups = new List<JinjaValue>();
        for (var from = 0; from < order.Length;)
        {
            var to = from + 1;
            while (to < order.Length && Comparison.AreEqual(r, keys[order[from]], keys[order[to]])) to++;
            var members = Array.ConvertAll(order[from..to], i => items[i]);
            var pair = new[] { path.Read(r, members[0], missing), ListValue.Of(members) };
            groups.Add(new JinjaValue(new ListValue(pair, ListShape.Tuple) { Names = ["grouper", "list"] }));
            from = to;
        }
        return ListValue.Of([.. groups]);
    }

    private static JinjaValue Unique(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var (paths, caseSensitive) = (Paths(r, args[1]), Arg.Flag(r, args[0]));
        var seen = new HashSet<JinjaValue>(new ByContent(r));
        var kept = new List<JinjaValue>();
        foreach (var item in Sequences.Items(r, self))
        {
            if (seen.Add(SortKey(r, item, paths, caseSensitive))) kept.Add(item);
        }
        return ListValue.Of([.. kept]);
    }

    private static JinjaValue Extreme(RenderState r, JinjaValue self, JinjaValue[] args, int sign)
    {
        var items = Sequences.Items(r, self);
        if (items.Length == 0) return UndefinedValue.Because(r, r.At, "No aggregated item, sequence was empty.");
        var (paths, caseSensitive) = (Paths(r, args[1]), Arg.Flag(r, args[0]));
        var (best, bestKey) = (items[0], SortKey(r, items[0], paths, caseSensitive));
        foreach (var item in items.AsSpan(1))
        {
            var key = SortKey(r, item, paths, caseSensitive);
            if (Math.Sign(Comparison.Order(r, key, bestKey, sign < 0 ? "<" : ">")) == sign) (best, bestKey) = (item, key);
        }
        return best;
    }

    private static JinjaValue SortMap(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        if (self.Ref is not MapValue map)
            throw self.IsUndefined ? r.FailUndefined(self) : r.Fail($"'{ValueText.TypeName(self)}' object has no items to sort");
        var by = Arg.Text(r, args[1], "by", "key");
        if (by is not ("key" or "value")) throw r.Fail("You can only sort by either \"key\" or \"value\"");
        r.Charge(map.Count);
        var keys = by == "key" ? map.Keys() : map.Values();
        for (var i = 0; i < keys.Length; i++) keys[i] = Folded(r, keys[i], Arg.Flag(r, args[0]));
        return ListValue.Of(StableSort.By(r, map.Pairs(), keys, Arg.Flag(r, args[2])));
    }

    private sealed class ByContent(RenderState r) : IEqualityComparer<JinjaValue>
    {
        public bool Equals(JinjaValue x, JinjaValue y)
        {
            r.Charge();
            return Comparison.AreEqual(r, x, y);
        }

        public int GetHashCode(JinjaValue value)
        {
            Hashing.Check(r, value);
            return Hashing.Of(value);
        }
    }
}
