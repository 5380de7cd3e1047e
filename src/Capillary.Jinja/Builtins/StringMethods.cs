using Capillary.Jinja.Formats;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    internal static readonly Builtin[] All =
    [
        new(new("upper", []), static (_, self, _) => Self(self).ToUpperInvariant()),
        new(new("lower", []), static (_, self, _) => Self(self).ToLowerInvariant()),
        new(new("title", []), static (_, self, _) => Strings.TitleByLetters(Self(self))),
        new(new("capitalize", []), static (_, self, _) => Strings.Capitalize(Self(self))),
        new(new("strip", ["chars"]), static (r, self, args) => Strip(r, self, args, start: true, end: true)),
        new(new("lstrip", ["chars"]), static (r, self, args) => Strip(r, self, args, start: true, end: false)),
        new(new("rstrip", ["chars"]), static (r, self, args) => Strip(r, self, args, start: false, end: true)),
        new(new("split", ["sep", "maxsplit"]), Split),
        new(new("rsplit", ["sep", "maxsplit"]), SplitFromEnd),
        new(new("splitlines", ["keepends"]), static (r, self, args) =>
            ListValue.Of([.. Strings.Lines(r, Self(self), Arg.Flag(r, args[0])).Select(JinjaValue.From)])),
        new(new("replace", ["old", "new", "count"], required: 2), Replace),
        new(new("startswith", ["prefix", "start", "end"], required: 1), static (r, self, args) =>
            Any(r, Part(r, self, args, 1), args[0], static (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        new(new("endswith", ["suffix", "start", "end"], required: 1), static (r, self, args) =>
            Any(r, Part(r, self, args, 1), args[0], static (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        new(new("removeprefix", ["prefix"], required: 1), static (r, self, args) =>
            RemovePrefix(Self(self), Arg.Text(r, args[0], "the prefix"))),
        new(new("removesuffix", ["suffix"], required: 1), static (r, self, args) =>
            RemoveSuffix(Self(self), Arg.Text(r, args[0], "the suffix"))),
        new(new("join", ["items"], required: 1), Join),
        new(new("find", ["part", "start", "end"], required: 1), static (r, self, args) => Find(r, self, args, last: false)),
        new(new("rfind", ["part", "start", "end"], required: 1), static (r, self, args) => Find(r, self, args, last: true)),
        new(new("index", ["part", "start", "end"], required: 1), static (r, self, args) =>
            Find(r, self, args, last: false) is { Bits: >= 0 } found ? found : throw r.Fail("substring not found")),
        new(new("rindex", ["part", "start", "end"], required: 1), static (r, self, args) =>
            Find(r, self, args, last: true) is { Bits: >= 0 } found ? found : throw r.Fail("substring not found")),
        new(new("count", ["part", "start", "end"], required: 1), Count),
        new(new("center", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 0.5)),
        new(new("ljust", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 0)),
        new(new("rjust", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 1)),
        new(new("zfill", ["width"], required: 1), ZeroFill),
        new(new("casefold", []), static (_, self, _) => Self(self).ToLowerInvariant().Replace("ß", "ss")),
        new(new("swapcase", []), static (_, self, _) => string.Create(Self(self).Length, Self(self), static (span, text) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsUpper(text[i]) ? char.ToLowerInvariant(text[i]) : char.ToUpperInvariant(text[i]);
        })),
        new(new("expandtabs", ["tabsize"]), static (r, self, args) =>
            Strings.ExpandTabs(r, Self(self), Arg.Integer(r, args[0], "the tab size", 8))),
        new(new("partition", ["sep"], required: 1), static (r, self, args) => Partition(r, self, args[0], last: false)),
        new(new("rpartition", ["sep"], required: 1), static (r, self, args) => Partition(r, self, args[0], last: true)),
        new(new("format", [], rest: true, anyNamed: true), static (r, self, args) =>
            BraceFormat.Apply(r, self, args[1..], (MapValue)args[0].Ref!)),
        new(new("format_map", ["mapping"], required: 1), static (r, self, args) =>
            BraceFormat.Apply(r, self, [], args[0].Ref as MapValue ?? throw r.Fail("format_map takes a mapping"))),
    ];

    private static string Self(JinjaValue self) => (string)self.Ref!;

    private static string Strip(RenderState r, JinjaValue self, JinjaValue[] args, bool start, bool end) =>
        Strings.Strip(Self(self), Arg.TextOrNull(r, args[0], "chars"), start, end);

    private static JinjaValue Split(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var separator = Arg.TextOrNull(r, args[0], "the separator");
        if (separator is "") throw r.Fail("empty separator");
        return ListValue.Of([.. Strings.Split(r, Self(self), separator, Arg.Integer(r, args[1], "maxsplit", -1))]);
    }

    private static JinjaValue SplitFromEnd(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var separator = Arg.TextOrNull(r, args[0], "the separator");
        if (separator is null && args[1].IsAbsent) return Split(r, self, args);
        if (separator is "") throw r.Fail("empty separator");
        var most = Arg.Integer(r, args[1], "maxsplit", -1);
        return ListValue.Of([.. separator is null
            ? Strings.SplitFromEndAtBlanks(r, Self(self), most)
            : Strings.SplitFromEnd(r, Self(self), separator, most)]);
    }

    private static JinjaValue Replace(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var (old, with) = (Arg.Text(r, args[0], "the old text"), Arg.Text(r, args[1], "the new text"));
        return Strings.Replace(r, Self(self), old, with, Arg.Integer(r, args[2], "the count", -1));
    }

    private static bool Any(RenderState r, string? text, JinjaValue parts, Func<string, string, bool> matches)
    {
        var wanted = parts.Ref is ListValue { IsTuple: true } several ? several.Items : [parts];
        var texts = Array.ConvertAll(wanted, part => Arg.Text(r, part, "the text looked for"));
        return text is not null && Array.Exists(texts, part => matches(text, part));
    }

    // What the arguments start and end leave of the text; null if they leave less than nothing.
    private static string? Part(RenderState r, JinjaValue self, JinjaValue[] args, int first)
    {
        if (args[first].IsAbsent && args[first + 1].IsAbsent) return Self(self);
        var start = args[first].IsNone ? 0 : Arg.Integer(r, args[first], "the start", 0);
        if (start > CodePoints.Count(Self(self))) return null;
        return (string)Sequences.Slice(r, self, args[first], args[first + 1], default).Ref!;
    }

    private static JinjaValue Partition(RenderState r, JinjaValue self, JinjaValue separator, bool last)
    {
        var (text, part) = (Self(self), Arg.Text(r, separator, "the separator"));
        if (part.Length == 0) throw r.Fail("empty separator");
        r.ChargeSearch(text, part);
        var at = last ? text.LastIndexOf(part, StringComparison.Ordinal) : text.IndexOf(part, StringComparison.Ordinal);
        if (at < 0) return last ? ListValue.TupleOf("", "", text) : ListValue.TupleOf(text, "", "");
        return ListValue.TupleOf(text[..at], part, text[(at + part.Length)..]);
    }

    private static string RemovePrefix(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;

    private static string RemoveSuffix(string text, string suffix) =>
        text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;

    private static JinjaValue Join(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var mark = r.Output.Length;
        var items = Sequences.Items(r, args[0]);
        for (var i = 0; i < items.Length; i++)
        {
            r.Charge();
            if (i > 0) r.Output.Append(Self(self));
            r.Output.Append(Arg.Text(r, items[i], "every item joined"));
        }
        return r.Output.TakeFrom(mark);
    }

    private static JinjaValue Find(RenderState r, JinjaValue self, JinjaValue[] args, bool last)
    {
        var part = Arg.Text(r, args[0], "the text looked for");
        if (Part(r, self, args, 1) is not { } text) return -1L;
        r.ChargeSearch(text, part);
        var found = last ? text.LastIndexOf(part, StringComparison.Ordinal) : text.IndexOf(part, StringComparison.Ordinal);
        if (found < 0) return -1L;
        var start = args[1].IsAbsent || args[1].IsNone ? 0 : Arg.Integer(r, args[1], "the start", 0);
        if (start < 0) start = Math.Max(0, start + CodePoints.Count(Self(self)));
        return start + CodePoints.Count(text[..found]);
    }

    private static JinjaValue Count(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var part = Arg.Text(r, args[0], "the text looked for");
        if (Part(r, self, args, 1) is not { } text) return 0L;
        r.ChargeSearch(text, part);
        return part.Length == 0 ? CodePoints.Count(text) + 1L : text.AsSpan().Count(part);
    }

    private static JinjaValue Pad(RenderState r, JinjaValue self, JinjaValue[] args, double leftShare)
    {
        var fill = Arg.Text(r, args[1], "the fill", " ");
        if (CodePoints.Count(fill) != 1) throw r.Fail("the fill must be exactly one character long");
        return Strings.Pad(r, Self(self), Arg.Integer(r, args[0], "the width", 0), fill, leftShare);
    }

    private static JinjaValue ZeroFill(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = Self(self);
        var sign = text.StartsWith('-') || text.StartsWith('+') ? text[..1] : "";
        return sign + Strings.Pad(r, text[sign.Length..], Arg.Integer(r, args[0], "the width", 0) - sign.Length, "0", 1);
    }
}
