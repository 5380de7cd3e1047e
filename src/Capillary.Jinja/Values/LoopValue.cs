using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>The variable <c>loop</c> of a running for block.</summary>
internal sealed class LoopValue(JinjaValue[] items, int count) : Boxed
{
    private static readonly Builtin CycleMethod = new(
        new Signature("cycle", [], rest: true),
        static (r, self, items) => ((LoopValue)self.Ref!).Cycle(r, items));

    private static readonly Builtin ChangedMethod = new(
        new Signature("changed", [], rest: true),
        static (r, self, items) => ((LoopValue)self.Ref!).HasChanged(r, items));

    private JinjaValue _seen;

    internal int Index { get; set; }

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "LoopContext";

    internal JinjaValue Get(string name, int at) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "first" => Index == 0,
        "last" => Index == count - 1,
        "length" => (long)count,
        "revindex" => (long)(count - Index),
        "revindex0" => (long)(count - Index - 1),
        // Counts recursive loops only, which are not supported yet.
        "depth" => 1L,
        "depth0" => 0L,
        "previtem" => Index > 0 ? items[Index - 1] : UndefinedValue.Because(at, "there is no previous item"),
        "nextitem" => Index < count - 1 ? items[Index + 1] : UndefinedValue.Because(at, "there is no next item"),
        "cycle" => new JinjaValue(new BoundMethod(CycleMethod, new JinjaValue(this))),
        "changed" => new JinjaValue(new BoundMethod(ChangedMethod, new JinjaValue(this))),
        _ => default,
    };

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
