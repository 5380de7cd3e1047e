using System.Buffers;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Syntax;

internal enum TagKind
{
    Block,
    Comment,
    LineComment,
    LineStatement,
    Print,
}

/// <summary>Finds where the next tag of any kind begins. Of several at one place, the one with the longest delimiter counts.</summary>
internal sealed class TagFinder
{
    private readonly string _text;
    private readonly int _end;
    private readonly (string Start, TagKind Kind)[] _starts;
    private readonly SearchValues<char> _firsts;
    private readonly bool _hasLines;

    internal TagFinder(string text, int end, JinjaOptions options)
    {
        _text = text;
        _end = end;
        _hasLines = options.LineStatementPrefix is not null || options.LineCommentPrefix is not null;
        (_starts, _firsts) = Starts(options);
    }

    /// <summary>Its offset, that of what is inside of it, and its kind; null if there is none.</summary>
    internal (int At, int Inside, TagKind Kind)? Find(int at)
    {
        for (; at < _end; at++)
        {
            // Only a line can begin with blanks that belong to its tag.
            if (!_hasLines)
            {
                var next = _text.AsSpan(at, _end - at).IndexOfAny(_firsts);
                if (next < 0) return null;
                at += next;
            }
            foreach (var (start, kind) in _starts)
            {
                if (InsideAt(at, start, kind) is { } inside) return (at, inside, kind);
            }
        }
        return null;
    }

    private static readonly SearchValues<char> UsualFirsts = SearchValues.Create("{");

    private static readonly (string, TagKind)[] UsualStarts = [("{{", TagKind.Print), ("{#", TagKind.Comment), ("{%", TagKind.Block)];

    private static ((string, TagKind)[] Starts, SearchValues<char> Firsts) Starts(JinjaOptions options)
    {
        var hasLines = options.LineStatementPrefix is not null || options.LineCommentPrefix is not null;
        if (!hasLines && options is { BlockStart: "{%", VariableStart: "{{", CommentStart: "{#" }) return (UsualStarts, UsualFirsts);
        var starts = new List<(string Start, TagKind Kind)>
        {
            (options.BlockStart, TagKind.Block), (options.CommentStart, TagKind.Comment), (options.VariableStart, TagKind.Print),
        };
        if (options.LineStatementPrefix is { } statement) starts.Add((statement, TagKind.LineStatement));
        if (options.LineCommentPrefix is { } comment) starts.Add((comment, TagKind.LineComment));
        (string Start, TagKind Kind)[] sorted = [.. starts.OrderByDescending(s => s.Start.Length).ThenByDescending(s => s.Kind)];
        return (sorted, SearchValues.Create([.. sorted.Select(s => s.Start[0])]));
    }

    private int? InsideAt(int at, string start, TagKind kind)
    {
        var isLineStart = at == 0 || _text[at - 1] == '\n';
        var begin = at;
        if (kind == TagKind.LineStatement)
        {
            if (!isLineStart) return null;
            while (begin < _end && _text[begin] is ' ' or '\t' or '\v') begin++;
        }
        else if (kind == TagKind.LineComment)
        {
            if (!isLineStart && CodePoints.IsBlank(_text[at - 1])) return null;
            while (begin < _end && CodePoints.IsBlank(_text[begin]) && _text[begin] is not ('\n' or '\r')) begin++;
        }
        return _text.AsSpan(begin, _end - begin).StartsWith(start) ? begin + start.Length : null;
    }
}
