namespace Capillary.Fleet.Documents;

/// <summary>One variable set in one layer.</summary>
/// <param name="Name">An identifier that some app declares.</param>
/// <param name="Value">A scalar.</param>
/// <param name="At">Where the value stands.</param>
/// <param name="NameAt">Where the name stands.</param>
public sealed record VariableSetting(string Name, ScalarValue Value, TextPosition At, TextPosition NameAt);

/// <summary>The types that a variable can have.</summary>
public enum VariableType
{
    String,
    Integer,
    Number,
    Boolean,
    Enum,
}

/// <summary>A variable as its app declares it.</summary>
/// <param name="Name">A Jinja identifier.</param>
/// <param name="Type">Every layer's value must have it.</param>
/// <param name="Values">What an enum allows; empty for other types.</param>
/// <param name="Default">The value below all layers; null when there is none.</param>
/// <param name="IsRequired">Some layer must set it.</param>
/// <param name="Description">For people; null when there is none.</param>
/// <param name="At">Where the declaration or its default stands.</param>
public sealed record VariableDeclaration(string Name, VariableType Type, IReadOnlyList<string> Values, ScalarValue? Default,
    bool IsRequired, string? Description, TextPosition At)
{
    /// <summary>The word that app.yaml uses for the type.</summary>
    public string TypeName => Type switch
    {
        VariableType.Enum => $"enum ({string.Join(", ", Values)})",
        _ => Type.ToString().ToLowerInvariant(),
    };

    /// <summary>Null when the value fits; else what is wrong and what to write.</summary>
    internal (string Message, string? Suggestion)? Problem(ScalarValue value)
    {
        var fits = Type switch
        {
            VariableType.Integer => value.Kind == ScalarKind.Integer,
            VariableType.Number => value.Kind is ScalarKind.Integer or ScalarKind.Number,
            VariableType.Boolean => value.Kind == ScalarKind.Boolean,
            _ => value.Kind == ScalarKind.String,
        };
        if (!fits) return ($"'{Name}' is {(TypeName[0] is 'i' or 'e' ? "an" : "a")} {TypeName}, found {value}", Fix(value));
        if (Type != VariableType.Enum || Values.Contains(value.Text, StringComparer.Ordinal)) return null;
        return ($"'{Name}' is one of {string.Join(", ", Values)}, found {value}", NearestName.Suggest(value.Text, Values));
    }

    private string? Fix(ScalarValue value) => (Type, value.Kind) switch
    {
        (VariableType.Boolean, ScalarKind.String) when value.Text.ToLowerInvariant() is "yes" or "on" or "y" or "true" =>
            $"write true: '{value.Text}' is a string in YAML 1.2",
        (VariableType.Boolean, ScalarKind.String) when value.Text.ToLowerInvariant() is "no" or "off" or "n" or "false" =>
            $"write false: '{value.Text}' is a string in YAML 1.2",
        (VariableType.String or VariableType.Enum, ScalarKind.Boolean or ScalarKind.Integer or ScalarKind.Number) =>
            $"quote it: \"{value.Text}\"",
        (VariableType.Integer or VariableType.Number, ScalarKind.String)
            when CoreSchema.Resolve(value.Text).Kind is ScalarKind.Integer or ScalarKind.Number => $"remove the quotes: {value.Text}",
        (_, ScalarKind.Null) => "remove the line, or give it a value",
        _ => null,
    };
}

/// <summary>Reads variables' values and declarations.</summary>
internal static class VariableReader
{
    private const int MaxName = 63;

    /// <summary><c>variables: {name: scalar}</c> of a layer, in the order written.</summary>
    public static IReadOnlyList<VariableSetting> Settings(FieldReader fields)
    {
        var settings = new List<VariableSetting>();
        foreach (var (key, node) in fields.Map("variables"))
        {
            if (node is YamlScalar scalar) settings.Add(new(key.Text, CoreSchema.Resolve(scalar), node.At, key.At));
            else FieldReader.WrongType(fields.Bag, node, $"{fields.PathOf("variables")}.{key.Text}", "a string, number or boolean");
        }
        return settings;
    }

    /// <summary><c>variables: {name: {type, …}}</c> of an app.</summary>
    public static IReadOnlyDictionary<string, VariableDeclaration> Declarations(FieldReader fields)
    {
        var declarations = new SortedDictionary<string, VariableDeclaration>(StringComparer.Ordinal);
        foreach (var (key, node) in fields.Map("variables"))
        {
            if (!IsIdentifier(key.Text))
            {
                fields.Bag.Error(DiagnosticCodes.BadName, key.At,
                    $"'{key.Text}' is not a variable name: 1 to {MaxName} letters, digits and '_', not beginning with a digit");
            }
            if (FieldReader.Of(node, $"{fields.PathOf("variables")}.{key.Text}", fields.Bag) is { } item)
                declarations[key.Text] = Declaration(key, item);
        }
        return declarations;
    }

    private static VariableDeclaration Declaration(YamlScalar key, FieldReader fields)
    {
        var type = fields.OneOf("type", ["string", "integer", "number", "boolean", "enum"], required: true);
        var values = fields.List("values").Select(node => fields.AsText(node, fields.PathOf("values"))?.Value).OfType<string>().ToList();
        var node = fields.Get("default");
        var declaration = new VariableDeclaration(key.Text, Enum.Parse<VariableType>(type?.Value ?? "string", ignoreCase: true), values,
            (node as YamlScalar) is { } scalar ? CoreSchema.Resolve(scalar) : null, fields.Flag("required"),
            fields.Text("description")?.Value, node?.At ?? key.At);
        fields.RejectUnknown();
        if (node is not (null or YamlScalar))
            FieldReader.WrongType(fields.Bag, node, fields.PathOf("default"), "a string, number or boolean");
        if (type is not null) Check(declaration, fields);
        return declaration;
    }

    private static void Check(VariableDeclaration declaration, FieldReader fields)
    {
        void Contradiction(string message) => fields.Bag.Error(DiagnosticCodes.BadDeclaration, fields.At, $"{fields.Path}: {message}");

        if (declaration.Type == VariableType.Enum && declaration.Values.Count == 0) Contradiction("an enum lists its values");
        if (declaration.Type != VariableType.Enum && declaration.Values.Count > 0) Contradiction("only an enum lists values");
        if (declaration is { IsRequired: true, Default: not null })
            Contradiction("a variable with a default is never missing; drop 'required'");
        if (declaration.Default is { } value && declaration.Problem(value) is { } problem)
            fields.Bag.Error(DiagnosticCodes.VariableType, declaration.At, $"default: {problem.Message}", problem.Suggestion);
    }

    private static bool IsIdentifier(string name) => name.Length is > 0 and <= MaxName && !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
