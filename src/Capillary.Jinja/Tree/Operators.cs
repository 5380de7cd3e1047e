using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

internal delegate JinjaValue UnaryOperator(RenderState r, JinjaValue operand);

internal delegate JinjaValue BinaryOperator(RenderState r, JinjaValue left, JinjaValue right);

internal sealed class Unary(int position, UnaryOperator apply, Expr operand) : Expr(position)
{
    internal override void Bind(Binder binder) => binder.Visit(operand);

    internal override JinjaValue Evaluate(RenderState r)
    {
        var value = operand.Evaluate(r);
        r.At = Position;
        return apply(r, value);
    }
}

internal sealed class Binary(int position, BinaryOperator apply, Expr left, Expr right) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(left);
        binder.Visit(right);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var a = left.Evaluate(r);
        var b = right.Evaluate(r);
        r.At = Position;
        r.Charge();
        return apply(r, a, b);
    }
}

/// <summary><c>a ~ b ~ c</c>, all at once.</summary>
internal sealed class Concat(int position, Expr[] parts) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        foreach (var part in parts) binder.Visit(part);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        r.Charge(parts.Length);
        if (r.Autoescape) return EvaluateSafe(r);
        var mark = r.Output.Length;
        foreach (var part in parts)
        {
            var value = part.Evaluate(r);
            r.At = part.Position;
            ValueText.Write(r, value);
        }
        return r.Output.TakeFrom(mark);
    }

    // As Jinja2: if one part is safe the others are escaped, so that the whole is.
    private JinjaValue EvaluateSafe(RenderState r)
    {
        var values = Array.ConvertAll(parts, part => part.Evaluate(r));
        r.At = Position;
        var isSafe = Array.Exists(values, value => value.IsMarkup);
        var mark = r.Output.Length;
        foreach (var value in values)
        {
            if (isSafe) Markup.Write(r, value);
            else ValueText.Write(r, value);
        }
        var text = r.Output.TakeFrom(mark);
        return isSafe ? JinjaValue.Markup(text) : text;
    }
}

/// <summary><c>and</c>, <c>or</c>: the value is that of the operand that decided.</summary>
internal sealed class Logical(int position, bool stopAt, Expr[] operands) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        foreach (var operand in operands) binder.Visit(operand);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        for (var i = 0; ; i++)
        {
            var value = operands[i].Evaluate(r);
            if (i == operands.Length - 1) return value;
            r.Charge();
            r.At = operands[i].Position;
            if (Sequences.IsTrue(r, value) == stopAt) return value;
        }
    }
}

/// <summary><c>value if condition else otherwise</c></summary>
internal sealed class Conditional(int position, Expr condition, Expr value, Expr? otherwise) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(condition);
        binder.Visit(value);
        if (otherwise is not null) binder.Visit(otherwise);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var decision = condition.Evaluate(r);
        r.At = condition.Position;
        if (Sequences.IsTrue(r, decision)) return value.Evaluate(r);
        return otherwise?.Evaluate(r) ?? UndefinedValue.Lenient;
    }
}

internal enum CompareOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary><c>a &lt; b &lt;= c</c>: every operand is read at most once, from left to right.</summary>
internal sealed class Compare(int position, Expr first, (CompareOperator Operator, int Position, Expr Operand)[] rest) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(first);
        foreach (var (_, _, operand) in rest) binder.Visit(operand);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var left = first.Evaluate(r);
        foreach (var (comparison, at, operand) in rest)
        {
            var right = operand.Evaluate(r);
            r.At = at;
            r.Charge();
            if (!Holds(r, comparison, left, right)) return false;
            left = right;
        }
        return true;
    }

    internal static bool Holds(RenderState r, CompareOperator comparison, JinjaValue a, JinjaValue b) => comparison switch
    {
        CompareOperator.Equal => Comparison.AreEqual(r, a, b),
        CompareOperator.NotEqual => !Comparison.AreEqual(r, a, b),
        CompareOperator.In => Comparison.Contains(r, b, a),
        CompareOperator.NotIn => !Comparison.Contains(r, b, a),
        _ => Ordered(r, comparison, a, b),
    };

    private static bool Ordered(RenderState r, CompareOperator comparison, JinjaValue a, JinjaValue b)
    {
        var (symbol, wanted, orEqual) = comparison switch
        {
            CompareOperator.Less => ("<", -1, false),
            CompareOperator.LessOrEqual => ("<=", -1, true),
            CompareOperator.Greater => (">", 1, false),
            _ => (">=", 1, true),
        };
        var order = Math.Sign(Comparison.Order(r, a, b, symbol));
        if (Comparison.IsNaN(a) || Comparison.IsNaN(b)) return false;
        return order == wanted || (orEqual && order == 0);
    }
}
