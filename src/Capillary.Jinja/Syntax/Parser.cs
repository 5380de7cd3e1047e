using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

/// <summary>Builds the tree by recursive descent, with Jinja2's precedence. Statements are in one part, expressions in another.</summary>
internal sealed partial class Parser
{
    private readonly SourceText _source;
    private readonly List<Token> _tokens;
    private readonly int _maxDepth;
    private int _at;
    private int _depth;

    private Parser(SourceText source, JinjaOptions options)
    {
        _source = source;
        _tokens = Lexer.Tokenize(source, options);
        _maxDepth = options.MaxDepth;
    }

    private Token Current => _tokens[_at];

    private Token Following => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    internal static Block Parse(SourceText source, JinjaOptions options) => new Parser(source, options).ParseBody([], default);

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

    private void ExpectBlockEnd()
    {
        if (Current.Kind != TokenKind.BlockEnd) throw Unexpected("'%}'");
        _at++;
    }

    private JinjaException Unexpected(string expected) => Fail($"expected {expected}, found {Current.Describe()}");

    private JinjaException Fail(string reason, int? position = null, string? suggestion = null) =>
        _source.Fail(position ?? Current.Position, reason, suggestion);

    // Every way to nest passes here, so that the parser's own stack is bounded too.
    private void Enter()
    {
        if (++_depth > _maxDepth) throw Fail($"the template nests deeper than {_maxDepth} levels");
    }

    private void Leave() => _depth--;
}
