namespace Capillary.Jinja;

/// <summary>What went wrong with a template.</summary>
public enum JinjaErrorKind
{
    /// <summary>The source is no template.</summary>
    Syntax,

    /// <summary>A value is used that is not there.</summary>
    Undefined,

    /// <summary>An operation does not fit its values.</summary>
    Runtime,

    /// <summary>The loader has no template of that name.</summary>
    TemplateNotFound,

    /// <summary>The template takes more than <see cref="JinjaOptions"/> allow.</summary>
    Limit,
}

/// <summary>A place in a template.</summary>
/// <param name="Template">Its name.</param>
/// <param name="Line">Line in the source, from 1.</param>
/// <param name="Column">Column in the line, in UTF-16 units, from 1.</param>
/// <param name="Role">How one got from here to the next inner place: <c>included</c>, <c>imported</c>, <c>extended</c> or <c>called</c>.</param>
public sealed record JinjaPlace(string Template, int Line, int Column, string Role)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Role} from {Template}:{Line}:{Column}";
}

/// <summary>A template that does not parse or does not render: where, why, and what was perhaps meant.</summary>
public sealed class JinjaException : Exception
{
    internal JinjaException(JinjaErrorKind kind, JinjaPlace place, string reason, string? suggestion, IReadOnlyList<JinjaPlace> chain)
        : base(Describe(place, reason, suggestion, chain))
    {
        Kind = kind;
        Place = place;
        Reason = reason;
        Suggestion = suggestion;
        Chain = chain;
    }

    /// <summary>What kind of error this is.</summary>
    public JinjaErrorKind Kind { get; }

    /// <summary>The name of the template that the error is in.</summary>
    public string Template => Place.Template;

    /// <summary>Line in the source, from 1.</summary>
    public int Line => Place.Line;

    /// <summary>Column in the line, in UTF-16 units, from 1.</summary>
    public int Column => Place.Column;

    /// <summary>The bare reason, without place and suggestion.</summary>
    public string Reason { get; }

    /// <summary>A name that exists and is close to the one that does not, or null.</summary>
    public string? Suggestion { get; }

    /// <summary>How one got to this template, innermost place first; empty when it is the one that was rendered.</summary>
    public IReadOnlyList<JinjaPlace> Chain { get; }

    private JinjaPlace Place { get; }

    internal JinjaException Within(IReadOnlyList<JinjaPlace> chain) =>
        chain.Count == 0 ? this : new JinjaException(Kind, Place, Reason, Suggestion, [.. Chain, .. chain]);

    private static string Describe(JinjaPlace place, string reason, string? suggestion, IReadOnlyList<JinjaPlace> chain)
    {
        var text = $"{place.Template}:{place.Line}:{place.Column}: {reason}";
        if (suggestion is not null) text += $"; did you mean '{suggestion}'?";
        return chain.Count == 0 ? text : $"{text} ({string.Join(", ", chain)})";
    }
}
