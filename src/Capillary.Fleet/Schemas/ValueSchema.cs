using System.Globalization;
using System.Text.Json.Nodes;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Schemas;

/// <summary>What a type says, as a schema of its values.</summary>
internal static class ValueSchema
{
    public static JsonNode Of(VariableType type) => type switch
    {
        StringType text => Shape.Text(text.Pattern is { } pattern ? $"^(?:{pattern.Text})$" : null, text.MinLength, text.MaxLength),
        IntegerType whole => Ranged("integer", whole.Minimum, whole.Maximum),
        NumberType number => Ranged("number", number.Minimum, number.Maximum),
        BooleanType => Shape.Flag(),
        EnumType closed => new JsonObject { ["enum"] = new JsonArray([.. closed.Values.Select(Scalar)]) },
        ListType list => Shape.List((JsonObject)Of(list.Items), list.MinItems, list.MaxItems, list.IsUnique),
        ObjectType map => Object(map),
        SecretType => VariableSchema.SecretShape(),
        _ => new JsonObject(),
    };

    private static JsonObject Object(ObjectType type)
    {
        var node = Shape.Closed([.. type.Properties.Values.Where(property => property.IsRequired).Select(property => property.Name)],
            [.. type.Properties.Values.Select(property => (property.Name, Described(property)))]);
        if (type.Additional is { } additional) node["additionalProperties"] = Of(additional);
        return node;
    }

    /// <summary>The type's schema with the declaration's description.</summary>
    public static JsonObject Described(VariableDeclaration declaration)
    {
        var node = (JsonObject)Of(declaration.Type);
        return declaration.Description is { } text ? node.Says(text) : node;
    }

    private static JsonObject Ranged<T>(string type, T? least, T? most) where T : struct
    {
        var node = new JsonObject { ["type"] = type };
        if (least is { } minimum) node["minimum"] = JsonValue.Create(minimum);
        if (most is { } maximum) node["maximum"] = JsonValue.Create(maximum);
        return node;
    }

    private static JsonNode? Scalar(ScalarValue value) => value.Kind switch
    {
        ScalarKind.Boolean => JsonValue.Create(value.Text == "true"),
        ScalarKind.Integer when long.TryParse(value.Text, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        ScalarKind.Integer or ScalarKind.Number => JsonValue.Create(double.Parse(value.Text, CultureInfo.InvariantCulture)),
        _ => JsonValue.Create(value.Text),
    };
}
