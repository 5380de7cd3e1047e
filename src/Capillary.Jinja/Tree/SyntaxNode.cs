using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;

namespace Capillary.Jinja.Tree;

/// <summary>A node of the tree. Written by the parser and once more by the <see cref="Binder"/>, then never again.</summary>
internal abstract class SyntaxNode(int position)
{
    /// <summary>Offset in the source.</summary>
    internal int Position => position;

    /// <summary>Resolves the names below this node.</summary>
    internal virtual void Bind(Binder binder)
    {
    }
}

internal abstract class Expr(int position) : SyntaxNode(position)
{
    /// <summary>The dotted path this reads, such as <c>site.name</c>, as far as it is known from the source; else null.</summary>
    internal virtual string? Path => null;

    internal abstract JinjaValue Evaluate(RenderState r);
}

internal abstract class Stmt(int position) : SyntaxNode(position)
{
    /// <summary>Declares the variables this statement sets in the scope it stands in.</summary>
    internal virtual void Declare(Scope scope)
    {
    }

    internal abstract void Render(RenderState r);
}
