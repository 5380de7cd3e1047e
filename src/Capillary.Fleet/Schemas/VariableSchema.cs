using System.Text.Json.Nodes;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Schemas;

/// <summary>Variables: what layers set, and how apps declare them.</summary>
internal static class VariableSchema
{
    public const string Type = "type";
    public const string Declaration = "declaration";
    public const string Secret = "secret";

    /// <summary>Values of a layer; the names and types are the apps' to declare.</summary>
    public static JsonObject Settings(FleetInventory? fleet)
    {
        const string Text = "Values of variables that apps declare; a later layer replaces a value whole.";
        if (fleet is null) return Shape.Map(true).Says(Text);
        var declared = fleet.Apps.SelectMany(app => app.Variables.Values).GroupBy(one => one.Name, StringComparer.Ordinal)
            .OrderBy(name => name.Key, StringComparer.Ordinal);
        return Shape.Closed([], [.. declared.Select(name => (name.Key, AllOf([.. name.Select(ValueSchema.Described)])))]).Says(Text);
    }

    public static JsonObject Declarations() =>
        Shape.Map(Shape.Ref(Declaration), Shape.Text("^[A-Za-z_][A-Za-z0-9_]*$", most: 63)).Says("What the templates read, by name.");

    /// <summary>A type alone: of a list's items, or of an object's other properties.</summary>
    public static JsonObject TypeShape() => Any(_ => []);

    public static JsonObject DeclarationShape() => Any(word =>
    [
        ("default", Value(word)),
        ("required", Shape.Flag().Says("Something must give it a value; not together with a default.")),
    ]).With("not", new JsonObject
    {
        ["required"] = Shape.Array(["default", "required"]),
        ["properties"] = new JsonObject { ["required"] = new JsonObject { ["const"] = true } },
    });

    public static JsonObject SecretShape() =>
        Shape.Closed([SecretType.Member], (SecretType.Member, Shape.Name())).Says("The name of a secret.");

    /// <summary>A value has the type of each app that declares it.</summary>
    private static JsonObject AllOf(List<JsonObject> shapes)
    {
        var distinct = shapes.DistinctBy(shape => shape.ToJsonString()).ToList();
        return distinct.Count == 1 ? distinct[0] : new JsonObject { ["allOf"] = new JsonArray([.. distinct]) };
    }

    private static JsonObject Any(Func<string, (string, JsonObject)[]> more) => new()
    {
        ["anyOf"] = new JsonArray([.. TypeReader.Words.Select(word => (JsonNode)OfWord(word, more(word)))]),
    };

    private static JsonObject OfWord(string word, (string, JsonObject)[] more)
    {
        var limits = TypeReader.Limits.Where(limit => limit.Types.Contains(word, StringComparer.Ordinal));
        string[] required = word switch
        {
            "enum" => ["type", "values"],
            "list" => ["type", "items"],
            _ => ["type"],
        };
        var shape = Shape.Closed(required,
        [
            ("type", Shape.Const(word)), .. limits.Select(limit => (limit.Field, Limit(limit.Field, word))),
            ("description", Shape.Text()), .. more,
        ]);
        return word == "object" ? shape.With("anyOf", Members()) : shape;
    }

    /// <summary>An object says what it has.</summary>
    private static JsonArray Members() => new(
        new JsonObject
        {
            ["required"] = Shape.Array(["properties"]),
            ["properties"] = new JsonObject { ["properties"] = new JsonObject { ["minProperties"] = 1 } },
        },
        new JsonObject
        {
            ["required"] = Shape.Array(["additionalProperties"]),
            ["properties"] = new JsonObject
            {
                ["additionalProperties"] = new JsonObject { ["not"] = new JsonObject { ["const"] = false } },
            },
        });

    private static JsonObject Limit(string field, string word) => field switch
    {
        "values" => Shape.List(Scalar(), least: 1, isUnique: true),
        "minimum" or "maximum" => new JsonObject { ["type"] = word },
        "pattern" => Shape.Text(most: TextPattern.MaxLength).Says("A regular expression that the whole text must match."),
        "items" => Shape.Ref(Type),
        "uniqueItems" => Shape.Flag(),
        "properties" => Shape.Map(Shape.Ref(Declaration)),
        "additionalProperties" => new JsonObject { ["anyOf"] = new JsonArray(Shape.Flag(), Shape.Ref(Type)) },
        _ => Shape.Integer(0, TypeReader.MaxCount),
    };

    private static JsonObject Value(string word) => word switch
    {
        "enum" => Scalar(),
        "list" => new JsonObject { ["type"] = "array" },
        "secret" => Shape.Ref(Secret),
        _ => new JsonObject { ["type"] = word },
    };

    private static JsonObject Scalar() => new() { ["type"] = Shape.Array(["string", "number", "boolean"]) };
}
