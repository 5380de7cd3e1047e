using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>Statements in a row.</summary>
internal sealed class Block(Stmt[] statements) : Stmt(0)
{
    /// <summary>Nothing but blanks and comments.</summary>
    internal bool IsBlank => Array.TrueForAll(statements, statement => statement is Text { IsBlank: true });

    internal override void Declare(Scope scope)
    {
        foreach (var statement in statements) statement.Declare(scope);
    }

    internal override void Bind(Binder binder)
    {
        foreach (var statement in statements) binder.Visit(statement);
    }

    internal override void Render(RenderState r)
    {
        foreach (var statement in statements)
        {
            r.Charge();
            statement.Render(r);
            if (r.Exit != LoopExit.None) return;
        }
    }

    /// <summary>Renders into a string instead of the output.</summary>
    internal string Capture(RenderState r)
    {
        var mark = r.Output.Length;
        Render(r);
        return r.Output.TakeFrom(mark);
    }
}

/// <summary>Text that is printed as it stands.</summary>
internal sealed class Text(int position, string text) : Stmt(position)
{
    private bool _isOutside;

    internal bool IsBlank => CodePoints.IsBlank(text);

    internal override void Bind(Binder binder) => _isOutside = binder.IsOutsideBlocks;

    internal override void Render(RenderState r)
    {
        // What a template says outside of its blocks is the parent's to say, once it extends one.
        if (_isOutside && r.Unit.Parent is not null) return;
        r.At = Position;
        r.Output.Append(text);
    }
}

/// <summary><c>{{ expression }}</c></summary>
internal sealed class Print(Expr expression) : Stmt(expression.Position)
{
    private bool _isOutside;

    internal override void Bind(Binder binder)
    {
        _isOutside = binder.IsOutsideBlocks;
        binder.Visit(expression);
    }

    internal override void Render(RenderState r)
    {
        if (_isOutside && r.Unit.Parent is not null) return;
        var value = expression.Evaluate(r);
        r.At = Position;
        if (r.Autoescape) Markup.Write(r, value);
        else ValueText.Write(r, value);
    }
}

/// <summary><c>{% do expression %}</c></summary>
internal sealed class Do(int position, Expr expression) : Stmt(position)
{
    internal override void Bind(Binder binder) => binder.Visit(expression);

    internal override void Render(RenderState r) => expression.Evaluate(r);
}

/// <summary><c>{% autoescape on %} … {% endautoescape %}</c></summary>
internal sealed class AutoescapeTag(int position, Expr on, Block body) : Stmt(position)
{
    private ScopeEntry _entry = ScopeEntry.Nothing;

    internal override void Bind(Binder binder)
    {
        binder.Visit(on);
        _entry = binder.InScope(body.Declare, () => binder.Visit(body));
    }

    internal override void Render(RenderState r)
    {
        var value = on.Evaluate(r);
        r.At = on.Position;
        var before = r.Autoescape;
        r.Autoescape = Sequences.IsTrue(r, value);
        _entry.Enter(r);
        body.Render(r);
        r.Autoescape = before;
    }
}
