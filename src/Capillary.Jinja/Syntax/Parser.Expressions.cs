using Capillary.Jinja.Tree;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Syntax;

internal sealed partial class Parser
{
    // One expression, or with a comma after it a tuple.
    private Expr ParseTuple(bool withConditional = true)
    {
        var first = withConditional ? ParseExpression() : ParseOr();
        if (!Current.IsOperator(",")) return first;
        var items = new List<Expr> { first };
        while (Skip(","))
        {
            if (EndsTuple()) break;
            items.Add(withConditional ? ParseExpression() : ParseOr());
        }
        return new ListLiteral(first.Position, [.. items], isTuple: true);
    }

    private bool EndsTuple() => Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd || Current.IsOperator(")");

    private Expr ParseExpression()
    {
        Enter();
        var value = ParseOr();
        while (Current.IsName("if"))
        {
            var position = Take().Position;
            var condition = ParseOr();
            var otherwise = SkipName("else") ? ParseExpression() : null;
            value = new Conditional(position, condition, value, otherwise);
        }
        Leave();
        return value;
    }

    private Expr ParseOr() => ParseLogical("or", stopAt: true, ParseAnd);

    private Expr ParseAnd() => ParseLogical("and", stopAt: false, ParseNot);

    private Expr ParseLogical(string word, bool stopAt, Func<Expr> operand)
    {
        var first = operand();
        if (!Current.IsName(word)) return first;
        var operands = new List<Expr> { first };
        while (SkipName(word)) operands.Add(operand());
        return new Logical(first.Position, stopAt, [.. operands]);
    }

    private Expr ParseNot()
    {
        if (!Current.IsName("not")) return ParseCompare();
        var position = Take().Position;
        Enter();
        var operand = ParseNot();
        Leave();
        return new Unary(position, static (r, value) => !Sequences.IsTrue(r, value), operand);
    }

    private Expr ParseCompare()
    {
        var first = ParseSum();
        List<(CompareOperator, int, Expr)>? rest = null;
        while (true)
        {
            var position = Current.Position;
            if (TakeCompareOperator() is not { } comparison) break;
            (rest ??= []).Add((comparison, position, ParseSum()));
        }
        return rest is null ? first : new Compare(first.Position, first, [.. rest]);
    }

    private CompareOperator? TakeCompareOperator()
    {
        CompareOperator? found = Current switch
        {
            { Kind: TokenKind.Operator, Text: "==" } => CompareOperator.Equal,
            { Kind: TokenKind.Operator, Text: "!=" } => CompareOperator.NotEqual,
            { Kind: TokenKind.Operator, Text: "<" } => CompareOperator.Less,
            { Kind: TokenKind.Operator, Text: "<=" } => CompareOperator.LessOrEqual,
            { Kind: TokenKind.Operator, Text: ">" } => CompareOperator.Greater,
            { Kind: TokenKind.Operator, Text: ">=" } => CompareOperator.GreaterOrEqual,
            { Kind: TokenKind.Name, Text: "in" } => CompareOperator.In,
            { Kind: TokenKind.Name, Text: "not" } when Following.IsName("in") => CompareOperator.NotIn,
            _ => null,
        };
        if (found is not null) _at += found == CompareOperator.NotIn ? 2 : 1;
        return found;
    }

    private Expr ParseSum() => ParseBinary(ParseConcat, static symbol => symbol switch
    {
        "+" => Arithmetic.Add,
        "-" => Arithmetic.Subtract,
        _ => null,
    });

    private Expr ParseConcat()
    {
        var first = ParseProduct();
        if (!Current.IsOperator("~")) return first;
        var parts = new List<Expr> { first };
        while (Skip("~")) parts.Add(ParseProduct());
        return new Concat(first.Position, [.. parts]);
    }

    private Expr ParseProduct() => ParseBinary(ParsePower, static symbol => symbol switch
    {
        "*" => Arithmetic.Multiply,
        "/" => Arithmetic.Divide,
        "//" => Arithmetic.FloorDivide,
        "%" => Arithmetic.Modulo,
        _ => null,
    });

    // Left to right, unlike Python: so it is in Jinja2.
    private Expr ParsePower() => ParseBinary(ParseUnary, static symbol => symbol == "**" ? Arithmetic.Power : null);

    private Expr ParseBinary(Func<Expr> operand, Func<string, BinaryOperator?> choose)
    {
        var left = operand();
        while (Current.Kind == TokenKind.Operator && choose(Current.Text) is { } apply)
        {
            var position = Take().Position;
            left = new Binary(position, apply, left, operand());
        }
        return left;
    }

    private Expr ParseUnary() => ParseFilters(ParseSigned());

    private Expr ParseSigned()
    {
        if (!Current.IsOperator("-") && !Current.IsOperator("+")) return ParsePostfix(ParsePrimary());
        var sign = Take();
        Enter();
        var operand = ParseSigned();
        Leave();
        return ParsePostfix(new Unary(sign.Position, sign.Text == "-" ? Arithmetic.Negate : Arithmetic.Plus, operand));
    }

    private Expr ParsePrimary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                _readsSelf |= token.Text == "self";
                return Constant(token) ?? new Name(token.Position, token.Text);
            case TokenKind.Literal:
                return ParseLiteral(token);
            case TokenKind.Operator when token.Text == "(":
                return ParseParentheses(token);
            case TokenKind.Operator when token.Text == "[":
                return new ListLiteral(token.Position, [.. ParseItems("]")], isTuple: false);
            case TokenKind.Operator when token.Text == "{":
                return ParseMap(token);
            default:
                throw Fail($"expected an expression, found {token.Describe()}", token.Position);
        }
    }

    private Expr? Constant(Token name) => name.Text switch
    {
        "true" or "True" => new Literal(name.Position, true),
        "false" or "False" => new Literal(name.Position, false),
        "none" or "None" => new Literal(name.Position, JinjaValue.None),
        _ => null,
    };

    // Strings in a row are one, as in Python.
    private Literal ParseLiteral(Token token)
    {
        if (token.Value.Ref is not string text || Current.Value.Ref is not string) return new Literal(token.Position, token.Value);
        var whole = new System.Text.StringBuilder(text);
        while (Current.Value.Ref is string more)
        {
            whole.Append(more);
            _at++;
        }
        return new Literal(token.Position, whole.ToString());
    }

    private Expr ParseParentheses(Token open)
    {
        if (Skip(")")) return new ListLiteral(open.Position, [], isTuple: true);
        var inner = ParseTuple();
        Expect(")");
        return inner;
    }

    private List<Expr> ParseItems(string close)
    {
        var items = new List<Expr>();
        while (!Skip(close))
        {
            if (items.Count > 0)
            {
                Expect(",");
                if (Skip(close)) break;
            }
            items.Add(ParseExpression());
        }
        return items;
    }

    private MapLiteral ParseMap(Token open)
    {
        var entries = new List<(Expr, Expr)>();
        while (!Skip("}"))
        {
            if (entries.Count > 0)
            {
                Expect(",");
                if (Skip("}")) break;
            }
            var key = ParseExpression();
            Expect(":");
            entries.Add((key, ParseExpression()));
        }
        return new MapLiteral(open.Position, [.. entries]);
    }
}
