using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>Python's <c>textwrap.wrap</c>: breaks a line at blanks, at hyphens in words, and where nothing else helps anywhere.</summary>
internal sealed class TextWrap(RenderState r, int width, bool breakLong, bool breakOnHyphens)
{
    // Lines break at no others.
    private const string Blanks = "\t\n\v\f\r ";

    internal List<string> Wrap(string text)
    {
        var chunks = new Stack<string>(Chunks(text).AsEnumerable().Reverse());
        var lines = new List<string>();
        while (chunks.Count > 0)
        {
            r.Charge();
            if (lines.Count > 0 && CodePoints.IsBlank(chunks.Peek())) chunks.Pop();
            var line = new List<string>();
            var length = 0;
            while (chunks.Count > 0 && length + CodePoints.Count(chunks.Peek()) <= width)
            {
                length += CodePoints.Count(chunks.Peek());
                line.Add(chunks.Pop());
            }
            if (chunks.Count > 0 && CodePoints.Count(chunks.Peek()) > width) BreakLong(chunks, line, length);
            if (line.Count > 0 && CodePoints.IsBlank(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count > 0) lines.Add(string.Concat(line));
        }
        return lines;
    }

    private void BreakLong(Stack<string> chunks, List<string> line, int length)
    {
        if (!breakLong)
        {
            if (line.Count == 0) line.Add(chunks.Pop());
            return;
        }
        var chunk = chunks.Pop();
        var left = width - length;
        var end = CodePoints.Begin(chunk, left).Length;
        if (breakOnHyphens && chunk.Length > end && end > 0)
        {
            var hyphen = chunk.LastIndexOf('-', end - 1);
            if (hyphen > 0 && chunk.AsSpan(0, hyphen).IndexOfAnyExcept('-') >= 0) end = hyphen + 1;
        }
        r.ChargeText(chunk.Length);
        line.Add(chunk[..end]);
        chunks.Push(chunk[end..]);
    }

    private List<string> Chunks(string text)
    {
        r.ChargeText(text.Length);
        var chunks = new List<string>();
        var at = 0;
        while (at < text.Length)
        {
            var from = at;
            var isBlank = Blanks.Contains(text[at]);
            while (at < text.Length && Blanks.Contains(text[at]) == isBlank) at++;
            if (isBlank || !breakOnHyphens) chunks.Add(text[from..at]);
            else SplitWord(text[from..at], chunks);
        }
        return chunks;
    }

    private static void SplitWord(string word, List<string> chunks)
    {
        var from = 0;
        for (var at = 1; at < word.Length; at++)
        {
            if (!BreaksAt(word, at)) continue;
            chunks.Add(word[from..at]);
            from = at;
        }
        chunks.Add(word[from..]);
    }

    // Behind a hyphen between letters; before and behind a dash of several hyphens between words.
    private static bool BreaksAt(string word, int at)
    {
        if (word[at] == '-' && IsDash(word, at)) return true;
        if (word[at - 1] != '-') return false;
        var dash = at - 1;
        while (dash > 0 && word[dash - 1] == '-') dash--;
        if (dash > 0 && at - dash > 1) return word[at] != '-' && IsDash(word, dash);
        if (at < 3 || !IsLetter(word[at - 2])) return false;
        var before = IsLetter(word[at - 3]) || (at >= 4 && word[at - 3] == '-' && IsLetter(word[at - 4]));
        if (!before || !IsLetter(word[at])) return false;
        var next = at + 1 < word.Length && word[at + 1] == '-' ? at + 2 : at + 1;
        return next < word.Length && IsLetter(word[next]);
    }

    private static bool IsDash(string word, int at)
    {
        if (at == 0 || !(IsWord(word[at - 1]) || word[at - 1] is '!' or '"' or '\'' or '&' or '.' or ',' or '?')) return false;
        var end = at;
        while (end < word.Length && word[end] == '-') end++;
        return end - at >= 2 && end < word.Length && IsWord(word[end]);
    }

    private static bool IsWord(char c) => c == '_' || char.IsLetterOrDigit(c);

    private static bool IsLetter(char c) => c == '_' || char.IsLetter(c);
}
