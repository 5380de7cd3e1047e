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
        new(new("strip", ["chars"]), static (_, self, args) => Strings.Strip(Self(self), args[0], start: true, end: true)),
        new(new("lstrip", ["chars"]), static (_, self, args) => Strings.Strip(Self(self), args[0], start: true, end: false)),
        new(new("rstrip", ["chars"]), static (_, self, args) => Strings.Strip(Self(self), args[0], start: false, end: true)),
        new(new("split", ["sep", "maxsplit"]), Split),
        new(new("rsplit", ["sep", "maxsplit"]), SplitFromEnd),
        new(new("splitlines", []), static (r, self, _) => ListValue.Of([.. Strings.Lines(r, Self(self)).Select(JinjaValue.From)])),
        new(new("replace", ["old", "new", "count"], required: 2), Replace),
        new(new("startswith", ["prefix"], required: 1), static (r, self, args) =>
            Any(r, args[0], part => Self(self).StartsWith(part, StringComparison.Ordinal))),
        new(new("endswith", ["suffix"], required: 1), static (r, self, args) =>
            Any(r, args[0], part => Self(self).EndsWith(part, StringComparison.Ordinal))),
        new(new("removeprefix", ["prefix"], required: 1), static (r, self, args) =>
            RemovePrefix(Self(self), Arg.Text(r, args[0], "the prefix"))),
        new(new("removesuffix", ["suffix"], required: 1), static (r, self, args) =>
            RemoveSuffix(Self(self), Arg.Text(r, args[0], "the suffix"))),
        new(new("join", ["items"], required: 1), Join),
        new(new("find", ["part"], required: 1), static (r, self, args) => Find(r, self, args, last: false)),
        new(new("rfind", ["part"], required: 1), static (r, self, args) => Find(r, self, args, last: true)),
        new(new("index", ["part"], required: 1), static (r, self, args) =>
            Find(r, self, args, last: false) is { Bits: >= 0 } found ? found : throw r.Fail("substring not found")),
        new(new("count", ["part"], required: 1), Count),
        new(new("center", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 0.5)),
        new(new("ljust", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 0)),
        new(new("rjust", ["width", "fill"], required: 1), static (r, self, args) => Pad(r, self, args, 1)),
        new(new("zfill", ["width"], required: 1), ZeroFill),
        new(new("isdigit", []), static (_, self, _) => IsAll(Self(self), char.IsDigit)),
        new(new("isalpha", []), static (_, self, _) => IsAll(Self(self), char.IsLetter)),
        new(new("isalnum", []), static (_, self, _) => IsAll(Self(self), char.IsLetterOrDigit)),
        new(new("isspace", []), static (_, self, _) => IsAll(Self(self), char.IsWhiteSpace)),
        new(new("isupper", []), static (_, self, _) => IsCased(Self(self), char.IsUpper, char.IsLower)),
        new(new("islower", []), static (_, self, _) => IsCased(Self(self), char.IsLower, char.IsUpper)),
    ];

    private static string Self(JinjaValue self) => (string)self.Ref!;

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
        if (separator is null or "") throw r.Fail("rsplit without a separator is not supported yet");
        return ListValue.Of([.. Strings.SplitFromEnd(r, Self(self), separator, Arg.Integer(r, args[1], "maxsplit", -1))]);
    }

    private static JinjaValue Replace(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var (old, with) = (Arg.Text(r, args[0], "the old text"), Arg.Text(r, args[1], "the new text"));
        return Strings.Replace(r, Self(self), old, with, Arg.Integer(r, args[2], "the count", -1));
    }

    private static bool Any(RenderState r, JinjaValue parts, Func<string, bool> matches)
    {
        if (parts.Ref is not ListValue { IsTuple: true } several) return matches(Arg.Text(r, parts, "the text looked for"));
        foreach (var part in several.Items)
        {
            if (matches(Arg.Text(r, part, "the text looked for"))) return true;
        }
        return false;
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
        var (text, part) = (Self(self), Arg.Text(r, args[0], "the text looked for"));
        var found = last ? text.LastIndexOf(part, StringComparison.Ordinal) : text.IndexOf(part, StringComparison.Ordinal);
        return found <= 0 ? found : (long)CodePoints.Count(text[..found]);
    }

    private static JinjaValue Count(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var (text, part) = (Self(self), Arg.Text(r, args[0], "the text looked for"));
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

    private static bool IsAll(string text, Func<char, bool> holds) => text.Length > 0 && text.All(holds);

    private static bool IsCased(string text, Func<char, bool> wanted, Func<char, bool> other) => text.Any(wanted) && !text.Any(other);
}
