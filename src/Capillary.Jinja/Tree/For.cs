using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% for target in items if condition %} … {% else %} … {% endfor %}</c></summary>
internal sealed class For(Target target, Expr items, Expr? condition, Block body, Block? otherwise) : Stmt(target.Position)
{
    private const string LoopName = "loop";

    private ScopeEntry _entry = ScopeEntry.Nothing;
    private ScopeEntry _otherwiseEntry = ScopeEntry.Nothing;
    private int _loopSlot = -1;

    internal override void Bind(Binder binder)
    {
        binder.Visit(items);
        _entry = binder.InScope(DeclareInside, () => BindInside(binder));
        if (otherwise is not null) _otherwiseEntry = binder.InScope(otherwise.Declare, () => binder.Visit(otherwise));
    }

    internal override void Render(RenderState r)
    {
        var source = items.Evaluate(r);
        r.At = items.Position;
        var list = Sequences.Items(r, source);
        var count = list.Length;
        if (condition is not null) (list, count) = Filter(r, list);
        if (count == 0 && otherwise is not null)
        {
            _otherwiseEntry.Enter(r);
            otherwise.Render(r);
            return;
        }
        Run(r, list, count);
    }

    private void Run(RenderState r, JinjaValue[] list, int count)
    {
        var slots = r.Frame.Slots;
        var loop = _loopSlot >= 0 ? new LoopValue(list, count) : null;
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
        }
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
        if (binder.IsRead(LoopName)) _loopSlot = slot;
    }
}
