using System.Runtime.CompilerServices;

namespace Capillary.Jinja.Syntax;

/// <summary>The source with line ends made <c>\n</c>, and the way from an offset to line and column.</summary>
internal sealed class SourceText
{
    internal SourceText(string name, string text)
    {
        Name = name;
        Text = text.Contains('\r') ? text.Replace("\r\n", "\n").Replace('\r', '\n') : text;
    }

    internal string Name { get; }

    internal string Text { get; }

    internal JinjaPlace PlaceOf(int at)
    {
        var before = Text.AsSpan(0, Math.Clamp(at, 0, Text.Length));
        return new JinjaPlace(Name, 1 + before.Count('\n'), before.Length - before.LastIndexOf('\n'), "");
    }

    /// <summary>Bounds what recurs over the source: by count, and by the stack that is left, for a render may have come here.</summary>
    internal void CheckDepth(int depth, int most, int position)
    {
        if (depth > most || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Fail(JinjaErrorKind.Limit, position, $"the template nests deeper than {most} levels", null, []);
    }

    /// <summary>An error of the source itself.</summary>
    internal JinjaException Fail(int at, string reason, string? suggestion = null) =>
        Fail(JinjaErrorKind.Syntax, at, reason, suggestion, []);

    internal JinjaException Fail(JinjaErrorKind kind, int at, string reason, string? suggestion, IReadOnlyList<JinjaPlace> chain) =>
        new(kind, PlaceOf(at), reason, suggestion, chain);
}
