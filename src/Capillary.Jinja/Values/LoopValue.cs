using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Values;

/// <summary>The variable <c>loop</c> of a running for block; calling it runs a recursive one again over other items.</summary>
internal sealed class LoopValue(For loop, JinjaValue[] items, int count, int depth) : Callable("loop")
{
    private static readonly Builtin CycleMethod = new(
        new Signature("cycle", [], rest: true),
        static (r, self, items) => ((LoopValue)self.Ref!).Cycle(r, items));

    private static readonly Builtin ChangedMethod = new(
        new Signature("changed", [], rest: true),
        static (r, self, items) => ((LoopValue)self.Ref!).HasChanged(r, items));

    private JinjaValue _seen;

    internal int Index { get; set; }

    internal int Count => count;

    /// <summary>Where a recursive loop was opened, for its variables.</summary>
    internal Frame? Outer { get; init; }

    internal override string TypeName => "LoopContext";

    internal JinjaValue Get(RenderState r, string name, int at) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "first" => Index == 0,
        "last" => Index == count - 1,
        "length" => (long)count,
        "revindex" => (long)(count - Index),
        "revindex0" => (long)(count - Index - 1),
        "depth" => depth + 1L,
        "depth0" => (long)depth,
        "previtem" => Index > 0 ? items[Index - 1] : UndefinedValue.Because(r, at, "there is no previous item"),
        "nextitem" => Index < count - 1 ? items[Index + 1] : UndefinedValue.Because(r, at, "there is no next item"),
        "cycle" => new JinjaValue(new BoundMethod(CycleMethod, new JinjaValue(this))),
        "changed" => new JinjaValue(new BoundMethod(ChangedMethod, new JinjaValue(this))),
        _ => default,
    };

    internal string Describe() => $"<LoopContext {Index + 1}/{count}>";

    internal override JinjaValue Invoke(RenderState r, CallArguments arguments)
    {
        if (arguments is not { Positional: [var nested], Names: [] }) throw r.Fail("loop() takes one argument: what to go over");
        if (Outer is null) throw r.Fail("the loop must have the 'recursive' marker to be called");
        return loop.Again(r, nested, Outer, depth + 1);
    }

    private JinjaValue Cycle(RenderState r, JinjaValue[] items) =>
        items.Length == 0 ? throw r.Fail("no items for cycling given") : items[Index % items.Length];

    private JinjaValue HasChanged(RenderState r, JinjaValue[] items)
    {
        var now = ListValue.TupleOf(items);
        if (!_seen.IsAbsent && Comparison.AreEqual(r, _seen, now)) return false;
        _seen = now;
        return true;
    }
}
