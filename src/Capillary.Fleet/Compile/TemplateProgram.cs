using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Compile;

/// <summary>
/// One file below an app's templates folder, ready to render. Names that end in <c>.j2</c> and all YAML are rendered; every other file is
/// copied as it is, so it may be binary. A path with <c>{</c> is rendered segment by segment.
/// </summary>
internal sealed class TemplateProgram
{
    /// <summary>Blocks leave no blank lines behind, as authors of YAML expect; the last newline stays.</summary>
    public static readonly JinjaOptions Options = new()
    {
        TrimBlocks = true,
        LstripBlocks = true,
        KeepTrailingNewline = true,
        MaxOutputChars = 4 << 20,
        MaxSteps = 2_000_000,
    };

    private const string Suffix = ".j2";

    private TemplateProgram(TreeFile file, string path) => (File, Path) = (file, path);

    /// <summary>The file in the repository.</summary>
    public TreeFile File { get; }

    /// <summary>Below the templates folder, without <c>.j2</c>, not yet rendered.</summary>
    public string Path { get; }

    /// <summary>Rendered output holds objects; else it is a plain file.</summary>
    public bool HoldsObjects { get; private init; }

    /// <summary>Null: the bytes are copied.</summary>
    public JinjaTemplate? Content { get; private init; }

    /// <summary>The template's text; null when it is copied.</summary>
    public string? Source { get; private init; }

    /// <summary>One template per path segment; null when the path is fixed.</summary>
    public IReadOnlyList<JinjaTemplate>? PathSegments { get; private init; }

    public IEnumerable<JinjaTemplate> Templates => (PathSegments ?? []).Concat(Content is null ? [] : [Content]);

    /// <summary>Null after reporting.</summary>
    public static TemplateProgram? Parse(TreeFile file, string relativePath, DiagnosticBag bag)
    {
        var isTemplate = relativePath.EndsWith(Suffix, StringComparison.Ordinal);
        var path = isTemplate ? relativePath[..^Suffix.Length] : relativePath;
        var holdsObjects = path.EndsWith(".yaml", StringComparison.Ordinal) || path.EndsWith(".yml", StringComparison.Ordinal);
        JinjaTemplate? content = null;
        string? source = null;
        if (isTemplate || holdsObjects)
        {
            if ((source = DocumentParser.Decode(file, bag)) is null) return null;
            if ((content = Parse(source, file.Path, bag, inPath: false)) is null) return null;
        }
        List<JinjaTemplate>? segments = null;
        if (path.Contains('{'))
        {
            var parsed = path.Split('/').Select(segment => Parse(segment, file.Path, bag, inPath: true)).ToList();
            if (parsed.Contains(null)) return null;
            segments = [.. parsed.OfType<JinjaTemplate>()];
        }
        return new TemplateProgram(file, path) { HoldsObjects = holdsObjects, Content = content, Source = source, PathSegments = segments };
    }

    private static JinjaTemplate? Parse(string source, string name, DiagnosticBag bag, bool inPath)
    {
        try
        {
            return JinjaTemplate.Parse(source, name, Options);
        }
        catch (JinjaException e)
        {
            var at = inPath ? TextPosition.WholeFile : new TextPosition(e.Line, e.Column);
            bag.Error(DiagnosticCodes.TemplateSyntax, at, inPath ? $"in the file's path: {e.Reason}" : e.Reason, Help(e));
            return null;
        }
    }

    /// <summary>The exception's hint as a sentence.</summary>
    public static string? Help(JinjaException e) => e.Suggestion is null ? null : $"did you mean '{e.Suggestion}'?";
}
