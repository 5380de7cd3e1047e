namespace Capillary.Jinja.Syntax;

internal enum TokenKind
{
    Text,
    PrintBegin,
    PrintEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Operator,
    Literal,
    End,
}

/// <summary>One token; text is that of template text, name or operator, value that of a literal.</summary>
internal readonly record struct Token(TokenKind Kind, int Position, string Text, JinjaValue Value = default)
{
    internal bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    internal bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    internal string Describe() => Kind switch
    {
        TokenKind.Text => "template text",
        TokenKind.PrintBegin => "'{{'",
        TokenKind.PrintEnd => "'}}'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.Literal when Value.Kind == JinjaKind.String => "a string",
        TokenKind.Literal => $"'{Value}'",
        TokenKind.End => "the end of the template",
        _ => $"'{Text}'",
    };
}
