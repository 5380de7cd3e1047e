using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Inventory;

/// <summary>Checks every value of every layer against the apps that declare its name, once per value and not once per site.</summary>
internal sealed class VariableCheck
{
    private readonly Dictionary<string, List<(AppDocument App, VariableDeclaration Declaration)>> declared = new(StringComparer.Ordinal);
    private readonly List<Diagnostic> problems;

    public VariableCheck(IEnumerable<AppDocument> apps, List<Diagnostic> problems)
    {
        this.problems = problems;
        foreach (var app in apps)
        {
            foreach (var declaration in app.Variables.Values)
            {
                if (!declared.TryGetValue(declaration.Name, out var list)) declared[declaration.Name] = list = [];
                list.Add((app, declaration));
            }
        }
    }

    public void Layer(string file, IReadOnlyList<VariableSetting> settings)
    {
        foreach (var setting in settings)
        {
            if (declared.TryGetValue(setting.Name, out var list)) Types(file, setting, list);
            else Undeclared(file, setting);
        }
    }

    private void Types(string file, VariableSetting setting, List<(AppDocument App, VariableDeclaration Declaration)> list)
    {
        HashSet<ValueProblem>? said = null;
        foreach (var (app, declaration) in list)
        {
            foreach (var problem in declaration.Problems(setting.Value))
            {
                // Apps that declare it alike would only say the same again.
                if (!(said ??= []).Add(problem)) continue;
                problems.Add(Diagnostic.Error(DiagnosticCodes.VariableType, file, problem.At,
                    $"{problem.Message} (declared by app '{app.Name}')", problem.Suggestion));
            }
        }
    }

    private void Undeclared(string file, VariableSetting setting) =>
        problems.Add(Diagnostic.Error(DiagnosticCodes.UndeclaredVariable, file, setting.NameAt,
            $"no app declares the variable '{setting.Name}'",
            NearestName.Suggest(setting.Name, declared.Keys) ?? "declare it under spec.variables of the app that reads it"));
}
