using System.Text.RegularExpressions;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Compile;

/// <summary>
/// One file below an app's templates folder, ready to render. Names that end in <c>.j2</c> and all YAML are rendered; every other file is
/// copied as it is, so it may be binary. A path with <c>{</c> is rendered segment by segment.
/// </summary>
internal sealed partial class TemplateProgram
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
    private const char PartialMark = '_';

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

    /// <summary>Whether a file is there only for other templates of its app to include, import or extend.</summary>
    public static bool IsPartial(string relativePath) => relativePath[(relativePath.LastIndexOf('/') + 1)..].StartsWith(PartialMark);

    /// <summary>Null after reporting.</summary>
    /// <param name="file">The file.</param>
    /// <param name="relativePath">Its path below the templates folder.</param>
    /// <param name="environment">Has the app's partials.</param>
    /// <param name="bag">Of this file.</param>
    public static TemplateProgram? Parse(TreeFile file, string relativePath, JinjaEnvironment environment, DiagnosticBag bag)
    {
        var isTemplate = relativePath.EndsWith(Suffix, StringComparison.Ordinal);
        var path = isTemplate ? relativePath[..^Suffix.Length] : relativePath;
        var holdsObjects = path.EndsWith(".yaml", StringComparison.Ordinal) || path.EndsWith(".yml", StringComparison.Ordinal);
        JinjaTemplate? content = null;
        string? source = null;
        if (isTemplate || holdsObjects)
        {
            if ((source = DocumentParser.Decode(file, bag)) is null) return null;
            if ((content = Parse(environment, source, relativePath, bag, inPath: false)) is null) return null;
        }
        List<JinjaTemplate>? segments = null;
        if (path.Contains('{'))
        {
            var parsed = path.Split('/').Select(segment => Parse(environment, segment, relativePath, bag, inPath: true)).ToList();
            if (parsed.Contains(null)) return null;
            segments = [.. parsed.OfType<JinjaTemplate>()];
        }
        return new TemplateProgram(file, path) { HoldsObjects = holdsObjects, Content = content, Source = source, PathSegments = segments };
    }

    private static JinjaTemplate? Parse(JinjaEnvironment environment, string source, string name, DiagnosticBag bag, bool inPath)
    {
        try
        {
            var template = environment.Parse(source, name);
            if (!template.ReadsAnything) return template;
            Unknown(environment, source, bag);
            return null;
        }
        catch (JinjaException e) when (e.Template != name)
        {
            // That template has an error of its own.
            return null;
        }
        catch (JinjaException e)
        {
            var at = inPath ? TextPosition.WholeFile : new TextPosition(e.Line, e.Column);
            bag.Error(DiagnosticCodes.TemplateSyntax, at, inPath ? $"in the file's path: {e.Reason}" : e.Reason, Help(e));
            return null;
        }
    }

    /// <summary>What a template reads must be known before it is rendered, so also what it includes.</summary>
    private static void Unknown(JinjaEnvironment environment, string source, DiagnosticBag bag)
    {
        const string Help = "name a file below this app's templates/ that begins with '_', in quotes";
        foreach (Match tag in Inclusion().Matches(source))
        {
            var at = Utf8Text.PositionOf(source, tag.Groups["what"].Index);
            if (!tag.Groups["name"].Success)
                bag.Error(DiagnosticCodes.TemplateSyntax, at, "only rendering would tell which template this is", Help);
            else if (environment.Loader!(tag.Groups["name"].Value) is null)
                bag.Error(DiagnosticCodes.TemplateSyntax, at, $"there is no template '{tag.Groups["name"].Value}' to {tag.Groups["tag"]}", Help);
        }
        // A template that is there has an error of its own.
    }

    [GeneratedRegex("""\{%[-+]?\s*(?<tag>include|extends|import|from)\s+(?<what>(?<quote>['"])(?<name>[^'"]*)\k<quote>|[^\s])""")]
    private static partial Regex Inclusion();

    /// <summary>The exception's hint as a sentence.</summary>
    public static string? Help(JinjaException e) => e.Suggestion is null ? null : $"did you mean '{e.Suggestion}'?";
}
