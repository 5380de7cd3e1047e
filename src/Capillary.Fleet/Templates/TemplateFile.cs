using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>One file below a template repository's <c>template/</c>, ready to render.</summary>
/// <param name="Path">Below that folder, before it is rendered.</param>
/// <param name="Raw">As it stands in the repository.</param>
internal sealed record TemplateFile(string Path, MergeFile Raw)
{
    /// <summary>The path's template; null when it is fixed.</summary>
    public JinjaTemplate? Name { get; private init; }

    /// <summary>The content's (or a link's target's) template; null when the bytes are copied.</summary>
    public JinjaTemplate? Content { get; private init; }

    /// <summary>All must render to something.</summary>
    public IReadOnlyList<JinjaTemplate> Conditions { get; private init; } = [];

    /// <summary>Output gets the line ends of the template, which Jinja reads as LF.</summary>
    private bool HasCarriageReturns { get; init; }

    /// <summary>For diagnostics.</summary>
    public string Source => TemplateManifest.Folder + Path;

    /// <summary>Null after reporting.</summary>
    public static TemplateFile? Parse(string path, MergeFile raw, TemplateManifest manifest, TemplateEngine engine,
        List<Diagnostic> problems)
    {
        var source = TemplateManifest.Folder + path;
        if (raw.Kind == TreeEntryKind.Submodule)
        {
            problems.Add(Diagnostic.Error(DiagnosticCodes.LinkInTree, source, TextPosition.WholeFile,
                "is a Git submodule; submodules are not read"));
            return null;
        }
        try
        {
            // Whatever is no text is copied, whether it is excluded or not.
            var isExcluded = raw.Kind != TreeEntryKind.SymbolicLink && manifest.Excluded.Any(pattern => pattern.Matches(path));
            var text = TextMerge.IsText(raw.Bytes.Span) && !isExcluded ? Encoding.UTF8.GetString(raw.Bytes.Span) : null;
            var conditions = manifest.Conditions.Where(condition => condition.Files.Matches(path))
                .Select(condition => Condition(condition, manifest, engine));
            return new TemplateFile(path, raw)
            {
                Name = path.Contains('{', StringComparison.Ordinal) ? engine.Parse(path, source) : null,
                Content = text is not null ? engine.Parse(text, source) : null,
                Conditions = [.. conditions],
                HasCarriageReturns = manifest.Form == TemplateForm.Capillary && text?.Contains("\r\n", StringComparison.Ordinal) == true,
            };
        }
        catch (JinjaException e)
        {
            problems.Add(engine.ProblemInFolder(e));
            return null;
        }
    }

    /// <summary>Null when it does not exist with these values.</summary>
    /// <exception cref="JinjaException">A template fails.</exception>
    public (string Path, MergeFile File)? Render(JinjaValue context, CancellationToken stop)
    {
        if (Conditions.Any(condition => condition.Render(context, stop).Length == 0)) return null;
        var path = Name is null ? Path : Name.Render(context, stop);
        if (Content is null) return (path, Raw);
        var text = Content.Render(context, stop);
        if (HasCarriageReturns) text = text.Replace("\n", "\r\n", StringComparison.Ordinal);
        return (path, new MergeFile(Raw.Kind, Encoding.UTF8.GetBytes(text)));
    }

    private static JinjaTemplate Condition(FileCondition condition, TemplateManifest manifest, TemplateEngine engine) =>
        engine.Parse($"{{% if {condition.When} %}}1{{% endif %}}", $"{manifest.File}:{condition.At.Line} (when)");
}
