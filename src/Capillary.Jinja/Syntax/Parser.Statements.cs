using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

internal sealed partial class Parser
{
    private static readonly string[] Tags =
    [
        "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "with", "endwith", "filter", "endfilter",
        "raw", "endraw", "extends", "block", "endblock", "include", "import", "from", "autoescape", "endautoescape", "do", "call",
        "endcall", "break", "continue", "print",
    ];

    // Reads until a tag in `ends` and leaves its name as the current token; without ends, until the template is over.
    private Block ParseBody(string[] ends, Token opening)
    {
        Enter();
        var statements = new List<Stmt>();
        while (true)
        {
            var token = Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    statements.Add(new Text(token.Position, token.Text));
                    break;
                case TokenKind.PrintBegin:
                    statements.Add(ParsePrint());
                    break;
                case TokenKind.BlockBegin when Current.Kind == TokenKind.Name && ends.Contains(Current.Text):
                    Leave();
                    return new Block([.. statements]);
                case TokenKind.BlockBegin:
                    statements.Add(ParseStatement(ends, opening));
                    break;
                default:
                    if (ends.Length > 0) throw Fail($"'{opening.Text}' is never closed with '{ends[^1]}'", opening.Position);
                    Leave();
                    return new Block([.. statements]);
            }
        }
    }

    // A body with one possible end, which is taken with its closing tag.
    private Block ParseBodyTo(string end, Token opening)
    {
        var body = ParseBody([end], opening);
        _at++;
        ExpectBlockEnd();
        return body;
    }

    private Print ParsePrint()
    {
        if (Current.Kind == TokenKind.PrintEnd) throw Fail("expected an expression, found '}}'");
        var expression = ParseTuple();
        if (Current.Kind != TokenKind.PrintEnd) throw Unexpected("'}}'");
        _at++;
        return new Print(expression);
    }

    private Stmt ParseStatement(string[] ends, Token opening)
    {
        if (Current.Kind != TokenKind.Name) throw Unexpected("the name of a tag");
        var tag = Take();
        return tag.Text switch
        {
            "if" => ParseIf(tag),
            "for" => ParseFor(tag),
            "set" => ParseSet(tag),
            "macro" => ParseMacro(tag),
            "with" => ParseWith(tag),
            "filter" => ParseFilterBlock(tag),
            "call" => ParseCallBlock(tag),
            "do" => ParseDo(tag),
            "print" => ParsePrintTag(),
            "break" or "continue" => ParseLeave(tag),
            "autoescape" => ParseAutoescape(tag),
            "block" => ParseBlockTag(tag),
            "extends" => ParseExtends(tag),
            "include" => ParseInclude(tag),
            "import" => ParseImport(tag),
            "from" => ParseFromImport(tag),
            _ => throw UnknownTag(tag, ends, opening),
        };
    }

    private JinjaException UnknownTag(Token tag, string[] ends, Token opening)
    {
        if (!Tags.Contains(tag.Text)) return Fail($"unknown tag '{tag.Text}'", tag.Position, Spelling.Closest(tag.Text, Tags));
        return Fail(
            ends.Length == 0 ? $"'{tag.Text}' closes nothing" : $"'{tag.Text}' can not stand here: '{opening.Text}' is still open",
            tag.Position,
            ends.Length == 0 ? null : ends[^1]);
    }

    private If ParseIf(Token tag)
    {
        var branches = new List<(Expr, Block)>();
        while (true)
        {
            var condition = ParseTuple(withConditional: false);
            ExpectBodyStart();
            branches.Add((condition, ParseBody(["elif", "else", "endif"], tag)));
            if (!SkipName("elif")) break;
        }
        Block? otherwise = null;
        if (Take().Text == "else")
        {
            ExpectBodyStart();
            otherwise = ParseBody(["endif"], tag);
            _at++;
        }
        ExpectBlockEnd();
        return new If(tag.Position, [.. branches], otherwise);
    }

    private For ParseFor(Token tag)
    {
        var target = ParseTarget();
        ExpectKeyword("in");
        var items = ParseTuple(withConditional: false);
        var condition = SkipName("if") ? ParseExpression() : null;
        var recursive = SkipName("recursive");
        ExpectBodyStart();
        _loops++;
        var body = ParseBody(["else", "endfor"], tag);
        _loops--;
        Block? otherwise = null;
        if (Take().Text == "else")
        {
            ExpectBodyStart();
            otherwise = ParseBody(["endfor"], tag);
            _at++;
        }
        ExpectBlockEnd();
        return new For(target, items, condition, body, otherwise, recursive);
    }

    private Stmt ParseSet(Token tag)
    {
        var target = Following.IsOperator(".") ? ParseNamespaceTarget() : ParseTarget();
        if (Skip("="))
        {
            var value = ParseTuple();
            ExpectBlockEnd();
            return new Set(tag.Position, target, value);
        }
        return new SetBlock(tag.Position, target, ParseCaptured(tag, "endset"));
    }

    private FilterBlock ParseFilterBlock(Token tag)
    {
        // The first filter stands without its bar, so the bar is imagined.
        var text = new BlockText(tag.Position);
        var filtered = ParseFilters(ParseFilter(text), withTests: false);
        return new FilterBlock(tag.Position, ParseCapturedBody(tag, "endfilter", text, filtered));
    }

    private Captured ParseCaptured(Token tag, string end)
    {
        var text = new BlockText(tag.Position);
        return ParseCapturedBody(tag, end, text, ParseFilters(text, withTests: false));
    }

    private Captured ParseCapturedBody(Token tag, string end, BlockText text, Expr filtered)
    {
        ExpectBodyStart();
        text.Body = ParseBodyTo(end, tag);
        return new Captured(tag.Position, text, filtered);
    }

    private With ParseWith(Token tag)
    {
        var targets = new List<Target>();
        var values = new List<Expr>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (targets.Count > 0) Expect(",");
            targets.Add(ParseNameTarget());
            Expect("=");
            values.Add(ParseExpression());
        }
        ExpectBodyStart();
        return new With(tag.Position, [.. targets], [.. values], ParseBodyTo("endwith", tag));
    }

    private NamespaceTarget ParseNamespaceTarget()
    {
        var space = ExpectName();
        Expect(".");
        return new NamespaceTarget(space.Position, new Name(space.Position, space.Text), ExpectName().Text);
    }

    private NameTarget ParseNameTarget()
    {
        var name = ExpectName();
        if (IsReserved(name.Text)) throw Fail($"can't assign to '{name.Text}'", name.Position);
        return new NameTarget(name.Position, name.Text);
    }

    private Target ParseTarget()
    {
        var first = ParseTargetItem();
        if (!Current.IsOperator(",")) return first;
        var targets = new List<Target> { first };
        while (Skip(","))
        {
            if (EndsTuple()) break;
            targets.Add(ParseTargetItem());
        }
        return new TupleTarget(first.Position, [.. targets]);
    }

    private Target ParseTargetItem()
    {
        if (!Current.IsOperator("(")) return ParseNameTarget();
        Enter();
        _at++;
        var inner = ParseTarget();
        Expect(")");
        Leave();
        return inner;
    }

    private static bool IsReserved(string name) => name is "true" or "false" or "none" or "True" or "False" or "None" or "loop"
        or "not" or "and" or "or" or "if" or "else" or "in" or "is";
}
