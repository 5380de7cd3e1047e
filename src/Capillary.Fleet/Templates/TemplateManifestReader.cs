using Capillary.Core.Apply;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>Bytes of <c>template.yaml</c> or <c>fengine.yaml</c> -> the manifest, or what is wrong with it.</summary>
internal static class TemplateManifestReader
{
    /// <summary>Names that a template reads and no variable may have.</summary>
    public static readonly string[] Reserved = [GivenValues.OwnOrigin, "fengine"];

    /// <summary>Null after reporting.</summary>
    public static TemplateManifest? Read(TreeFile file, DiagnosticBag bag)
    {
        if (DocumentParser.Decode(file, bag) is not { } text) return null;
        var roots = YamlLoader.Load(text, bag);
        if (!bag.IsEmpty) return null;
        if (file.Path == TemplateManifest.FengineFile && roots.Count == 0) return new(file.Path, TemplateForm.Fengine, []);
        if (roots.Count != 1) bag.Error(DiagnosticCodes.DocumentCount, TextPosition.WholeFile, "the file holds exactly one document");
        if (roots.Count == 0 || FieldReader.Of(roots[0], "", bag) is not { } root) return null;
        var manifest = file.Path == TemplateManifest.FengineFile ? FengineReader.Read(root) : Document(root);
        foreach (var variable in manifest.Variables.Where(item => Reserved.Contains(item.Name)))
            bag.Error(DiagnosticCodes.BadName, variable.At, $"'{variable.Name}' is set by Capillary: no variable can have this name");
        return bag.IsEmpty ? manifest : null;
    }

    private static TemplateManifest Document(FieldReader root)
    {
        if (root.Text("apiVersion", required: true) is { } version && version.Value != HostObjectReader.ApiVersion)
            root.Bag.Error(DiagnosticCodes.WrongApiVersion, version.At, $"apiVersion '{version.Value}' is not known",
                $"write {HostObjectReader.ApiVersion}");
        root.OneOf("kind", [TemplateManifest.Kind], required: true);
        var metadata = root.Child("metadata", required: true);
        metadata?.Name("name", required: true);
        metadata?.RejectUnknown();
        var spec = root.Child("spec") ?? new FieldReader(new YamlMapping([], root.At, 1), "spec", root.Bag);
        root.RejectUnknown();
        var declared = VariableReader.Declarations(spec);
        var manifest = new TemplateManifest(root.Bag.File, TemplateForm.Capillary,
            [.. spec.Map("variables").Select(entry => declared.GetValueOrDefault(entry.Key.Text)).OfType<VariableDeclaration>()])
        {
            Description = spec.Text("description")?.Value,
            Excluded = Patterns(spec, "exclude"),
            Conditions = Conditions(spec),
            Renames = Renames(spec),
            Migrations = [.. spec.List("migrations").Select(node => Migration(spec, node)).OfType<VariableMigration>()],
        };
        spec.RejectUnknown();
        return manifest;
    }

    /// <summary>A list of globs.</summary>
    public static IReadOnlyList<PathPattern> Patterns(FieldReader fields, string name) =>
        [.. fields.List(name).Select(node => Pattern(fields, node, name)).OfType<PathPattern>()];

    private static PathPattern? Pattern(FieldReader fields, YamlNode node, string name)
    {
        if (fields.AsText(node, fields.PathOf(name)) is not { } text) return null;
        var pattern = PathPattern.Parse(text.Value, out var problem);
        if (pattern is null) fields.Bag.Error(DiagnosticCodes.BadPath, text.At, $"{fields.PathOf(name)}: '{text.Value}' {problem}");
        return pattern;
    }

    private static List<FileCondition> Conditions(FieldReader spec)
    {
        var conditions = new List<FileCondition>();
        foreach (var node in spec.List("files"))
        {
            if (FieldReader.Of(node, spec.PathOf("files"), spec.Bag) is not { } item) continue;
            var path = item.Get("path", required: true);
            var pattern = path is null ? null : Pattern(item, path, "path");
            var when = item.Text("when", required: true);
            item.RejectUnknown();
            if (pattern is not null && when is { } found) conditions.Add(new(pattern, found.Value, found.At));
        }
        return conditions;
    }

    private static Dictionary<string, string> Renames(FieldReader spec)
    {
        var renames = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var node in spec.List("renames"))
        {
            if (FieldReader.Of(node, spec.PathOf("renames"), spec.Bag) is not { } item) continue;
            var (from, to) = (item.Text("from", required: true), item.Text("to", required: true));
            item.RejectUnknown();
            if (from is { } old && to is { } now && !renames.TryAdd(old.Value, now.Value))
                spec.Bag.Error(DiagnosticCodes.DuplicateName, old.At, $"{item.PathOf("from")}: '{old.Value}' stands twice");
        }
        return renames;
    }

    private static VariableMigration? Migration(FieldReader spec, YamlNode node)
    {
        if (FieldReader.Of(node, spec.PathOf("migrations"), spec.Bag) is not { } item) return null;
        var from = item.Text("variable", required: true);
        var to = item.Text("renamedTo");
        var value = item.Text("value");
        var isRemoved = item.Flag("removed");
        item.RejectUnknown();
        // A name of its own for the new meaning: so it is known from the values alone whether this was done.
        if (isRemoved == to is not null || (isRemoved && value is not null))
            spec.Bag.Error(DiagnosticCodes.BadDeclaration, item.At,
                $"{item.Path}: say either 'removed: true', or 'renamedTo' (and 'value')");
        return from is { } found ? new(found.Value, to?.Value, value?.Value, item.At) : null;
    }
}
