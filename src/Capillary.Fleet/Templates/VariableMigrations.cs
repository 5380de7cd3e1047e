using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>
/// Values of an earlier version -> values of this one. A migration applies where its old name has a value and this version does not declare
/// it: so it can be done twice, and over any number of versions.
/// </summary>
internal static class VariableMigrations
{
    public static TemplateValues Apply(TemplateManifest manifest, TemplateValues values, JinjaValue before, List<Diagnostic> problems)
    {
        // One may lead to the next; each is done once.
        foreach (var migration in manifest.Migrations)
        {
            if (manifest.Find(migration.From) is not null || values.Find(migration.From) is not { } old) continue;
            var rest = values.All.Where(value => value != old);
            if (migration.To is { } name && values.Find(name) is null && Moved(manifest, migration, name, old, before,
                problems) is { } moved)
                rest = rest.Append(moved);
            values = TemplateValues.Of(rest);
        }
        return values;
    }

    private static TemplateValue? Moved(TemplateManifest manifest, VariableMigration migration, string name, TemplateValue old,
        JinjaValue before,
        List<Diagnostic> problems)
    {
        if (migration.Value is null) return old with { Name = name };
        try
        {
            var text = JinjaTemplate.Parse(migration.Value, $"{manifest.File}:{migration.At.Line} (value)").Render(before);
            var bag = new DiagnosticBag(manifest.File);
            var roots = YamlLoader.Load(text, bag);
            if (roots.Count == 1 && bag.IsEmpty) return old with { Name = name, Node = roots[0] };
            problems.Add(Diagnostic.Error(DiagnosticCodes.TemplateFailed, manifest.File, migration.At,
                $"the new value of '{name}' renders to no YAML: {text}"));
        }
        catch (JinjaException e)
        {
            problems.Add(TemplateEngine.Problem(e));
        }
        return null;
    }
}
