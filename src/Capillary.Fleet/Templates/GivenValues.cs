using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>Given values, checked against a manifest.</summary>
/// <param name="Context">What templates see; null when there is a problem.</param>
/// <param name="Problems">At the places where values were given, or of the manifest.</param>
/// <param name="Warnings">Values that a template of foxops does not know: foxops passes over them too.</param>
internal sealed record GivenValues(JinjaValue? Context, IReadOnlyList<Diagnostic> Problems, IReadOnlyList<Diagnostic> Warnings)
{
    /// <summary>The name under which templates see where they come from.</summary>
    public const string OwnOrigin = "template";

    public static GivenValues Check(TemplateManifest manifest, TemplateValues values, TemplateOrigin origin)
    {
        var problems = new List<Diagnostic>();
        var warnings = new List<Diagnostic>();
        var map = new Dictionary<string, JinjaValue>(StringComparer.Ordinal);
        foreach (var variable in manifest.Variables)
        {
            if (values.Find(variable.Name) is { } value) map[variable.Name] = Given(manifest, variable, value, problems);
            else if (variable.Default is { } otherwise) map[variable.Name] = Seen(manifest, otherwise.As(variable.Type) ?? otherwise);
            else if (variable.IsRequired)
            {
                problems.Add(Diagnostic.Error(DiagnosticCodes.VariableMissing, manifest.File, variable.At,
                    $"the variable '{variable.Name}' has no value ({variable.Type.Name})", $"give one: --set {variable.Name}=VALUE"));
            }
        }
        foreach (var value in values.All.Where(value => manifest.Find(value.Name) is null))
        {
            var unknown = Diagnostic.Error(DiagnosticCodes.UnknownTemplateVariable, value.File, value.NameAt,
                $"the template declares no variable '{value.Name}'", NearestName.Suggest(value.Name, manifest.Variables.Select(item =>
                    item.Name)));
            if (manifest.Form == TemplateForm.Fengine) warnings.Add(unknown with { Severity = DiagnosticSeverity.Warning });
            else problems.Add(unknown);
        }
        AddOrigin(map, origin);
        return new(problems.Count > 0 ? default(JinjaValue?) : JinjaValue.FromMap(map), problems, warnings);
    }

    private static JinjaValue Given(TemplateManifest manifest, VariableDeclaration variable, TemplateValue given, List<Diagnostic> problems)
    {
        var node = manifest.Form == TemplateForm.Fengine ? FengineValues.Convert(given.Node, variable.Type) : given.Node;
        var value = new VariableValue(node);
        foreach (var problem in variable.Problems(value))
        {
            problems.Add(Diagnostic.Error(DiagnosticCodes.VariableType, given.File, problem.At,
                $"{problem.Message} (declared in {manifest.File}:{variable.At.Line})", problem.Suggestion));
        }
        return Seen(manifest, value.As(variable.Type) ?? value);
    }

    // foxops' objects have their children in the order declared.
    private static JinjaValue Seen(TemplateManifest manifest, VariableValue value) =>
        manifest.Form == TemplateForm.Fengine ? JinjaNodes.Of(value.Node) : value.ToJinja();

    private static void AddOrigin(Dictionary<string, JinjaValue> map, TemplateOrigin origin)
    {
        var foxops = JinjaNodes.Map(("repository", origin.Repository), ("repository_version", origin.Version));
        map[OwnOrigin] = JinjaNodes.Map(("repository", origin.Repository), ("version", origin.Version));
        map["fengine"] = JinjaNodes.Map(("template", foxops));
        map["_fengine_template_repository"] = origin.Repository;
        map["_fengine_template_repository_version"] = origin.Version;
    }
}
