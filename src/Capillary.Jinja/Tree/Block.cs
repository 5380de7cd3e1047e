using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>Statements in a row.</summary>
internal sealed class Block(Stmt[] statements) : Stmt(0)
{
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
        foreach (var statement in statements) statement.Render(r);
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
    internal override void Render(RenderState r)
    {
        r.At = Position;
        r.Output.Append(text);
    }
}

/// <summary><c>{{ expression }}</c></summary>
internal sealed class Print(Expr expression) : Stmt(expression.Position)
{
    internal override void Bind(Binder binder) => binder.Visit(expression);

    internal override void Render(RenderState r)
    {
        r.Charge();
        var value = expression.Evaluate(r);
        r.At = Position;
        ValueText.Write(r, value);
    }
}
