using Capillary.Jinja.Values;

namespace Capillary.Jinja.Syntax;

/// <summary>
/// Cuts the source into template text and tags, and trims the text as the tags and options ask. Follows Jinja2's own lexer.
/// </summary>
internal sealed class Lexer
{
    // Some 200 bytes each once they are a tree. No honest template comes near.
    private const int MostTokens = 1_000_000;

    private readonly SourceText _source;
    private readonly string _text;
    private readonly int _end;
    private readonly JinjaOptions _options;
    private readonly TagFinder _finder;
    private readonly List<Token> _tokens = [];
    private int _at;
    // Whether the line is still empty where text begins: only then may its blanks be stripped.
    private bool _atLineStart = true;

    private Lexer(SourceText source, JinjaOptions options)
    {
        _source = source;
        _text = source.Text;
        _options = options;
        _end = !options.KeepTrailingNewline && _text.EndsWith('\n') ? _text.Length - 1 : _text.Length;
        _finder = new TagFinder(_text, _end, options);
    }

    internal static List<Token> Tokenize(SourceText source, JinjaOptions options)
    {
        var lexer = new Lexer(source, options);
        while (lexer._at < lexer._end)
        {
            lexer.Next();
            lexer.CheckCount();
        }
        lexer._tokens.Add(new Token(TokenKind.End, lexer._end, ""));
        return lexer._tokens;
    }

    private void Next()
    {
        if (_finder.Find(_at) is not { } tag)
        {
            AddText(_at, _end);
            _at = _end;
            return;
        }
        var inside = tag.Inside;
        var sign = inside < _end && _text[inside] is '-' or '+' ? _text[inside++] : ' ';
        AddText(_at, TextEnd(_at, tag.At, sign, tag.Kind));
        switch (tag.Kind)
        {
            case TagKind.Comment: _at = AfterComment(tag.At, inside); break;
            case TagKind.LineComment: _at = LineEnd(inside); break;
            case TagKind.Block when RawBody(inside) is { } body: _at = AfterRaw(tag.At, body); break;
            default: AddTag(tag.At, inside, tag.Kind); break;
        }
        _atLineStart = _at > 0 && _text[_at - 1] == '\n';
    }

    private void CheckCount()
    {
        if (_tokens.Count > MostTokens)
            throw _source.Fail(JinjaErrorKind.Limit, _tokens[^1].Position, $"the template has more than {MostTokens} tokens", null, []);
    }

    private void AddText(int start, int end)
    {
        if (end <= start) return;
        var text = _text[start..end];
        if (_options.NewlineSequence != "\n") text = text.Replace("\n", _options.NewlineSequence);
        _tokens.Add(new Token(TokenKind.Text, start, text));
    }

    // Where text ends that stands before a tag, once trimmed.
    private int TextEnd(int start, int tag, char sign, TagKind kind)
    {
        var end = tag;
        if (sign == '-')
        {
            while (end > start && CodePoints.IsBlank(_text[end - 1])) end--;
            return end;
        }
        if (sign == '+' || !_options.LstripBlocks || kind == TagKind.Print) return end;
        while (end > start && _text[end - 1] != '\n' && CodePoints.IsBlank(_text[end - 1])) end--;
        var reachesLineStart = end > start ? _text[end - 1] == '\n' : _atLineStart;
        return reachesLineStart ? end : tag;
    }

    private int AfterComment(int tag, int inside)
    {
        var close = _text.IndexOf(_options.CommentEnd, inside, _end - inside, StringComparison.Ordinal);
        if (close < 0) return inside >= _end ? _end : throw _source.Fail(tag, "missing end of comment tag");
        return AfterClose(close + _options.CommentEnd.Length, close > inside ? _text[close - 1] : ' ');
    }

    private int LineEnd(int at)
    {
        var end = _text.IndexOf('\n', at, _end - at);
        return end < 0 ? _end : end;
    }

    // Where reading goes on after a closing tag of a block or comment.
    private int AfterClose(int after, char sign)
    {
        if (sign == '-') return SkipBlanks(after);
        return sign != '+' && _options.TrimBlocks && after < _end && _text[after] == '\n' ? after + 1 : after;
    }

    private int SkipBlanks(int at)
    {
        while (at < _end && CodePoints.IsBlank(_text[at])) at++;
        return at;
    }

    private int? RawBody(int inside)
    {
        if (WordAt(inside, "raw") is not { } at) return null;
        if (HasAt(at, '-', _options.BlockEnd)) return SkipBlanks(at + 1 + _options.BlockEnd.Length);
        return HasAt(at, _options.BlockEnd) ? at + _options.BlockEnd.Length : null;
    }

    private int AfterRaw(int tag, int body)
    {
        _atLineStart = _text[body - 1] == '\n';
        for (var at = body; ; at++)
        {
            at = _text.IndexOf(_options.BlockStart, at, _end - at, StringComparison.Ordinal);
            if (at < 0) return body >= _end ? _end : throw _source.Fail(tag, "missing end of raw directive");
            var inside = at + _options.BlockStart.Length;
            var sign = inside < _end && _text[inside] is '-' or '+' ? _text[inside++] : ' ';
            if (WordAt(inside, "endraw") is not { } close) continue;
            var closeSign = close < _end && _text[close] is '-' or '+' ? _text[close++] : ' ';
            if (!HasAt(close, _options.BlockEnd)) continue;
            AddText(body, TextEnd(body, at, sign, TagKind.Block));
            return AfterClose(close + _options.BlockEnd.Length, closeSign);
        }
    }

    // The offset after blanks, the word and more blanks.
    private int? WordAt(int at, string word)
    {
        at = SkipBlanks(at);
        return HasAt(at, word) ? SkipBlanks(at + word.Length) : null;
    }

    private bool HasAt(int at, string part) => at <= _end && _text.AsSpan(at, _end - at).StartsWith(part);

    private bool HasAt(int at, char sign, string part) => at < _end && _text[at] == sign && HasAt(at + 1, part);

    private void AddTag(int tag, int inside, TagKind kind)
    {
        var isPrint = kind == TagKind.Print;
        var open = isPrint ? _options.VariableStart : kind == TagKind.Block ? _options.BlockStart : _options.LineStatementPrefix!;
        _tokens.Add(new Token(isPrint ? TokenKind.PrintBegin : TokenKind.BlockBegin, tag, open));
        var expression = new ExpressionLexer(_source, _end, _tokens, inside, _options.NewlineSequence);
        while (true)
        {
            if (!expression.IsNested && TagEnd(expression.At, kind) is { } after)
            {
                _tokens.Add(new Token(isPrint ? TokenKind.PrintEnd : TokenKind.BlockEnd, expression.At, ""));
                _at = after;
                return;
            }
            if (expression.SkipBlanks()) continue;
            if (expression.At >= _end) throw expression.Unclosed() ?? _source.Fail(tag, $"this '{open}' is never closed");
            expression.Next();
            CheckCount();
        }
    }

    private int? TagEnd(int at, TagKind kind)
    {
        if (kind == TagKind.LineStatement) return LineStatementEnd(at);
        if (at >= _end) return null;
        if (kind == TagKind.Print)
        {
            if (HasAt(at, '-', _options.VariableEnd)) return SkipBlanks(at + 1 + _options.VariableEnd.Length);
            return HasAt(at, _options.VariableEnd) ? at + _options.VariableEnd.Length : null;
        }
        var sign = _text[at] is '-' or '+' && HasAt(at + 1, _options.BlockEnd) ? _text[at++] : ' ';
        return HasAt(at, _options.BlockEnd) ? AfterClose(at + _options.BlockEnd.Length, sign) : null;
    }

    // Blank lines behind it belong to it.
    private int? LineStatementEnd(int at)
    {
        var after = SkipBlanks(at);
        if (after >= _end) return _end;
        var newline = after == at ? -1 : _text.LastIndexOf('\n', after - 1, after - at);
        return newline < 0 ? null : newline + 1;
    }
}
