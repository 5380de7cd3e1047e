namespace Capillary.Jinja;

/// <summary>A template that does not parse or does not render: where, why, and what was perhaps meant.</summary>
public sealed class JinjaException : Exception
{
    internal JinjaException(string template, int line, int column, string reason, string? suggestion)
        : base(Describe(template, line, column, reason, suggestion))
    {
        Template = template;
        Line = line;
        Column = column;
        Reason = reason;
        Suggestion = suggestion;
    }

    /// <summary>The name the template was parsed under.</summary>
    public string Template { get; }

    /// <summary>Line in the source, from 1.</summary>
    public int Line { get; }

    /// <summary>Column in the line, in UTF-16 units, from 1.</summary>
    public int Column { get; }

    /// <summary>The bare reason, without place and suggestion.</summary>
    public string Reason { get; }

    /// <summary>A name that exists and is close to the one that does not, or null.</summary>
    public string? Suggestion { get; }

    private static string Describe(string template, int line, int column, string reason, string? suggestion)
    {
        var text = $"{template}:{line}:{column}: {reason}";
        return suggestion is null ? text : $"{text}; did you mean '{suggestion}'?";
    }
}
