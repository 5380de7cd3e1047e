using System.Collections.Concurrent;
using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Jinja;

namespace Capillary.Fleet.Compile;

/// <summary>
/// One app ready to be rendered for any site. The same instance as long as none of the app's files changes; it remembers what it has
/// rendered by the values that the templates read, so equal sites share one layer and a later commit renders only what differs.
/// </summary>
internal sealed class AppProgram
{
    private const int MinRemembered = 1024;

    private readonly string[] content;
    private readonly ConcurrentDictionary<string, AppResult> rendered = new(StringComparer.Ordinal);

    private AppProgram(AppDocument document, string[] content, HealthRuleSet rules) =>
        (Document, this.content, Rules) = (document, content, rules);

    public AppDocument Document { get; }

    /// <summary>Of these, an app's layer gets those of the kinds that it has.</summary>
    public HealthRuleSet Rules { get; }

    public IReadOnlyList<TemplateProgram> Templates { get; private set; } = [];

    /// <summary>Those whose file is in the repository, by name.</summary>
    public IReadOnlyDictionary<string, ArtifactSource> Artifacts { get; private set; } = new Dictionary<string, ArtifactSource>();

    public ReadPaths Reads { get; private set; } = new([]);

    /// <summary>The <c>artifacts</c> of a template's context: names to digests.</summary>
    public JinjaValue ArtifactContext { get; private set; }

    public IReadOnlyList<Diagnostic> Diagnostics { get; private set; } = [];

    /// <summary>False when rendering would only repeat what <see cref="Diagnostics"/> say.</summary>
    public bool CanRender => Diagnostics.Count == 0;

    /// <summary>The previous program if all its files are the same, else a new one.</summary>
    public static AppProgram Create(AppDocument document, IReadOnlyList<TreeFile> templates, FleetTree tree, HealthRuleSet rules,
        AppProgram? previous)
    {
        var artifacts = document.Artifacts.Values.Select(artifact => tree.Find(artifact.Path)).ToList();
        string[] content = [.. templates.Concat(artifacts).Select(file => $"{file?.Path}\0{file?.Id}")];
        if (previous is not null && ReferenceEquals(previous.Document, document) && previous.content.AsSpan().SequenceEqual(content))
            return ReferenceEquals(previous.Rules, rules) ? previous : previous.With(rules);
        var program = new AppProgram(document, content, rules);
        program.Load(templates, tree);
        return program;
    }

    /// <summary>The same app under other health rules: what was rendered stays, except where a kind of it is now read otherwise.</summary>
    private AppProgram With(HealthRuleSet rules)
    {
        var program = new AppProgram(Document, content, rules)
        {
            Templates = Templates,
            Reads = Reads,
            Artifacts = Artifacts,
            ArtifactContext = ArtifactContext,
            Diagnostics = Diagnostics,
        };
        foreach (var (key, result) in rendered)
        {
            if (!rules.Differs(Rules, result.App?.Kinds ?? [])) program.rendered[key] = result;
        }
        return program;
    }

    /// <summary>What was rendered for this key before, or what <paramref name="render"/> makes now. Safe from many threads.</summary>
    public AppResult Remember(string key, RenderInput input, Func<AppProgram, RenderInput, AppResult> render)
    {
        if (rendered.TryGetValue(key, out var result)) return result;
        return rendered.GetOrAdd(key, render(this, input));
    }

    /// <summary>Forgets what no site uses any more, once that is the larger part.</summary>
    public void Trim(int sites)
    {
        if (rendered.Count > (2 * sites) + MinRemembered) rendered.Clear();
    }

    private void Load(IReadOnlyList<TreeFile> templates, FleetTree tree)
    {
        var problems = new List<Diagnostic>();
        var programs = new List<TemplateProgram>();
        var byPartial = templates.ToLookup(file => TemplateProgram.IsPartial(NameOf(file)));
        var environment = Partials([.. byPartial[true]], problems);
        foreach (var file in byPartial[false])
        {
            var bag = new DiagnosticBag(file.Path);
            if (TemplateProgram.Parse(file, NameOf(file), environment, bag) is { } program)
            {
                programs.Add(program);
                CheckNames(program, bag);
            }
            problems.AddRange(bag.Items);
        }
        Templates = programs;
        Reads = new ReadPaths(programs.SelectMany(program => program.Templates).SelectMany(template => template.ReadPaths));
        Artifacts = FindArtifacts(tree, problems);
        ArtifactContext = JinjaValue.FromMap(
            Artifacts.ToDictionary(pair => pair.Key, pair => JinjaValue.From(pair.Value.Descriptor.Digest.Text)));
        Diagnostics = problems;
    }

    private static string NameOf(TreeFile template) => FleetLayout.TemplateOf(template.Path)!.Value.Path;

    /// <summary>The templates that others include, each by its path below the templates folder.</summary>
    private static JinjaEnvironment Partials(IReadOnlyList<TreeFile> files, List<Diagnostic> problems)
    {
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        var environment = new JinjaEnvironment { Options = TemplateProgram.Options, Loader = sources.GetValueOrDefault };
        foreach (var file in files)
        {
            var bag = new DiagnosticBag(file.Path);
            if (DocumentParser.Decode(file, bag) is { } source) sources[NameOf(file)] = source;
            problems.AddRange(bag.Items);
        }
        foreach (var file in files)
        {
            try
            {
                environment.Find(NameOf(file));
            }
            catch (JinjaException e) when (e.Template == NameOf(file))
            {
                problems.Add(Diagnostic.Error(DiagnosticCodes.TemplateSyntax, file.Path, new(e.Line, e.Column), e.Reason,
                    TemplateProgram.Help(e)));
            }
            catch (JinjaException)
            {
                // Told where it stands.
            }
        }
        return environment;
    }

    private void CheckNames(TemplateProgram program, DiagnosticBag bag)
    {
        foreach (var path in program.Templates.SelectMany(template => template.ReadPaths).Distinct())
        {
            if (ReadPaths.Unknown(path, Document) is not { } unknown) continue;
            var isVariable = path.StartsWith("vars.", StringComparison.Ordinal) && !Document.Variables.ContainsKey(path.Split('.')[1]);
            bag.Error(DiagnosticCodes.TemplateVariable, PlaceOf(program, path),
                isVariable ? $"'{path}': app '{Document.Name}' declares no variable '{unknown.Name}'"
                    : $"'{path}': there is no '{unknown.Name}' here",
                NearestName.Suggest(unknown.Name, unknown.Known)
                    ?? (isVariable ? "declare it under spec.variables of app.yaml" : $"known here: {string.Join(", ", unknown.Known)}"));
        }
    }

    private static TextPosition PlaceOf(TemplateProgram program, string path)
    {
        var index = program.Source?.IndexOf(path, StringComparison.Ordinal) ?? -1;
        return index < 0 ? TextPosition.WholeFile : Utf8Text.PositionOf(program.Source!, index);
    }

    private SortedDictionary<string, ArtifactSource> FindArtifacts(FleetTree tree, List<Diagnostic> problems)
    {
        var found = new SortedDictionary<string, ArtifactSource>(StringComparer.Ordinal);
        foreach (var artifact in Document.Artifacts.Values)
        {
            if (tree.Find(artifact.Path) is { Digest: { } digest } file)
            {
                var descriptor = new Descriptor(MediaTypes.Artifact, digest, file.Size, artifact.Name);
                found[artifact.Name] = new ArtifactSource(descriptor, file.Path, file.Id);
                continue;
            }
            problems.Add(Diagnostic.Error(DiagnosticCodes.ArtifactMissing, Document.File, artifact.At,
                $"artifact '{artifact.Name}': there is no file {artifact.Path}",
                $"build or download it, put it at {artifact.Path} and commit it (git add -f, when .gitignore names it)"));
        }
        return found;
    }
}
