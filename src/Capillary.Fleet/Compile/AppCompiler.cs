using System.Text;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Compile;

/// <summary>Renders one app for one set of values. Pure: the same program and input give the same bytes.</summary>
internal sealed class AppCompiler
{
    private readonly AppProgram program;
    private readonly JinjaValue context;
    private readonly SitePlatform platform;
    private readonly List<SiteProblem> problems = [];
    private readonly CancellationToken stop;

    private AppCompiler(AppProgram program, RenderInput input, CancellationToken stop)
    {
        (this.program, platform, this.stop) = (program, input.Site.Platform, stop);
        context = RenderContext.Of(program, input);
    }

    public static AppResult Compile(AppProgram program, RenderInput input, CancellationToken stop)
    {
        var compiler = new AppCompiler(program, input, stop);
        var app = compiler.Run();
        return compiler.problems.Count == 0 ? new AppResult(app, []) : new AppResult(null, compiler.problems);
    }

    private CompiledApp? Run()
    {
        var objects = new List<RenderedObject>();
        var plain = new Dictionary<string, TemplateProgram>(StringComparer.Ordinal);
        var reader = new ObjectReader(program, platform);
        foreach (var template in program.Templates)
        {
            if (PathOf(template) is not { } path) continue;
            if (!template.HoldsObjects && !plain.TryAdd(path, template))
                Error(template, DiagnosticCodes.DuplicateObject, $"two templates render to the path '{path}'", path);
            if (template.HoldsObjects && Text(template) is { } text) reader.Read(new RenderedText(template, text, problems), objects);
        }
        var byKey = Distinct(objects);
        var files = Files(objects, plain);
        return problems.Count > 0 ? null : Pack(byKey, files, objects);
    }

    private Dictionary<string, ReadOnlyMemory<byte>> Distinct(List<RenderedObject> objects)
    {
        var byKey = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var item in objects)
        {
            if (byKey.TryAdd(item.Key, item.Json)) continue;
            var first = objects.First(other => other.Key == item.Key).Template.File;
            item.Template.Error(DiagnosticCodes.DuplicateObject, item.Root.At,
                $"the object {item.Key} stands twice in app '{program.Document.Name}', first in {first}", null, item.Key);
        }
        return byKey;
    }

    /// <summary>The plain files that File objects name; the others stay out, so that they cost no bundle anything.</summary>
    private Dictionary<string, ReadOnlyMemory<byte>> Files(List<RenderedObject> objects, Dictionary<string, TemplateProgram> plain)
    {
        var files = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var item in objects)
        {
            if (item.Host is not FileObject { Source: FileSource.Rendered source } || files.ContainsKey(source.File)) continue;
            if (!plain.TryGetValue(source.File, out var template))
            {
                item.Template.Error(DiagnosticCodes.UnknownFile, ObjectPath.Locate(item.Root, "$.spec.contentFrom.file"),
                    $"app '{program.Document.Name}' renders no file '{source.File}'",
                    NearestName.Suggest(source.File, plain.Keys) ?? $"add apps/{program.Document.Name}/templates/{source.File}.j2", "");
            }
            else if (template.Content is null) files[source.File] = template.File.Content;
            else if (Text(template) is { } text) files[source.File] = Encoding.UTF8.GetBytes(text);
        }
        return files;
    }

    private CompiledApp? Pack(Dictionary<string, ReadOnlyMemory<byte>> objects, Dictionary<string, ReadOnlyMemory<byte>> files,
        List<RenderedObject> rendered)
    {
        var kinds = rendered.Select(item => item.Ref).OfType<ObjectRef>().Select(item => (item.Group, item.Kind)).Distinct().ToList();
        var layer = new AppLayer(new AppName(program.Document.Name), objects, files, program.Document.HealthDeadlineSeconds)
        {
            Kubernetes = platform == SitePlatform.Kubernetes ? Policy(kinds) : null,
        };
        try
        {
            var bytes = layer.ToBytes();
            var descriptor = new Descriptor(MediaTypes.App, Digest.Of(bytes), bytes.Length, program.Document.Name);
            return new CompiledApp(descriptor, layer, UsedArtifacts(rendered))
            {
                Targets = [.. rendered.Select(TargetOf).OfType<Target>()],
                Kinds = kinds,
            };
        }
        catch (BundleFormatException e)
        {
            var file = program.Document.File;
            problems.Add(SiteProblem.Of(Diagnostic.Error(DiagnosticCodes.BundleLimit, file, TextPosition.WholeFile, e.Message), ""));
            return null;
        }
    }

    private string? Policy(List<(string Group, string Kind)> kinds) =>
        KubernetesPolicyJson.Write(program.Document.Kubernetes with { HealthRules = program.Rules.For(kinds) });

    private static Target? TargetOf(RenderedObject item) => item switch
    {
        { Host: FileObject file } => new(file.Path, null, item.Template.File, ObjectPath.Locate(item.Root, "$.spec.path")),
        { Ref: { } of } => new(of.Key, of.Subject, item.Template.File, item.Root.At),
        _ => null,
    };

    private List<ArtifactSource> UsedArtifacts(List<RenderedObject> rendered)
    {
        var used = rendered.Select(item => item.Host).OfType<FileObject>().Select(file => file.Source).OfType<FileSource.Artifact>()
            .Select(source => source.Digest).ToHashSet();
        var read = program.Reads.Artifacts;
        return [.. program.Artifacts.Where(pair => read is null || read.Contains(pair.Key) || used.Contains(pair.Value.Descriptor.Digest))
            .Select(pair => pair.Value)];
    }

    private string? Text(TemplateProgram template) => Render(template.Content!, template, inPath: false);

    private string? PathOf(TemplateProgram template)
    {
        if (template.PathSegments is null) return template.Path;
        var segments = new List<string>();
        foreach (var segment in template.PathSegments)
        {
            if (Render(segment, template, inPath: true) is not { } text) return null;
            segments.Add(text);
        }
        var path = string.Join('/', segments);
        var problem = segments.Exists(segment => segment.Length == 0) ? "a part of it renders to nothing"
            : segments.Exists(segment => segment.Contains('/')) ? "a part of it renders to a text with '/'"
            : HostObjectReader.PathProblem(path);
        if (problem is null) return path;
        Error(template, DiagnosticCodes.TemplatePath, $"the path renders to '{path}': {problem}", "");
        return null;
    }

    private string? Render(JinjaTemplate template, TemplateProgram owner, bool inPath)
    {
        try
        {
            return template.Render(context, stop);
        }
        catch (JinjaException e)
        {
            var at = inPath ? TextPosition.WholeFile : new TextPosition(e.Line, e.Column);
            // It may stand in a template that this one includes.
            var file = e.Template == template.Name ? owner.File.Path : FleetLayout.PathOf(program.Document.Name, e.Template);
            var from = string.Concat(e.Chain.Where(place => place.Template != e.Template).Select(place => $" ({place})"));
            problems.Add(SiteProblem.Of(Diagnostic.Error(DiagnosticCodes.TemplateFailed, file, at,
                (inPath ? $"in the file's path: {e.Reason}" : e.Reason) + from, TemplateProgram.Help(e)), e.Reason));
            return null;
        }
    }

    private void Error(TemplateProgram template, DiagnosticCode code, string message, string distinction) =>
        problems.Add(SiteProblem.Of(Diagnostic.Error(code, template.File.Path, TextPosition.WholeFile, message), distinction));
}
