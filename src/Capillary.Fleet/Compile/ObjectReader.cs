using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>Rendered YAML -> objects, checked as the site will check them.</summary>
internal sealed class ObjectReader(AppProgram app, SitePlatform platform)
{
    private const string OwnGroup = "capillary.dev/";

    public void Read(RenderedText rendered, List<RenderedObject> into)
    {
        var bag = new DiagnosticBag(rendered.File);
        foreach (var root in YamlLoader.Load(rendered.Text, bag, DiagnosticCodes.RenderedYaml))
        {
            if (!bag.IsEmpty) break;
            if (root is not YamlMapping mapping)
                rendered.Error(DiagnosticCodes.BadObject, root.At, "a document is an object with apiVersion, kind and metadata", null, "$");
            else if ((platform == SitePlatform.Host ? Host(mapping, rendered) : Kubernetes(mapping, rendered)) is { } read)
                into.Add(read);
        }
        foreach (var item in bag.Items)
            rendered.Error(CodeOf(item), new(item.Line, item.Column), item.Message, item.Suggestion, "");
    }

    private static DiagnosticCode CodeOf(Diagnostic diagnostic) => DiagnosticCodes.All.First(code => code.Id == diagnostic.Code);

    private RenderedObject? Host(YamlMapping written, RenderedText rendered)
    {
        if (written.Find("apiVersion") is YamlScalar version && !version.Text.StartsWith(OwnGroup, StringComparison.Ordinal))
        {
            rendered.Error(DiagnosticCodes.BadObject, version.At,
                $"apiVersion: '{version.Text}' is of Kubernetes, and this site is a host; "
                    + $"it runs File and Service of {HostObjectReader.ApiVersion}",
                "place the app on kubernetes only (spec.placement.platforms), or write the document only there", "$.apiVersion");
            return null;
        }
        if (ResolveArtifact(written, rendered) is not { } root) return null;
        var bytes = CanonicalJson.Write(root);
        var errors = new List<ObjectError>();
        using var document = JsonDocument.Parse(bytes);
        var read = HostObjectReader.Read(document.RootElement, errors);
        Tell(errors, written, rendered);
        return read is null ? null : new RenderedObject($"{read.Kind}.{read.Name}", bytes, read, rendered, written);
    }

    private RenderedObject? Kubernetes(YamlMapping written, RenderedText rendered)
    {
        var bytes = CanonicalJson.Write(written);
        var errors = new List<ObjectError>();
        using var document = JsonDocument.Parse(bytes);
        var read = KubernetesManifestReader.Read(document.RootElement, app.Document.Kubernetes.Namespace, errors);
        Tell(errors, written, rendered);
        return read is null ? null : new RenderedObject(read.Ref.LayerKey, bytes, null, rendered, written) { Ref = read.Ref };
    }

    private static void Tell(List<ObjectError> errors, YamlMapping written, RenderedText rendered)
    {
        foreach (var error in errors)
        {
            var isUnquoted = error.Message.StartsWith("expected a string, found the ", StringComparison.Ordinal);
            rendered.Error(DiagnosticCodes.BadObject, ObjectPath.Locate(written, error.Path),
                $"{error.Path[1..].TrimStart('.')}: {error.Message}", isUnquoted ? "put the value in quotes" : null, error.Path);
        }
    }

    /// <summary>A File's <c>contentFrom.artifact</c> names an artifact; the object that is stored names its digest.</summary>
    private YamlMapping? ResolveArtifact(YamlMapping root, RenderedText rendered)
    {
        if (root.Find("kind") is not YamlScalar { Text: "File" } || root.Find("spec") is not YamlMapping spec) return root;
        if (spec.Find("contentFrom") is not YamlMapping from || from.Find("artifact") is not YamlScalar name) return root;
        var declared = app.Artifacts.GetValueOrDefault(name.Text)
            ?? app.Artifacts.Values.FirstOrDefault(artifact => artifact.Descriptor.Digest.Text == name.Text);
        if (declared is null)
        {
            rendered.Error(DiagnosticCodes.UnknownArtifact, name.At, $"app '{app.Document.Name}' has no artifact '{name.Text}'",
                NearestName.Suggest(name.Text, app.Artifacts.Keys) ?? "declare it under spec.artifacts of app.yaml", "");
            return null;
        }
        var resolved = With(spec, "contentFrom", With(from, "artifact", Text(declared.Descriptor.Digest.Text, name)));
        if (spec.Find("mode") is null && app.Document.Artifacts[declared.Descriptor.Title!].IsExecutable)
            resolved = With(resolved, "mode", Text("0755", name));
        return With(root, "spec", resolved);
    }

    private static YamlScalar Text(string text, YamlNode at) => new(text, isPlain: false, at.At);

    private static YamlMapping With(YamlMapping mapping, string key, YamlNode value)
    {
        var entries = mapping.Entries.Where(entry => entry.Key.Text != key).Append(new(Text(key, value), value)).ToList();
        return new YamlMapping(entries, mapping.At, mapping.Weight);
    }
}
