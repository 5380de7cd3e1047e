using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% set target = value %}</c></summary>
internal sealed class Set(int position, Target target, Expr value) : Stmt(position)
{
    internal override void Declare(Scope scope) => target.Declare(scope);

    internal override void Bind(Binder binder)
    {
        binder.Visit(value);
        binder.Visit(target);
    }

    internal override void Render(RenderState r) => target.Assign(r, value.Evaluate(r));
}

/// <summary><c>{% set target %} … {% endset %}</c>, and <c>{% set target | filter %}</c>.</summary>
internal sealed class SetBlock(int position, Target target, Captured body) : Stmt(position)
{
    internal override void Declare(Scope scope) => target.Declare(scope);

    internal override void Bind(Binder binder)
    {
        binder.Capture(() => binder.Visit(body));
        binder.Visit(target);
    }

    internal override void Render(RenderState r)
    {
        var value = body.Evaluate(r);
        if (r.Exit == LoopExit.None) target.Assign(r, value);
    }
}

/// <summary><c>{% filter name %} … {% endfilter %}</c></summary>
internal sealed class FilterBlock(int position, Captured body) : Stmt(position)
{
    internal override void Bind(Binder binder) => binder.Visit(body);

    internal override void Render(RenderState r)
    {
        var value = body.Evaluate(r);
        if (r.Exit != LoopExit.None) return;
        r.At = Position;
        r.Output.Append(r.Text(value));
    }
}

/// <summary>The text of a block with filters over it: <paramref name="filtered"/> ends in <paramref name="source"/>.</summary>
internal sealed class Captured(int position, BlockText source, Expr filtered) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(source);
        binder.Visit(filtered);
    }

    internal override JinjaValue Evaluate(RenderState r) => filtered.Evaluate(r);
}

/// <summary>The text of a block, as the operand of a filter.</summary>
internal sealed class BlockText(int position) : Expr(position)
{
    private ScopeEntry _entry = ScopeEntry.Nothing;
    private bool _bound;

    /// <summary>Set by the parser, which reads the filters before the body.</summary>
    internal Block Body { get; set; } = new([]);

    internal override void Bind(Binder binder)
    {
        // Reached twice: by its statement and below its filters.
        if (_bound) return;
        _bound = true;
        _entry = binder.InScope(Body.Declare, () => binder.Visit(Body));
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        _entry.Enter(r);
        return r.Captured(Body.Capture(r));
    }
}

/// <summary><c>{% with a = 1 %} … {% endwith %}</c>; the values are read outside.</summary>
internal sealed class With(int position, Target[] targets, Expr[] values, Block body) : Stmt(position)
{
    private ScopeEntry _entry = ScopeEntry.Nothing;

    internal override void Bind(Binder binder)
    {
        foreach (var value in values) binder.Visit(value);
        _entry = binder.InScope(DeclareInside, () => BindInside(binder));
    }

    internal override void Render(RenderState r)
    {
        r.Charge(values.Length);
        var read = new JinjaValue[values.Length];
        for (var i = 0; i < read.Length; i++) read[i] = values[i].Evaluate(r);
        _entry.Enter(r);
        for (var i = 0; i < read.Length; i++) targets[i].Assign(r, read[i]);
        body.Render(r);
    }

    private void DeclareInside(Scope scope)
    {
        foreach (var target in targets) target.Declare(scope);
        body.Declare(scope);
    }

    private void BindInside(Binder binder)
    {
        foreach (var target in targets) binder.Visit(target);
        binder.Visit(body);
    }
}
