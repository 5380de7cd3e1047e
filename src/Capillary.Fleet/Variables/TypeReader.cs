using System.Globalization;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Variables;

/// <summary>Reads a type as <c>app.yaml</c> writes it; all but <c>type</c>, <c>values</c> and <c>required</c> are words of JSON Schema.
/// </summary>
internal static class TypeReader
{
    /// <summary>The most characters or items that a limit can say.</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>Every type's word.</summary>
    public static readonly string[] Words = ["string", "integer", "number", "boolean", "enum", "list", "object", "secret"];

    /// <summary>Which types have which limit.</summary>
    public static readonly (string Field, string[] Types)[] Limits =
    [
        ("values", ["enum"]),
        ("minimum", ["integer", "number"]), ("maximum", ["integer", "number"]),
        ("minLength", ["string"]), ("maxLength", ["string"]), ("pattern", ["string"]),
        ("items", ["list"]), ("minItems", ["list"]), ("maxItems", ["list"]), ("uniqueItems", ["list"]),
        ("properties", ["object"]), ("additionalProperties", ["object"]),
    ];

    /// <summary>Null after reporting that there is no type. The fields that it does not read are the caller's to reject.</summary>
    public static VariableType? Read(FieldReader fields)
    {
        var word = fields.OneOf("type", Words, required: true)?.Value;
        foreach (var (field, types) in Limits)
        {
            if (fields.Get(field) is { } node && word is not null && !types.Contains(word, StringComparer.Ordinal))
                Contradiction(fields, $"only {Article(types)} has '{field}'", node);
        }
        return word switch
        {
            "string" => String(fields),
            "integer" => Integer(fields),
            "number" => Number(fields),
            "boolean" => new BooleanType(),
            "enum" => Enum(fields),
            "list" => List(fields),
            "object" => Object(fields),
            "secret" => new SecretType(),
            _ => null,
        };
    }

    public static void Contradiction(FieldReader fields, string message, YamlNode? at = null) =>
        fields.Bag.Error(DiagnosticCodes.BadDeclaration, at?.At ?? fields.At, $"{fields.Path}: {message}");

    private static StringType String(FieldReader fields)
    {
        var (least, most) = (Count(fields, "minLength"), Count(fields, "maxLength"));
        if (least > most) Contradiction(fields, "minLength is above maxLength");
        TextPattern? pattern = null;
        if (fields.Text("pattern") is { } text && (pattern = TextPattern.Parse(text.Value, out var problem)) is null)
            fields.Bag.Error(DiagnosticCodes.BadDeclaration, text.At, $"{fields.PathOf("pattern")}: {problem}");
        return new StringType(least, most, pattern);
    }

    private static IntegerType Integer(FieldReader fields)
    {
        var (least, most) = (Bound(fields, "minimum", whole: true), Bound(fields, "maximum", whole: true));
        var type = new IntegerType(Long(least), Long(most));
        if (type.Minimum > type.Maximum) Contradiction(fields, "minimum is above maximum");
        return type;
    }

    private static NumberType Number(FieldReader fields)
    {
        var (least, most) = (Bound(fields, "minimum", whole: false), Bound(fields, "maximum", whole: false));
        var type = new NumberType(Double(least), Double(most));
        if (type.Minimum > type.Maximum) Contradiction(fields, "minimum is above maximum");
        return type;
    }

    private static EnumType Enum(FieldReader fields)
    {
        var values = new List<ScalarValue>();
        foreach (var node in fields.List("values"))
        {
            var value = node is YamlScalar scalar ? CoreSchema.Resolve(scalar) : ScalarValue.Null;
            if (value.Kind == ScalarKind.Null)
                FieldReader.WrongType(fields.Bag, node, fields.PathOf("values"), "a string, number or boolean");
            else if (values.Exists(other => EnumType.AreEqual(other, value)))
                Contradiction(fields, $"{value} stands twice in 'values'", node);
            else values.Add(value);
        }
        if (fields.Get("values") is null or YamlSequence { Items.Count: 0 }) Contradiction(fields, "an enum lists its values");
        return new EnumType(values);
    }

    private static ListType List(FieldReader fields)
    {
        var (least, most) = (Count(fields, "minItems"), Count(fields, "maxItems"));
        if (least > most) Contradiction(fields, "minItems is above maxItems");
        VariableType? items = null;
        if (fields.Child("items", required: true) is { } child) items = Whole(child);
        return new ListType(items ?? AnyType.Instance, least, most, fields.Flag("uniqueItems"));
    }

    private static ObjectType Object(FieldReader fields)
    {
        VariableType? additional = null;
        if (fields.Get("additionalProperties") is YamlMapping node)
            additional = Whole(new FieldReader(node, fields.PathOf("additionalProperties"), fields.Bag)) ?? AnyType.Instance;
        else if (fields.Flag("additionalProperties")) additional = AnyType.Instance;
        var properties = VariableReader.Declarations(fields, "properties");
        if (properties.Count == 0 && additional is null && fields.Get("properties") is null or YamlMapping { Entries.Count: 0 })
            Contradiction(fields, "an object has 'properties', or 'additionalProperties' with the type of all");
        return new ObjectType(properties, additional);
    }

    /// <summary>A type that nothing but a description stands beside.</summary>
    private static VariableType? Whole(FieldReader fields)
    {
        var type = Read(fields);
        fields.Text("description");
        fields.RejectUnknown();
        return type;
    }

    private static int? Count(FieldReader fields, string name) =>
        fields.Integer(name, 0, MaxCount, -1) is var count and >= 0 ? count : null;

    private static ScalarValue? Bound(FieldReader fields, string name, bool whole)
    {
        if (fields.Get(name) is not { } node) return null;
        if (node is YamlScalar scalar && CoreSchema.Resolve(scalar) is var value
            && (value.Kind == ScalarKind.Number ? !whole : value.Kind == ScalarKind.Integer && Long(value) is not null)) return value;
        FieldReader.WrongType(fields.Bag, node, fields.PathOf(name), whole ? "a whole number of 64 bits" : "a number");
        return null;
    }

    private static long? Long(ScalarValue? value) => value is { Text: var text } && long.TryParse(text, NumberStyles.AllowLeadingSign,
        CultureInfo.InvariantCulture, out var number) ? number : null;

    private static double? Double(ScalarValue? value) =>
        value is { Text: var text } ? double.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string Article(string[] types) =>
        string.Join(" or ", types.Select(type => type[0] is 'i' or 'e' or 'o' ? $"an {type}" : $"a {type}"));
}
