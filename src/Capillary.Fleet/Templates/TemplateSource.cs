using System.Text;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>Where an instance's template comes from.</summary>
/// <param name="Repository">A path or URL, as asked for.</param>
/// <param name="Version">A tag, branch or commit, as asked for.</param>
/// <param name="Commit">What that was: a full object id.</param>
public sealed record TemplateOrigin(string Repository, string Version, string Commit);

/// <summary>How reading a template repository ended.</summary>
/// <param name="Source">Null when there is a problem.</param>
/// <param name="Problems">What is wrong, at paths of the template repository.</param>
public sealed record TemplateSourceRead(TemplateSource? Source, IReadOnlyList<Diagnostic> Problems);

/// <summary>What a template makes with some values.</summary>
/// <param name="Files">By path; empty when there is a problem.</param>
/// <param name="Names">From each template's path to the path that it rendered to.</param>
/// <param name="Problems">What is wrong.</param>
/// <param name="Given">The values, and what was passed over of them.</param>
internal sealed record RenderedTemplate(IReadOnlyDictionary<string, MergeFile> Files, IReadOnlyDictionary<string, string> Names,
    IReadOnlyList<Diagnostic> Problems, GivenValues Given);

/// <summary>A template repository at one commit: its manifest and its templates, parsed. Immutable; rendered from any number of
/// threads.</summary>
public sealed class TemplateSource
{
    private const int MaxFiles = 20_000;

    /// <summary>As foxops renders: Jinja2's defaults, and the last newline stays.</summary>
    private static readonly JinjaOptions Fengine = TemplateProgram.Options with { TrimBlocks = false, LstripBlocks = false };

    private readonly TemplateEngine engine;
    private readonly IReadOnlyList<TemplateFile> files;

    private TemplateSource(TemplateManifest manifest, TemplateEngine engine, IReadOnlyList<TemplateFile> files) =>
        (Manifest, this.engine, this.files) = (manifest, engine, files);

    /// <summary>Whose rules it follows.</summary>
    public TemplateForm Form => Manifest.Form;

    /// <summary>How many templates there are.</summary>
    public int FileCount => files.Count;

    internal TemplateManifest Manifest { get; }

    /// <summary>Parses a template repository.</summary>
    /// <param name="tree">Its files, by path.</param>
    public static TemplateSourceRead Read(IReadOnlyDictionary<string, MergeFile> tree)
    {
        var name = tree.ContainsKey(TemplateManifest.CapillaryFile) ? TemplateManifest.CapillaryFile : TemplateManifest.FengineFile;
        if (!tree.TryGetValue(name, out var document))
        {
            return new(null, [Diagnostic.Error(DiagnosticCodes.ManifestMissing, "", TextPosition.WholeFile,
                $"a template repository has {TemplateManifest.CapillaryFile} (or {TemplateManifest.FengineFile} of foxops) in its root")]);
        }
        var bag = new DiagnosticBag(name);
        if (TemplateManifestReader.Read(new TreeFile(name, "", document.Bytes.Length, document.Bytes, null), bag) is not { } manifest)
            return new(null, bag.Items);
        var problems = new List<Diagnostic>();
        var engine = new TemplateEngine(manifest.Form == TemplateForm.Fengine ? Fengine : TemplateProgram.Options,
            path => tree.TryGetValue(TemplateManifest.Folder + path, out var file) ? file.Bytes.ToArray() : null);
        var files = tree.Where(item => item.Key.StartsWith(TemplateManifest.Folder, StringComparison.Ordinal))
            .OrderBy(item => item.Key, StringComparer.Ordinal)
            .Select(item => TemplateFile.Parse(item.Key[TemplateManifest.Folder.Length..], item.Value, manifest, engine, problems))
                .OfType<TemplateFile>().ToList();
        if (files.Count > MaxFiles)
            problems.Add(Diagnostic.Error(DiagnosticCodes.TooManyFiles, "", TextPosition.WholeFile,
                $"a template has at most {MaxFiles} files, not {files.Count}"));
        return problems.Count > 0 ? new(null, problems) : new(new TemplateSource(manifest, engine, files), []);
    }

    /// <summary>Every variable with its value.</summary>
    public IReadOnlyList<VariableNote> Describe(TemplateValues values) => VariableNote.All(Manifest, values);

    internal RenderedTemplate Render(TemplateValues values, TemplateOrigin origin, CancellationToken stop)
    {
        var given = GivenValues.Check(Manifest, values, origin);
        var rendered = new Dictionary<string, MergeFile>(files.Count, StringComparer.Ordinal);
        var names = new Dictionary<string, string>(files.Count, StringComparer.Ordinal);
        var from = new Dictionary<string, string>(files.Count, StringComparer.Ordinal);
        var problems = new List<Diagnostic>(given.Problems);
        if (given.Context is { } context)
        {
            foreach (var file in files)
            {
                try
                {
                    if (file.Render(context, stop) is not { } result) continue;
                    if (Problem(file, result.Path, result.File, from) is { } problem) problems.Add(problem);
                    else (rendered[result.Path], names[file.Path], from[result.Path]) = (result.File, result.Path, file.Source);
                }
                catch (JinjaException e)
                {
                    problems.Add(engine.ProblemInFolder(e));
                }
            }
        }
        return problems.Count > 0 ? new(new Dictionary<string, MergeFile>(), names, problems, given) : new(rendered, names, [], given);
    }

    private static Diagnostic? Problem(TemplateFile file, string path, MergeFile result, Dictionary<string, string> from)
    {
        Diagnostic Error(DiagnosticCode code, string message) => Diagnostic.Error(code, file.Source, TextPosition.WholeFile, message);

        if (TemplatePath.Problem(path) is { } problem) return Error(DiagnosticCodes.TemplatePath,
            $"its name renders to '{path}', which {problem}");
        if (InstanceFiles.IsReserved(path)) return Error(DiagnosticCodes.TemplatePath,
            $"its name renders to '{path}', where the instance's state stands");
        if (from.TryGetValue(path, out var other)) return Error(DiagnosticCodes.NameTakenTwice,
            $"its name renders to '{path}', as that of {other}");
        if (result.Kind != TreeEntryKind.SymbolicLink) return null;
        var target = Encoding.UTF8.GetString(result.Bytes.Span);
        return TemplatePath.TargetProblem(path, target) is { } wrong
            ? Error(DiagnosticCodes.TemplatePath, $"its target '{target}' {wrong}") : null;
    }
}
