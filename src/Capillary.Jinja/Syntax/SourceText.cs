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

    internal JinjaException Fail(int at, string reason, string? suggestion = null)
    {
        var before = Text.AsSpan(0, Math.Clamp(at, 0, Text.Length));
        var line = 1 + before.Count('\n');
        var column = before.Length - before.LastIndexOf('\n');
        return new JinjaException(Name, line, column, reason, suggestion);
    }
}
