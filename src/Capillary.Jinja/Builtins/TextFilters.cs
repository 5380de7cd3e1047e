using System.Text;
using Capillary.Jinja.Formats;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters that make text of text.</summary>
internal static class TextFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("string", []), static (r, self, _) => self.IsMarkup ? self : JinjaValue.From(r.Text(self))),
        new(new("upper", []), static (r, self, _) => Same(r, self, static text => text.ToUpperInvariant())),
        new(new("lower", []), static (r, self, _) => Same(r, self, static text => text.ToLowerInvariant())),
        new(new("capitalize", []), static (r, self, _) => Same(r, self, Strings.Capitalize)),
        new(new("title", []), static (r, self, _) => Strings.TitleByBlanks(r.Text(self))),
        new(new("trim", ["chars"]), static (r, self, args) =>
            Same(r, self, text => Strings.Strip(text, Arg.TextOrNull(r, args[0], "chars"), start: true, end: true))),
        new(new("replace", ["old", "new", "count"], required: 2), Replace),
        new(new("indent", ["width", "first", "blank"]), Indent),
        new(new("center", ["width"]), static (r, self, args) =>
            Same(r, self, text => Strings.Pad(r, text, Arg.Integer(r, args[0], "the width", 80), " ", 0.5))),
        new(new("wordcount", []), static (r, self, _) => WordCount(r.Text(self))),
        new(new("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"]), WordWrap),
        new(new("truncate", ["length", "killwords", "end", "leeway"]), Truncate),
        new(new("format", [], rest: true, anyNamed: true), Format),
        new(new("pprint", []), static (r, self, _) => PrettyText.Write(r, self)),
    ];

    private static JinjaValue Same(RenderState r, JinjaValue self, Func<string, string> change) =>
        RenderState.AsSafeAs(self, change(r.Text(self)));

    private static JinjaValue Replace(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var count = args[2].IsNone ? -1 : Arg.Integer(r, args[2], "the count", -1);
        if (r.Autoescape && (args[0].IsMarkup || (args[1].IsMarkup && !self.IsMarkup))) self = Markup.Escape(r, self);
        var isSafe = r.Autoescape && self.IsMarkup;
        var with = isSafe ? Markup.Escape(r, args[1]) : args[1];
        var text = Strings.Replace(r, r.Text(self), r.Text(args[0]), r.Text(with), count);
        return isSafe ? JinjaValue.Markup(text) : text;
    }

    private static JinjaValue Indent(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = Arg.Text(r, self, "the text");
        var pad = args[0].Ref as string ?? Arg.Blanks(r, args[0], "the width", 4);
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
        return RenderState.AsSafeAs(self, r.Output.TakeFrom(mark));
    }

    private static long WordCount(string text)
    {
        var (count, inside) = (0L, false);
        foreach (var c in text.EnumerateRunes())
        {
            var isWord = Rune.IsLetter(c) || Rune.IsNumber(c) || c.Value == '_';
            if (isWord && !inside) count++;
            inside = isWord;
        }
        return count;
    }

    private static JinjaValue WordWrap(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = Arg.Text(r, self, "the text");
        var width = (int)Math.Clamp(Arg.Integer(r, args[0], "the width", 79), -1, int.MaxValue);
        if (width <= 0) throw r.Fail("the width must be more than 0");
        var breakLong = args[1].IsAbsent || Sequences.IsTrue(r, args[1]);
        var onHyphens = args[3].IsAbsent || Sequences.IsTrue(r, args[3]);
        var separator = Arg.TextOrNull(r, args[2], "the wrap string") ?? r.Program.Options.NewlineSequence;
        var wrap = new TextWrap(r, width, breakLong, onHyphens);
        var mark = r.Output.Length;
        var first = true;
        foreach (var line in Strings.Lines(r, text))
        {
            if (!first) r.Output.Append(separator);
            first = false;
            var wrapped = wrap.Wrap(line);
            for (var i = 0; i < wrapped.Count; i++)
            {
                if (i > 0) r.Output.Append(separator);
                r.Output.Append(wrapped[i]);
            }
        }
        return r.Output.TakeFrom(mark);
    }

    private static JinjaValue Truncate(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var length = Arg.Integer(r, args[0], "the length", 255);
        var end = Arg.Text(r, args[2], "the end", "...");
        var leeway = args[3].IsNone ? 5 : Arg.Integer(r, args[3], "the leeway", 5);
        if (length < CodePoints.Count(end)) throw r.Fail($"expected length >= {CodePoints.Count(end)}, got {length}");
        if (leeway < 0) throw r.Fail($"expected leeway >= 0, got {leeway}");
        // What is short enough comes back as it is, whatever it is.
        if (self.Ref is not string && Sequences.Length(r, self) - leeway <= length) return self;
        var text = Arg.Text(r, self, "the text");
        if (CodePoints.Count(text) - leeway <= length) return self;
        var kept = (string)Sequences.Slice(r, text, default, length - CodePoints.Count(end), default).Ref!;
        if (!Arg.Flag(r, args[1]) && kept.LastIndexOf(' ') is >= 0 and var blank) kept = kept[..blank];
        return Arithmetic.Add(r, RenderState.AsSafeAs(self, kept), args[2].Or(end));
    }

    private static JinjaValue Format(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var named = (MapValue)args[0].Ref!;
        if (named.Count > 0 && args.Length > 1) throw r.Fail("can't handle positional and keyword arguments at the same time");
        var text = self.IsMarkup ? self : r.Text(self);
        return PrintfFormat.Apply(r, text, named.Count > 0 ? new JinjaValue(named) : ListValue.TupleOf(args[1..]));
    }
}
