using Capillary.Jinja.Builtins;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

internal sealed partial class Parser
{
    private Expr ParsePostfix(Expr value)
    {
        while (true)
        {
            var token = Current;
            if (Skip(".")) value = ParseMember(value);
            else if (Skip("[")) value = ParseSubscript(token, value);
            else if (Skip("(")) value = new Call(value.Position, value, ParseArguments());
            else return value;
        }
    }

    private Expr ParseMember(Expr target)
    {
        var token = Take();
        if (token.Kind == TokenKind.Name) return new Member(target.Position, target, token.Text);
        if (token.Kind == TokenKind.Literal && token.Value.IsInteger)
            return new Subscript(target.Position, target, new Literal(token.Position, token.Value));
        throw Fail($"expected a name after '.', found {token.Describe()}", token.Position);
    }

    private Expr ParseSubscript(Token open, Expr target)
    {
        if (Skip("]")) return new Subscript(target.Position, target, new ListLiteral(open.Position, [], isTuple: true));
        var start = Current.IsOperator(":") ? null : ParseExpression();
        if (start is not null && Skip("]")) return new Subscript(target.Position, target, start);
        if (start is not null && Current.IsOperator(",")) return ParseTupleSubscript(start, target);
        Expect(":");
        var stop = Current.IsOperator(":") || Current.IsOperator("]") ? null : ParseExpression();
        var step = Skip(":") && !Current.IsOperator("]") ? ParseExpression() : null;
        if (!Skip("]")) throw Unexpected("']'");
        return new Slice(open.Position, target, start, stop, step);
    }

    private Subscript ParseTupleSubscript(Expr first, Expr target)
    {
        var items = new List<Expr> { first };
        while (Skip(",")) items.Add(ParseExpression());
        Expect("]");
        return new Subscript(target.Position, target, new ListLiteral(first.Position, [.. items], isTuple: true));
    }

    private Arguments ParseArguments()
    {
        var positional = new List<Expr>();
        var (names, known) = (new List<string>(), new HashSet<string>());
        var named = new List<Expr>();
        Expr? rest = null;
        Expr? restNamed = null;
        while (!Skip(")"))
        {
            if (positional.Count + named.Count > 0 || rest is not null || restNamed is not null)
            {
                Expect(",");
                if (Skip(")")) break;
            }
            if (Current.IsOperator("*") && rest is null && restNamed is null)
            {
                _at++;
                rest = ParseExpression();
                continue;
            }
            if (restNamed is not null) throw Fail("invalid syntax for function call expression");
            if (Skip("**"))
            {
                restNamed = ParseExpression();
                continue;
            }
            if (Current.Kind == TokenKind.Name && Following.IsOperator("="))
            {
                if (!known.Add(Current.Text)) throw Fail($"the argument '{Current.Text}' is given twice");
                names.Add(Take().Text);
                _at++;
                named.Add(ParseExpression());
                continue;
            }
            if (named.Count > 0 || rest is not null) throw Fail("a positional argument follows a named one");
            positional.Add(ParseExpression());
        }
        return new Arguments([.. positional], [.. names], [.. named], rest, restNamed);
    }

    // Filters and tests bind tighter than arithmetic, and may themselves be called.
    private Expr ParseFilters(Expr value, bool withTests = true)
    {
        while (true)
        {
            if (Skip("|")) value = ParseFilter(value);
            else if (withTests && SkipName("is")) value = ParseTest(value);
            else if (withTests && Skip("(")) value = new Call(value.Position, value, ParseArguments());
            else return value;
        }
    }

    private FilterCall ParseFilter(Expr value)
    {
        var name = ParseDottedName();
        var filter = _environment.FindFilter(name.Text) ?? throw Fail(
            $"no filter named '{name.Text}'", name.Position, Spelling.Closest(name.Text, [.. Filters.Names, .. _environment.Filters.Keys]));
        var arguments = Skip("(") ? ParseArguments() : Arguments.None;
        Check(name, filter.Signature, arguments);
        return new FilterCall(name.Position, value, filter, arguments);
    }

    private TestCall ParseTest(Expr value)
    {
        var negated = SkipName("not");
        var name = ParseDottedName();
        var test = _environment.FindTest(name.Text) ?? throw Fail(
            $"no test named '{name.Text}'", name.Position, Spelling.Closest(name.Text, [.. Tests.Names, .. _environment.Tests.Keys]));
        var arguments = Skip("(") ? ParseArguments() : StartsTestArgument() ? ParseTestArgument() : Arguments.None;
        Check(name, test.Signature, arguments);
        return new TestCall(name.Position, value, test, arguments, negated);
    }

    // "is divisibleby 3": one argument may stand without parentheses.
    private bool StartsTestArgument()
    {
        if (Current.IsName("is")) throw Fail("tests can not be chained with 'is'");
        return Current.Kind switch
        {
            TokenKind.Literal => true,
            // As Jinja2, which takes any other word for the argument.
            TokenKind.Name => Current.Text is not ("else" or "or" or "and"),
            TokenKind.Operator => Current.Text is "[" or "{",
            _ => false,
        };
    }

    private Arguments ParseTestArgument() => new([ParsePostfix(ParsePrimary())], [], []);

    private Token ParseDottedName()
    {
        var name = ExpectName();
        while (Current.IsOperator(".") && Following.Kind == TokenKind.Name)
        {
            _at++;
            name = name with { Text = $"{name.Text}.{Take().Text}" };
        }
        return name;
    }

    private void Check(Token name, Signature signature, Arguments arguments)
    {
        if (arguments.IsOpen) return;
        if (signature.Objection(arguments.Count, arguments.Names) is { } objection) throw Fail(objection, name.Position);
    }
}
