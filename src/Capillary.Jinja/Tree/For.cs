using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% for target in items if condition recursive %} … {% else %} … {% endfor %}</c></summary>
internal sealed class For(Target target, Expr items, Expr? condition, Block body, Block? otherwise, bool recursive) : Stmt(target.Position)
{
    private const string LoopName = "loop";

    private ScopeEntry _entry = ScopeEntry.Nothing;
    private ScopeEntry _otherwiseEntry = ScopeEntry.Nothing;
    private int _loopSlot = -1;
    private int _slots;

    internal override void Bind(Binder binder)
    {
        binder.Visit(items);
        // Called again from within, a recursive loop needs variables of its own each time.
        if (recursive) (_entry, _slots) = binder.InFunction(DeclareInside, () => BindInside(binder));
        else _entry = binder.InScope(DeclareInside, () => BindInside(binder));
        if (!recursive) BindOtherwise(binder);
    }

    internal override void Render(RenderState r)
    {
        var source = items.Evaluate(r);
        r.At = items.Position;
        var list = Sequences.Items(r, source);
        if (recursive) RunRecursive(r, list, r.Frame, 0);
        else Run(r, list, null, 0);
    }

    /// <summary>The text of a recursive loop over other items; <paramref name="outer"/> is where it was opened.</summary>
    internal JinjaValue Again(RenderState r, JinjaValue nested, Frame outer, int depth)
    {
        var list = Sequences.Items(r, nested);
        r.EnterCall();
        var mark = r.Output.Length;
        RunRecursive(r, list, outer, depth);
        r.LeaveCall();
        return r.Captured(r.Output.TakeFrom(mark));
    }

    private void RunRecursive(RenderState r, JinjaValue[] list, Frame outer, int depth)
    {
        var before = r.Frame;
        r.Frame = r.NewFrame(_slots, outer);
        Run(r, list, outer, depth);
        r.Frame = before;
    }

    private void Run(RenderState r, JinjaValue[] list, Frame? outer, int depth)
    {
        var count = list.Length;
        if (condition is not null) (list, count) = Filter(r, list);
        var slots = r.Frame.Slots;
        var loop = _loopSlot >= 0 ? new LoopValue(this, list, count, depth) { Outer = outer } : null;
        var completed = false;
        for (var i = 0; i < count; i++)
        {
            r.Charge();
            _entry.Enter(r);
            if (loop is not null)
            {
                loop.Index = i;
                slots[_loopSlot] = new JinjaValue(loop);
            }
            target.Assign(r, list[i]);
            body.Render(r);
            completed |= r.Exit == LoopExit.None;
            if (r.Exit == LoopExit.None) continue;
            var isOver = r.Exit == LoopExit.Break;
            r.Exit = LoopExit.None;
            if (isOver) break;
        }
        // As Jinja2: rounds that break or continue do not count.
        if (completed || otherwise is null) return;
        _otherwiseEntry.Enter(r);
        otherwise.Render(r);
    }

    private (JinjaValue[] Items, int Count) Filter(RenderState r, JinjaValue[] list)
    {
        var kept = new JinjaValue[list.Length];
        var count = 0;
        foreach (var item in list)
        {
            r.Charge();
            _entry.Enter(r);
            target.Assign(r, item);
            var value = condition!.Evaluate(r);
            r.At = condition.Position;
            if (Sequences.IsTrue(r, value)) kept[count++] = item;
        }
        return (kept, count);
    }

    private void BindOtherwise(Binder binder)
    {
        if (otherwise is not null) _otherwiseEntry = binder.InScope(otherwise.Declare, () => binder.Visit(otherwise));
    }

    private void DeclareInside(Scope scope)
    {
        scope.Declare(LoopName);
        target.Declare(scope);
        body.Declare(scope);
    }

    private void BindInside(Binder binder)
    {
        binder.Visit(target);
        if (condition is not null) binder.Visit(condition);
        var slot = binder.Assigned(LoopName);
        binder.Visit(body);
        // Without a reader, no loop object is made.
        if (recursive || binder.IsRead(LoopName)) _loopSlot = slot;
        if (recursive) BindOtherwise(binder);
    }
}

/// <summary><c>{% break %}</c> and <c>{% continue %}</c></summary>
internal sealed class LeaveRound(int position, LoopExit exit) : Stmt(position)
{
    internal override void Render(RenderState r) => r.Exit = exit;
}
