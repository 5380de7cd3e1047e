using System.Text.Json.Nodes;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Schemas;

/// <summary>The pieces of which schemas are made. Each call gives a new node: a node of JSON has one parent.</summary>
internal static class Shape
{
    private const string Label = "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?";
    private const string DnsPart = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    private const int MostSites = 1_000_000;

    public static JsonObject Text(string? pattern = null, int? least = null, int? most = null)
    {
        var node = new JsonObject { ["type"] = "string" };
        if (least is not null) node["minLength"] = least;
        if (most is not null) node["maxLength"] = most;
        if (pattern is not null) node["pattern"] = pattern;
        return node;
    }

    public static JsonObject Name() => Text($"^{DnsPart}$", most: DnsLabel.MaxLength);

    public static JsonObject LabelKey() => Text($@"^({DnsPart}(\.{DnsPart})*/)?{Label}$", most: 317);

    public static JsonObject LabelValue() => Text($"^({Label})?$", most: 63);

    public static JsonObject TimeZone() => Text().Says("IANA name, such as Europe/Zurich.");

    public static JsonObject Duration() => Text("^[0-9]{1,9}[smhd]$").Says("A whole number and s, m, h or d, such as 30m.");

    /// <summary>A number of sites or a percentage.</summary>
    public static JsonObject Share(int least) => new()
    {
        ["anyOf"] = new JsonArray(
            Integer(least, MostSites),
            Text(least == 0 ? "^0*(100|[1-9]?[0-9])%$" : "^0*(100|[1-9][0-9]?)%$"),
            Text(least == 0 ? "^[0-9]{1,7}$" : "^0*[1-9][0-9]{0,6}$")),
    };

    public static JsonObject Flag() => new() { ["type"] = "boolean" };

    public static JsonObject Integer(long least, long most) =>
        new() { ["type"] = "integer", ["minimum"] = least, ["maximum"] = most };

    public static JsonObject Const(string value) => new() { ["const"] = value };

    public static JsonObject OneOf(IEnumerable<string> values) => new() { ["enum"] = Array(values) };

    public static JsonObject Ref(string definition) => new() { ["$ref"] = $"#/$defs/{definition}" };

    public static JsonObject List(JsonObject items, int? least = null, int? most = null, bool isUnique = false)
    {
        var node = new JsonObject { ["type"] = "array", ["items"] = items };
        if (least is not null) node["minItems"] = least;
        if (most is not null) node["maxItems"] = most;
        if (isUnique) node["uniqueItems"] = true;
        return node;
    }

    /// <summary>A mapping of any names that fit.</summary>
    public static JsonObject Map(JsonNode values, JsonObject? names = null)
    {
        var node = new JsonObject { ["type"] = "object", ["additionalProperties"] = values };
        if (names is not null) node["propertyNames"] = names;
        return node;
    }

    /// <summary>A mapping that has these fields and no other.</summary>
    public static JsonObject Closed(string[] required, params (string Name, JsonObject Shape)[] fields)
    {
        var node = new JsonObject { ["type"] = "object" };
        if (required.Length > 0) node["required"] = Array(required);
        var properties = new JsonObject();
        foreach (var (name, shape) in fields) properties[name] = shape;
        node["properties"] = properties;
        node["additionalProperties"] = false;
        return node;
    }

    public static JsonArray Array(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode?)JsonValue.Create(text))];

    public static JsonObject When(JsonObject condition, JsonObject then, JsonObject? otherwise = null)
    {
        var node = new JsonObject { ["if"] = condition, ["then"] = then };
        if (otherwise is not null) node["else"] = otherwise;
        return node;
    }

    /// <summary>Holds for an object whose field has one of these values.</summary>
    public static JsonObject Has(string field, params string[] values) =>
        new() { ["required"] = Array([field]), ["properties"] = new JsonObject { [field] = OneOf(values) } };

    public static JsonObject Says(this JsonObject node, string description)
    {
        node["description"] = description;
        return node;
    }

    public static JsonObject With(this JsonObject node, string keyword, JsonNode value)
    {
        node[keyword] = value;
        return node;
    }

    /// <summary>Chooses sites: see <see cref="Documents.Selector"/>.</summary>
    public static JsonObject Selector() => Closed([],
        ("matchLabels", Map(LabelValue(), LabelKey())),
        ("matchExpressions", List(Closed(["key", "operator"],
            ("key", LabelKey()),
            ("operator", OneOf(Enum.GetNames<SelectorOperator>())),
            ("values", List(LabelValue())))
            .With("allOf", new JsonArray(When(Has("operator", nameof(SelectorOperator.In), nameof(SelectorOperator.NotIn)),
                new JsonObject { ["required"] = Array(["values"]), ["properties"] = Items("minItems", 1) },
                new JsonObject { ["properties"] = Items("maxItems", 0) }))))))
        .Says("All must hold; {} chooses every site.");

    private static JsonObject Items(string keyword, int count) => new() { ["values"] = new JsonObject { [keyword] = count } };
}
