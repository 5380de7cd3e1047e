namespace Capillary.Jinja.Syntax;

/// <summary>Builds the tree by recursive descent, with Jinja2's precedence. Statements are in one part, expressions in another.</summary>
internal sealed partial class Parser
{
    private readonly SourceText _source;
    private readonly List<Token> _tokens;
    private readonly JinjaEnvironment _environment;
    private int _at;
    private int _depth;
    private int _loops;

    private Parser(SourceText source, JinjaEnvironment environment)
    {
        _source = source;
        _environment = environment;
        _tokens = Lexer.Tokenize(source, environment.Options);
    }

    private Token Current => _tokens[_at];

    private Token Following => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    internal static ParsedTemplate Parse(SourceText source, JinjaEnvironment environment)
    {
        var parser = new Parser(source, environment);
        var body = parser.ParseBody([], default);
        return new ParsedTemplate(body, parser._blocks, parser._extends, parser._sharesVariables, parser._readsSelf);
    }

    private Token Take()
    {
        var token = Current;
        if (token.Kind != TokenKind.End) _at++;
        return token;
    }

    private bool Skip(string symbol)
    {
        if (!Current.IsOperator(symbol)) return false;
        _at++;
        return true;
    }

    private bool SkipName(string name)
    {
        if (!Current.IsName(name)) return false;
        _at++;
        return true;
    }

    private void Expect(string symbol)
    {
        if (!Skip(symbol)) throw Unexpected($"'{symbol}'");
    }

    private void ExpectKeyword(string name)
    {
        if (!SkipName(name)) throw Unexpected($"'{name}'");
    }

    private Token ExpectName() => Current.Kind == TokenKind.Name ? Take() : throw Unexpected("a name");

    // A colon may stand before a body, as in Python.
    private void ExpectBodyStart()
    {
        Skip(":");
        ExpectBlockEnd();
    }

    private void ExpectBlockEnd()
    {
        if (Current.Kind != TokenKind.BlockEnd) throw Unexpected("'%}'");
        _at++;
    }

    private JinjaException Unexpected(string expected) => Fail($"expected {expected}, found {Current.Describe()}");

    private JinjaException Fail(string reason, int? position = null, string? suggestion = null) =>
        _source.Fail(position ?? Current.Position, reason, suggestion);

    // Every way to nest passes here, so that the parser's own stack is bounded too.
    private void Enter() => _source.CheckDepth(++_depth, _environment.Options.MaxDepth, Current.Position);

    private void Leave() => _depth--;
}
