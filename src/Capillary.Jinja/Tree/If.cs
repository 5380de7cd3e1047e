using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>if</c>, its <c>elif</c>s in order, and <c>else</c>. Opens no scope, as in Jinja2.</summary>
internal sealed class If(int position, (Expr Condition, Block Body)[] branches, Block? otherwise) : Stmt(position)
{
    internal override void Declare(Scope scope)
    {
        foreach (var (_, body) in branches) body.Declare(scope);
        otherwise?.Declare(scope);
    }

    internal override void Bind(Binder binder)
    {
        var fork = binder.Fork();
        foreach (var (condition, body) in branches)
        {
            binder.Visit(condition);
            fork.Branch(() => binder.Visit(body));
        }
        fork.Branch(() => BindOtherwise(binder));
        fork.Join();
    }

    internal override void Render(RenderState r)
    {
        foreach (var (condition, body) in branches)
        {
            var value = condition.Evaluate(r);
            r.At = condition.Position;
            r.Charge();
            if (!Sequences.IsTrue(r, value)) continue;
            body.Render(r);
            return;
        }
        otherwise?.Render(r);
    }

    private void BindOtherwise(Binder binder)
    {
        if (otherwise is not null) binder.Visit(otherwise);
    }
}
