using System.Globalization;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Syntax;

/// <summary>Cuts what stands inside a tag into names, literals and operators.</summary>
internal sealed class ExpressionLexer(SourceText source, int end, List<Token> tokens, int start, string newline)
{
    private const int MostNameChars = 1000;

    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ":", "|", ",", ";",
        "(", ")", "[", "]", "{", "}",
    ];

    private readonly string _text = source.Text;
    private readonly Stack<(char Close, int Position)> _open = [];

    internal int At { get; private set; } = start;

    /// <summary>Inside brackets: there, a closing tag is not one.</summary>
    internal bool IsNested => _open.Count > 0;

    internal bool SkipBlanks()
    {
        var before = At;
        while (At < end && CodePoints.IsBlank(_text[At])) At++;
        return At > before;
    }

    /// <summary>The error of a bracket that is open at the end; null if none is.</summary>
    internal JinjaException? Unclosed() => _open.Count == 0
        ? null
        : source.Fail(_open.Peek().Position, $"this bracket is never closed with '{_open.Peek().Close}'");

    internal void Next()
    {
        var c = _text[At];
        if (char.IsAsciiDigit(c)) AddNumber();
        else if (c == '_' || char.IsLetter(c)) AddName();
        else if (c is '"' or '\'') AddString(c);
        else AddOperator();
    }

    private void AddName()
    {
        var from = At;
        while (At < end && (_text[At] == '_' || char.IsLetterOrDigit(_text[At]))) At++;
        // Names are looked up without being counted by their length.
        if (At - from > MostNameChars)
            throw source.Fail(JinjaErrorKind.Limit, from, $"a name is longer than {MostNameChars} characters", null, []);
        tokens.Add(new Token(TokenKind.Name, from, _text[from..At]));
    }

    private void AddOperator()
    {
        var rest = _text.AsSpan(At, end - At);
        foreach (var text in Operators)
        {
            if (!rest.StartsWith(text)) continue;
            Balance(text[0]);
            tokens.Add(new Token(TokenKind.Operator, At, text));
            At += text.Length;
            return;
        }
        throw source.Fail(At, $"unexpected character '{_text[At]}'");
    }

    private void Balance(char c)
    {
        if (c is '(' or '[' or '{') _open.Push((c == '(' ? ')' : c == '[' ? ']' : '}', At));
        if (c is not (')' or ']' or '}')) return;
        if (_open.Count == 0) throw source.Fail(At, $"unexpected '{c}'");
        var (expected, _) = _open.Pop();
        if (expected != c) throw source.Fail(At, $"unexpected '{c}', expected '{expected}'");
    }

    private void AddString(char quote)
    {
        var from = At++;
        var escaped = false;
        while (At < end && _text[At] != quote)
        {
            escaped |= _text[At] == '\\';
            At += _text[At] == '\\' ? 2 : 1;
        }
        if (At >= end) throw source.Fail(from, "this string is never closed");
        var raw = _text[(from + 1)..At++];
        if (newline != "\n") raw = raw.Replace("\n", newline);
        tokens.Add(new Token(TokenKind.Literal, from, "", escaped ? Escapes.Decode(source, from + 1, raw) : raw));
    }

    private void AddNumber()
    {
        var from = At;
        if (_text[At] == '0' && At + 1 < end && "xXoObB".Contains(_text[At + 1]))
        {
            AddPrefixed(from);
            return;
        }
        SkipDigits();
        // In "a.1.2" the numbers are items, not one float.
        var afterDot = from > 0 && _text[from - 1] == '.';
        var isFloat = false;
        if (!afterDot && HasDigitAfter('.', At)) (isFloat, At) = (true, At + 1);
        if (isFloat) SkipDigits();
        if (!afterDot && ExponentEnd() is { } digits)
        {
            (isFloat, At) = (true, digits);
            SkipDigits();
        }
        var raw = _text[from..At].Replace("_", "");
        tokens.Add(new Token(TokenKind.Literal, from, "", Decimal(from, raw, isFloat)));
    }

    private void AddPrefixed(int from)
    {
        var radix = char.ToLowerInvariant(_text[At + 1]) switch { 'x' => 16, 'o' => 8, _ => 2 };
        At += 2;
        while (At < end && (char.IsAsciiLetterOrDigit(_text[At]) || _text[At] == '_')) At++;
        var raw = _text[(from + 2)..At].Replace("_", "");
        if (!IntegerText.TryParse(raw, radix, out var value)) throw source.Fail(from, "this is no number");
        tokens.Add(new Token(TokenKind.Literal, from, "", value));
    }

    private JinjaValue Decimal(int from, string raw, bool isFloat)
    {
        if (isFloat) return double.Parse(raw, CultureInfo.InvariantCulture);
        if (raw.Length > 1 && raw[0] == '0' && raw.Trim('0').Length > 0) throw source.Fail(from, "a number does not start with 0");
        if (At < end && (_text[At] == '_' || char.IsLetter(_text[At]))) throw source.Fail(At, $"unexpected '{_text[At]}' after a number");
        return IntegerText.TryParse(raw, 10, out var value) ? value : throw source.Fail(from, "an integer has more than 4300 digits");
    }

    private void SkipDigits()
    {
        while (At < end && (char.IsAsciiDigit(_text[At]) || (_text[At] == '_' && At + 1 < end && char.IsAsciiDigit(_text[At + 1])))) At++;
    }

    private bool HasDigitAfter(char c, int at) => at + 1 < end && _text[at] == c && char.IsAsciiDigit(_text[at + 1]);

    private int? ExponentEnd()
    {
        if (At >= end || _text[At] is not ('e' or 'E')) return null;
        var at = At + 1;
        if (at < end && _text[at] is '+' or '-') at++;
        return at < end && char.IsAsciiDigit(_text[at]) ? at : null;
    }
}
