using System.Globalization;

namespace Capillary.Fleet.Documents;

/// <summary>How bad a diagnostic is. A commit with one <see cref="Error"/> changes nothing anywhere.</summary>
public enum DiagnosticSeverity
{
    Error,
    Warning,
}

/// <summary>A place in a text; both count from 1, and 0 means "the whole file".</summary>
public readonly record struct TextPosition(int Line, int Column)
{
    /// <summary>The file as a whole.</summary>
    public static TextPosition WholeFile => default;
}

/// <summary>One thing wrong with a commit, for the person who wrote it.</summary>
/// <param name="Severity">Errors stop the commit, warnings do not.</param>
/// <param name="Code">One of <see cref="DiagnosticCodes"/>, such as <c>CAP0203</c>.</param>
/// <param name="File">Path in the repository, <c>/</c>-separated; empty for the repository as a whole.</param>
/// <param name="Line">From 1; 0 for the whole file.</param>
/// <param name="Column">From 1; 0 for the whole file.</param>
/// <param name="Message">What is wrong, in one sentence.</param>
/// <param name="Suggestion">What to write instead, when that is known.</param>
public sealed record Diagnostic(
    DiagnosticSeverity Severity, string Code, string File, int Line, int Column, string Message, string? Suggestion = null)
    : IComparable<Diagnostic>
{
    /// <summary>An error at a place of a file.</summary>
    public static Diagnostic Error(DiagnosticCode code, string file, TextPosition at, string message, string? suggestion = null) =>
        new(DiagnosticSeverity.Error, code.Id, file, at.Line, at.Column, message, suggestion);

    /// <summary>By file, place, code and message, all ordinal: the order in which they are shown.</summary>
    public int CompareTo(Diagnostic? other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(File, other.File);
        if (order == 0) order = Line.CompareTo(other.Line);
        if (order == 0) order = Column.CompareTo(other.Column);
        if (order == 0) order = string.CompareOrdinal(Code, other.Code);
        return order != 0 ? order : string.CompareOrdinal(Message, other.Message);
    }

    public static bool operator <(Diagnostic left, Diagnostic right) => left.CompareTo(right) < 0;
    public static bool operator <=(Diagnostic left, Diagnostic right) => left.CompareTo(right) <= 0;
    public static bool operator >(Diagnostic left, Diagnostic right) => left.CompareTo(right) > 0;
    public static bool operator >=(Diagnostic left, Diagnostic right) => left.CompareTo(right) >= 0;

    /// <summary><c>file:line:col: error CAP0203: message</c>, and the suggestion in a second line.</summary>
    public override string ToString()
    {
        var place = Line == 0 ? File : string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}");
        if (place.Length == 0) place = "(repository)";
        var text = $"{place}: {(Severity == DiagnosticSeverity.Error ? "error" : "warning")} {Code}: {Message}";
        return Suggestion is null ? text : $"{text}\n  help: {Suggestion}";
    }
}

/// <summary>Every diagnostic of a commit, sorted, at most <see cref="MaxShown"/>.</summary>
/// <param name="Shown">The first ones in order; errors are kept before warnings.</param>
/// <param name="Hidden">How many more there are.</param>
/// <param name="ErrorCount">All errors, shown or not.</param>
public sealed record DiagnosticList(IReadOnlyList<Diagnostic> Shown, int Hidden, int ErrorCount)
{
    /// <summary>The most diagnostics that are shown for one commit.</summary>
    public const int MaxShown = 1000;

    /// <summary>Nothing to say.</summary>
    public static DiagnosticList None { get; } = new([], 0, 0);

    /// <summary>True when the commit must not be used.</summary>
    public bool HasErrors => ErrorCount > 0;

    /// <summary>Sorts, removes what is said twice, and caps.</summary>
    public static DiagnosticList From(IEnumerable<Diagnostic> all)
    {
        var distinct = all.Distinct().ToList();
        if (distinct.Count == 0) return None;
        var kept = distinct.OrderBy(item => item.Severity).ThenBy(item => item).Take(MaxShown).ToList();
        kept.Sort();
        return new DiagnosticList(kept, distinct.Count - kept.Count, distinct.Count(item => item.Severity == DiagnosticSeverity.Error));
    }
}
