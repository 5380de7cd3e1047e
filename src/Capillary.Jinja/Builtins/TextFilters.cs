using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters that make text of text.</summary>
internal static class TextFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("string", []), static (r, self, _) => r.Text(self)),
        new(new("upper", []), static (r, self, _) => r.Text(self).ToUpperInvariant()),
        new(new("lower", []), static (r, self, _) => r.Text(self).ToLowerInvariant()),
        new(new("capitalize", []), static (r, self, _) => Strings.Capitalize(r.Text(self))),
        new(new("title", []), static (r, self, _) => Strings.TitleByBlanks(r.Text(self))),
        new(new("trim", ["chars"]), static (r, self, args) => Strings.Strip(r.Text(self), args[0], start: true, end: true)),
        new(new("replace", ["old", "new", "count"], required: 2), Replace),
        new(new("indent", ["width", "first", "blank"]), Indent),
        new(new("center", ["width"]), static (r, self, args) =>
            Strings.Pad(r, r.Text(self), Arg.Integer(r, args[0], "the width", 80), " ", 0.5)),
        new(new("wordcount", []), static (r, self, _) => WordCount(r.Text(self))),
        new(new("escape", []), static (r, self, _) => Escape(r, r.Text(self))),
        // Nothing is escaped by itself, so all text is safe already.
        new(new("safe", []), static (r, self, _) => r.Text(self)),
    ];

    private static JinjaValue Replace(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var count = args[2].IsNone ? -1 : Arg.Integer(r, args[2], "the count", -1);
        return Strings.Replace(r, r.Text(self), r.Text(args[0]), r.Text(args[1]), count);
    }

    private static JinjaValue Indent(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = r.Text(self);
        var pad = args[0].Ref as string ?? new string(' ', Width(r, args[0]));
        var (first, blank) = (Arg.Flag(r, args[1]), Arg.Flag(r, args[2]));
        // Jinja2 adds a newline before it splits, so that a newline at the end is kept.
        var lines = Strings.Lines(r, text + "\n");
        var mark = r.Output.Length;
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0) r.Output.Append('\n');
            if (i == 0 ? first : blank || lines[i].Length > 0) r.Output.Append(pad);
            r.Output.Append(lines[i]);
        }
        return r.Output.TakeFrom(mark);
    }

    private static int Width(RenderState r, JinjaValue width)
    {
        var wanted = Arg.Integer(r, width, "the width", 4);
        return wanted > r.MaxChars ? throw Arithmetic.TooLong(r) : (int)Math.Max(0, wanted);
    }

    private static long WordCount(string text)
    {
        var (count, inside) = (0L, false);
        foreach (var c in text)
        {
            var isWord = char.IsLetterOrDigit(c) || c == '_';
            if (isWord && !inside) count++;
            inside = isWord;
        }
        return count;
    }

    private static JinjaValue Escape(RenderState r, string text)
    {
        var mark = r.Output.Length;
        foreach (var c in text)
        {
            switch (c)
            {
                case '&': r.Output.Append("&amp;"); break;
                case '<': r.Output.Append("&lt;"); break;
                case '>': r.Output.Append("&gt;"); break;
                case '"': r.Output.Append("&#34;"); break;
                case '\'': r.Output.Append("&#39;"); break;
                default: r.Output.Append(c); break;
            }
        }
        return r.Output.TakeFrom(mark);
    }
}
