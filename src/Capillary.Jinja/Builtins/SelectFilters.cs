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
        new(new("map", [], rest: true, anyNamed: true), Map),
        new(new("select", [], rest: true, anyNamed: true), static (r, self, args) => SelectItems(r, self, args, keep: true)),
        new(new("reject", [], rest: true, anyNamed: true), static (r, self, args) => SelectItems(r, self, args, keep: false)),
        new(new("selectattr", [], rest: true, anyNamed: true), static (r, self, args) => SelectBy(r, self, args, keep: true)),
        new(new("rejectattr", [], rest: true, anyNamed: true), static (r, self, args) => SelectBy(r, self, args, keep: false)),
    ];

    // What is left for the filter or test that the first argument names.
    private static CallArguments Rest(CallArguments given) => given with { Positional = given.Positional[1..] };

    private static JinjaValue Map(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var items = Sequences.Items(r, self);
        var mapped = new JinjaValue[items.Length];
        var read = args.Length > 1 ? ByFilter(r, CallArguments.OfOpen(args)) : ByAttribute(r, (MapValue)args[0].Ref!);
        for (var i = 0; i < items.Length; i++)
        {
            r.ChargeFor(items[i]);
            mapped[i] = read(items[i]);
        }
        return ListValue.Of(mapped);
    }

    private static Func<JinjaValue, JinjaValue> ByAttribute(RenderState r, MapValue named)
    {
        if (!named.TryGet("attribute", out var attribute)) throw r.Fail("map requires a filter argument");
        named.TryGet("default", out var missing);
        if (named.TextKeys.FirstOrDefault(key => key is not ("attribute" or "default")) is { } unknown)
            throw r.Fail($"Unexpected keyword argument '{unknown}'");
        var path = ItemPath.Of(r, attribute);
        return item => path.Read(r, item, missing.IsNone ? default : missing);
    }

    private static Func<JinjaValue, JinjaValue> ByFilter(RenderState r, CallArguments given)
    {
        var name = Arg.Text(r, given.Positional[0], "the filter's name");
        var filter = r.Program.Environment.FindFilter(name)
            ?? throw r.Fail($"no filter named '{name}'", Syntax.Spelling.Closest(name, Filters.Names));
        var laid = filter.Signature.Lay(r, Rest(given));
        return item =>
        {
            r.Charge(laid.Length);
            return filter.Body(r, item, laid);
        };
    }

    private static JinjaValue SelectItems(RenderState r, JinjaValue self, JinjaValue[] args, bool keep) =>
        Select(r, self, null, CallArguments.OfOpen(args), keep);

    private static JinjaValue SelectBy(RenderState r, JinjaValue self, JinjaValue[] args, bool keep)
    {
        var given = CallArguments.OfOpen(args);
        if (given.Positional.Length == 0) throw r.Fail("Missing parameter for attribute name");
        return Select(r, self, ItemPath.Of(r, given.Positional[0]), Rest(given), keep);
    }

    private static JinjaValue Select(RenderState r, JinjaValue self, ItemPath? path, CallArguments given, bool keep)
    {
        var items = Sequences.Items(r, self);
        var test = given.Positional.Length == 0 ? null : FindTest(r, given.Positional[0]);
        var laid = test?.Signature.Lay(r, Rest(given)) ?? [];
        var kept = new List<JinjaValue>();
        foreach (var item in items)
        {
            var value = path is null ? item : path.Read(r, item);
            r.ChargeFor(value);
            var passes = test is null ? Sequences.IsTrue(r, value) : test.Body(r, value, laid);
            if (passes == keep) kept.Add(item);
        }
        return ListValue.Of([.. kept]);
    }

    private static BuiltinTest FindTest(RenderState r, JinjaValue name)
    {
        var text = Arg.Text(r, name, "the test's name");
        return r.Program.Environment.FindTest(text)
            ?? throw r.Fail($"no test named '{text}'", Syntax.Spelling.Closest(text, Tests.Names));
    }
}
