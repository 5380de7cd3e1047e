using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>Reads the values that layers set, and the declarations of <c>app.yaml</c>.</summary>
internal static class VariableReader
{
    private const int MaxName = 63;

    /// <summary><c>variables: {name: value}</c> of a layer, in the order written.</summary>
    public static IReadOnlyList<VariableSetting> Settings(FieldReader fields) =>
        [.. fields.Map("variables").Select(entry => new VariableSetting(entry.Key.Text, new VariableValue(entry.Value), entry.Key.At))];

    /// <summary><c>variables: {name: {type, …}}</c> of an app.</summary>
    public static IReadOnlyDictionary<string, VariableDeclaration> Declarations(FieldReader fields)
    {
        foreach (var (key, _) in fields.Map("variables"))
        {
            if (IsIdentifier(key.Text)) continue;
            fields.Bag.Error(DiagnosticCodes.BadName, key.At,
                $"'{key.Text}' is not a variable name: 1 to {MaxName} letters, digits and '_', not beginning with a digit");
        }
        return Declarations(fields, "variables");
    }

    /// <summary>Declarations by name: of an app's variables, or of an object's properties.</summary>
    public static IReadOnlyDictionary<string, VariableDeclaration> Declarations(FieldReader fields, string name)
    {
        var declarations = new SortedDictionary<string, VariableDeclaration>(StringComparer.Ordinal);
        foreach (var (key, node) in fields.Map(name))
        {
            if (FieldReader.Of(node, $"{fields.PathOf(name)}.{key.Text}", fields.Bag) is { } item)
                declarations[key.Text] = Declaration(key, item);
        }
        return declarations;
    }

    public static bool IsIdentifier(string name) => name.Length is > 0 and <= MaxName && !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static VariableDeclaration Declaration(YamlScalar key, FieldReader fields)
    {
        var type = TypeReader.Read(fields);
        var value = fields.Get("default") is { } node ? new VariableValue(node) : null;
        // A type that cannot be read was told; its values are not worth a second error.
        var declaration = new VariableDeclaration(key.Text, type ?? AnyType.Instance, value, fields.Flag("required"),
            fields.Text("description")?.Value, key.At);
        fields.RejectUnknown();
        if (declaration is { IsRequired: true, Default: not null })
            TypeReader.Contradiction(fields, "a variable with a default is never missing; drop 'required'");
        foreach (var problem in value is null ? [] : declaration.Problems(value))
            fields.Bag.Error(DiagnosticCodes.VariableType, problem.At, $"default: {problem.Message}", problem.Suggestion);
        return declaration;
    }
}
