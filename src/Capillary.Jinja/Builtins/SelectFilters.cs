using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>
/// <c>map</c>, <c>select</c> and their kin, which take a filter or test by name. They make lists, where Jinja2 makes generators.
/// </summary>
internal static class SelectFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("map", ["attribute", "default"], rest: true, namedOnly: true), Map),
        new(new("select", [], rest: true), static (r, self, args) => Select(r, self, null, args, keep: true)),
        new(new("reject", [], rest: true), static (r, self, args) => Select(r, self, null, args, keep: false)),
        new(new("selectattr", ["attribute"], required: 1, rest: true), static (r, self, args) =>
            Select(r, self, ItemPath.Of(r, args[0]), args.AsSpan(1), keep: true)),
        new(new("rejectattr", ["attribute"], required: 1, rest: true), static (r, self, args) =>
            Select(r, self, ItemPath.Of(r, args[0]), args.AsSpan(1), keep: false)),
    ];

    private static JinjaValue Map(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Sequences.Items(r, self);
        var mapped = new JinjaValue[items.Length];
        var read = args.Length > 2 ? ByFilter(r, args) : ByAttribute(r, args);
        for (var i = 0; i < items.Length; i++)
        {
            r.ChargeFor(items[i]);
            mapped[i] = read(items[i]);
        }
        return ListValue.Of(mapped);
    }

    private static Func<JinjaValue, JinjaValue> ByAttribute(RenderState r, JinjaValue[] args)
    {
        if (args[0].IsAbsent) throw r.Fail("map requires a filter argument");
        var path = ItemPath.Of(r, args[0]);
        return item => path.Read(r, item, args[1]);
    }

    private static Func<JinjaValue, JinjaValue> ByFilter(RenderState r, JinjaValue[] args)
    {
        if (!args[0].IsAbsent || !args[1].IsAbsent) throw r.Fail("named arguments for the filter in map are not supported yet");
        var name = Arg.Text(r, args[2], "the filter's name");
        var filter = Filters.Find(name) ?? throw r.Fail($"no filter named '{name}'", Syntax.Spelling.Closest(name, Filters.Names));
        var laid = filter.Signature.Lay(r, args.AsSpan(3));
        return item => filter.Body(r, item, laid);
    }

    private static JinjaValue Select(RenderState r, JinjaValue self, ItemPath? path, ReadOnlySpan<JinjaValue> args, bool keep)
    {
        var items = Sequences.Items(r, self);
        var test = args.Length == 0 ? null : FindTest(r, args[0]);
        var laid = test?.Signature.Lay(r, args[1..]) ?? [];
        var kept = new List<JinjaValue>();
        foreach (var item in items)
        {
            r.ChargeFor(item);
            var value = path is null ? item : path.Read(r, item);
            var passes = test is null ? Sequences.IsTrue(r, value) : test.Body(r, value, laid);
            if (passes == keep) kept.Add(item);
        }
        return ListValue.Of([.. kept]);
    }

    private static BuiltinTest FindTest(RenderState r, JinjaValue name)
    {
        var text = Arg.Text(r, name, "the test's name");
        return Tests.Find(text) ?? throw r.Fail($"no test named '{text}'", Syntax.Spelling.Closest(text, Tests.Names));
    }
}
