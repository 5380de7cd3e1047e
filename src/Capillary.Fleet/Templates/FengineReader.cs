using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>
/// foxops' <c>fengine.yaml</c>, as foxops reads it: what it does not know it passes over, and so does this. A variable without a default
/// must be given.
/// </summary>
internal static class FengineReader
{
    private static readonly string[] Types = ["string", "str", "integer", "int", "boolean", "bool", "list", "object"];

    public static TemplateManifest Read(FieldReader root)
    {
        var rendering = root.Child("rendering");
        return new TemplateManifest(root.Bag.File, TemplateForm.Fengine, Variables(root, "variables"))
        {
            Excluded = rendering is null ? [] : TemplateManifestReader.Patterns(rendering, "excluded_files"),
        };
    }

    private static List<VariableDeclaration> Variables(FieldReader fields, string name)
    {
        var variables = new List<VariableDeclaration>();
        foreach (var (key, node) in fields.Map(name))
        {
            if (FieldReader.Of(node, $"{fields.PathOf(name)}.{key.Text}", fields.Bag) is not { } item) continue;
            if (!VariableReader.IsIdentifier(key.Text))
                fields.Bag.Error(DiagnosticCodes.BadName, key.At, $"'{key.Text}' is not a variable name: letters, digits and '_'");
            if (Type(item) is { } type) variables.Add(Variable(key, type, item));
        }
        return variables;
    }

    private static VariableDeclaration Variable(YamlScalar key, VariableType type, FieldReader item)
    {
        var given = item.Get("default");
        var value = given is null ? null : new VariableValue(FengineValues.Convert(given, type));
        // An object's default are those of its children; without one of them it must be given.
        var isComplete = type is ObjectType { Properties.Values: var children } && children.All(child => !child.IsRequired);
        if (value is null && isComplete) value = new VariableValue(FengineValues.Convert(new YamlMapping([], key.At, 1), type));
        var declaration = new VariableDeclaration(key.Text, type, value, value is null, item.Text("description")?.Value, key.At);
        foreach (var problem in value is null ? [] : declaration.Problems(value))
            item.Bag.Error(DiagnosticCodes.VariableType, problem.At, $"default: {problem.Message}", problem.Suggestion);
        return declaration;
    }

    private static VariableType? Type(FieldReader item) => item.OneOf("type", Types, required: true)?.Value switch
    {
        "string" or "str" => new StringType(),
        "integer" or "int" => new IntegerType(),
        "boolean" or "bool" => new BooleanType(),
        "object" => Object(item),
        "list" => item.OneOf("element_type", ["string", "object"])?.Value == "object"
            ? new ListType(Object(item), null, null, false)
            : new ListType(new StringType(), null, null, false),
        _ => null,
    };

    // What an object holds beyond its children foxops passes over.
    private static ObjectType Object(FieldReader item) =>
        new(Variables(item, "children").ToDictionary(child => child.Name, StringComparer.Ordinal), AnyType.Instance);
}
