using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>One variable of a template, for people.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in words; of one that is not declared: <c>unknown</c>.</param>
/// <param name="Value">What it is; empty when it has no value.</param>
/// <param name="Json">The same as JSON; null when it has none.</param>
/// <param name="From"><c>given</c>, <c>default</c> or <c>missing</c>.</param>
public sealed record VariableNote(string Name, string Type, string Value, string? Json, string From)
{
    internal static IReadOnlyList<VariableNote> All(TemplateManifest manifest, TemplateValues values)
    {
        var notes = new List<VariableNote>();
        foreach (var variable in manifest.Variables)
        {
            var given = values.Find(variable.Name) is { } value ? new VariableValue(value.Node) : null;
            var shown = given ?? variable.Default;
            // A value that should name a secret and does not may be the secret.
            var isHidden = shown is not null && variable.Type.NamesSecrets && variable.Problems(shown).Any();
            notes.Add(new(variable.Name, variable.Type.Name, isHidden ? "(not shown)" : shown?.ToString() ?? "",
                isHidden ? null : shown?.ToJson(),
                given is not null ? "given" : shown is not null ? "default" : "missing"));
        }
        foreach (var value in values.All.Where(value => manifest.Find(value.Name) is null))
            notes.Add(new(value.Name, "unknown", new VariableValue(value.Node).ToString(), new VariableValue(value.Node)
                .ToJson(), "given"));
        return notes;
    }
}
