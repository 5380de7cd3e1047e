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
        var start = Current.IsOperator(":") ? null : ParseExpression();
        if (start is not null && Skip("]")) return new Subscript(target.Position, target, start);
        if (Current.IsOperator(",")) throw Fail("several subscripts in one are not supported yet");
        Expect(":");
        var stop = Current.IsOperator(":") || Current.IsOperator("]") ? null : ParseExpression();
        var step = Skip(":") && !Current.IsOperator("]") ? ParseExpression() : null;
        if (!Skip("]")) throw Unexpected("']'");
        return new Slice(open.Position, target, start, stop, step);
    }

    private Arguments ParseArguments()
    {
        var positional = new List<Expr>();
        var names = new List<string>();
        var named = new List<Expr>();
        while (!Skip(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                Expect(",");
                if (Skip(")")) break;
            }
            if (Current.IsOperator("*") || Current.IsOperator("**")) throw Fail($"'{Current.Text}' arguments are not supported yet");
            if (Current.Kind == TokenKind.Name && Following.IsOperator("="))
            {
                if (names.Contains(Current.Text)) throw Fail($"the argument '{Current.Text}' is given twice");
                names.Add(Take().Text);
                _at++;
                named.Add(ParseExpression());
                continue;
            }
            if (named.Count > 0) throw Fail("a positional argument follows a named one");
            positional.Add(ParseExpression());
        }
        return positional.Count + named.Count == 0 ? Arguments.None : new Arguments([.. positional], [.. names], [.. named]);
    }

    // Filters and tests bind tighter than arithmetic, and may themselves be called.
    private Expr ParseFilters(Expr value)
    {
        while (true)
        {
            if (Skip("|")) value = ParseFilter(value);
            else if (SkipName("is")) value = ParseTest(value);
            else if (Skip("(")) value = new Call(value.Position, value, ParseArguments());
            else return value;
        }
    }

    private FilterCall ParseFilter(Expr value)
    {
        var name = ParseDottedName();
        var filter = Filters.Find(name.Text) ?? throw UnknownFilter(name);
        var arguments = Skip("(") ? ParseArguments() : Arguments.None;
        Check(name, filter.Signature, arguments);
        return new FilterCall(name.Position, value, filter, arguments);
    }

    private JinjaException UnknownFilter(Token name) => Filters.IsKnownButMissing(name.Text)
        ? Fail($"the filter '{name.Text}' is not supported yet", name.Position)
        : Fail($"no filter named '{name.Text}'", name.Position, Spelling.Closest(name.Text, Filters.Names));

    private TestCall ParseTest(Expr value)
    {
        var negated = SkipName("not");
        var name = ParseDottedName();
        var test = Tests.Find(name.Text) ?? throw UnknownTest(name);
        var arguments = Skip("(") ? ParseArguments() : StartsTestArgument() ? ParseTestArgument() : Arguments.None;
        Check(name, test.Signature, arguments);
        return new TestCall(name.Position, value, test, arguments, negated);
    }

    private JinjaException UnknownTest(Token name) => Tests.IsKnownButMissing(name.Text)
        ? Fail($"the test '{name.Text}' is not supported yet", name.Position)
        : Fail($"no test named '{name.Text}'", name.Position, Spelling.Closest(name.Text, Tests.Names));

    // "is divisibleby 3": one argument may stand without parentheses.
    private bool StartsTestArgument()
    {
        if (Current.IsName("is")) throw Fail("tests can not be chained with 'is'");
        return Current.Kind switch
        {
            TokenKind.Literal => true,
            TokenKind.Name => Current.Text is not ("else" or "or" or "and" or "if" or "not" or "in" or "recursive"),
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
        if (signature.Objection(arguments.Count, arguments.Names) is { } objection) throw Fail(objection, name.Position);
    }
}
