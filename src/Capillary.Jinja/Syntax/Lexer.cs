namespace Capillary.Jinja.Syntax;

/// <summary>
/// Cuts the source into template text and tags, and trims the text as the tags and options ask. Follows Jinja2's own lexer.
/// </summary>
internal sealed class Lexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly int _end;
    private readonly JinjaOptions _options;
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
    }

    internal static List<Token> Tokenize(SourceText source, JinjaOptions options)
    {
        var lexer = new Lexer(source, options);
        while (lexer._at < lexer._end) lexer.Next();
        lexer._tokens.Add(new Token(TokenKind.End, lexer._end, ""));
        return lexer._tokens;
    }

    private void Next()
    {
        var tag = FindTag();
        if (tag < 0)
        {
            AddText(_at, _end);
            _at = _end;
            return;
        }
        var kind = _text[tag + 1];
        var inside = tag + 2;
        var sign = inside < _end && _text[inside] is '-' or '+' ? _text[inside++] : ' ';
        AddText(_at, TextEnd(_at, tag, sign, kind));
        if (kind == '#') _at = AfterComment(tag, inside);
        else if (kind == '%' && RawBody(inside) is { } body) _at = AfterRaw(tag, body);
        else AddTag(tag, inside, kind);
        _atLineStart = _text[_at - 1] == '\n';
    }

    private int FindTag()
    {
        for (var at = _at; ; at++)
        {
            var found = _text.IndexOf('{', at, _end - at);
            if (found < 0 || found + 1 >= _end) return -1;
            if (_text[found + 1] is '{' or '%' or '#') return found;
            at = found;
        }
    }

    private void AddText(int start, int end)
    {
        if (end > start) _tokens.Add(new Token(TokenKind.Text, start, _text[start..end]));
    }

    // Where text ends that stands before a tag, once trimmed.
    private int TextEnd(int start, int tag, char sign, char kind)
    {
        var end = tag;
        if (sign == '-')
        {
            while (end > start && char.IsWhiteSpace(_text[end - 1])) end--;
            return end;
        }
        if (sign == '+' || !_options.LstripBlocks || kind == '{') return end;
        while (end > start && _text[end - 1] != '\n' && char.IsWhiteSpace(_text[end - 1])) end--;
        var reachesLineStart = end > start ? _text[end - 1] == '\n' : _atLineStart;
        return reachesLineStart ? end : tag;
    }

    private int AfterComment(int tag, int inside)
    {
        var close = _text.IndexOf("#}", inside, _end - inside, StringComparison.Ordinal);
        if (close < 0) throw _source.Fail(tag, "missing end of comment tag");
        return AfterClose(close + 2, close > inside ? _text[close - 1] : ' ');
    }

    // Where reading goes on after a closing tag of a block or comment.
    private int AfterClose(int after, char sign)
    {
        if (sign == '-') return SkipBlanks(after);
        return sign != '+' && _options.TrimBlocks && after < _end && _text[after] == '\n' ? after + 1 : after;
    }

    private int SkipBlanks(int at)
    {
        while (at < _end && char.IsWhiteSpace(_text[at])) at++;
        return at;
    }

    private int? RawBody(int inside)
    {
        if (WordAt(inside, "raw") is not { } at) return null;
        if (HasAt(at, "-%}")) return SkipBlanks(at + 3);
        return HasAt(at, "%}") ? at + 2 : null;
    }

    private int AfterRaw(int tag, int body)
    {
        _atLineStart = _text[body - 1] == '\n';
        for (var at = body; ; at++)
        {
            at = _text.IndexOf("{%", at, _end - at, StringComparison.Ordinal);
            if (at < 0) throw _source.Fail(tag, "missing end of raw directive");
            var inside = at + 2;
            var sign = inside < _end && _text[inside] is '-' or '+' ? _text[inside++] : ' ';
            if (WordAt(inside, "endraw") is not { } close) continue;
            var closeSign = close < _end && _text[close] is '-' or '+' ? _text[close++] : ' ';
            if (!HasAt(close, "%}")) continue;
            AddText(body, TextEnd(body, at, sign, '%'));
            return AfterClose(close + 2, closeSign);
        }
    }

    // The offset after blanks, the word and more blanks.
    private int? WordAt(int at, string word)
    {
        at = SkipBlanks(at);
        return HasAt(at, word) ? SkipBlanks(at + word.Length) : null;
    }

    private bool HasAt(int at, string part) => at <= _end && _text.AsSpan(at, _end - at).StartsWith(part);

    private void AddTag(int tag, int inside, char kind)
    {
        var isPrint = kind == '{';
        _tokens.Add(new Token(isPrint ? TokenKind.PrintBegin : TokenKind.BlockBegin, tag, isPrint ? "{{" : "{%"));
        var expression = new ExpressionLexer(_source, _end, _tokens, inside);
        while (true)
        {
            if (!expression.SkipToToken()) throw _source.Fail(tag, isPrint ? "this '{{' is never closed" : "this '{%' is never closed");
            if (!expression.IsNested && TagEnd(expression.At, isPrint) is { } after)
            {
                _tokens.Add(new Token(isPrint ? TokenKind.PrintEnd : TokenKind.BlockEnd, expression.At, ""));
                _at = after;
                return;
            }
            expression.Next();
        }
    }

    private int? TagEnd(int at, bool isPrint)
    {
        var sign = _text[at] is '-' ? '-' : !isPrint && _text[at] is '+' ? '+' : ' ';
        var close = sign == ' ' ? at : at + 1;
        if (!HasAt(close, isPrint ? "}}" : "%}")) return null;
        return isPrint ? sign == '-' ? SkipBlanks(close + 2) : close + 2 : AfterClose(close + 2, sign);
    }
}
