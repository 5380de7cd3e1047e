using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.Core.Apply;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Templates;

namespace Capillary.Fleet.Schemas;

/// <summary>
/// JSON Schemas (draft 2020-12) of every kind of document, for editors. They say what one document can be on its own; what the readers
/// know beyond that (names of other documents, time zones, cron) only a compile tells. Tests hold them against the readers.
/// </summary>
public static class FleetSchemas
{
    internal const string Selector = "selector";

    private const string Draft = "https://json-schema.org/draft/2020-12/schema";
    private const string RefPrefix = "#/$defs/";

    /// <summary>Every kind that has a schema: those of a fleet repository, then those of templates.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
        [.. Enum.GetNames<DocumentKind>(), TemplateManifest.Kind, InstanceState.Kind];

    /// <summary>The schema of one kind, as JSON text with a last newline.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="fleet">Layers may set the variables of its apps only, each with its type; null: any variable.</param>
    public static string Of(string kind, FleetInventory? fleet = null)
    {
        var document = kind switch
        {
            TemplateManifest.Kind => TemplateSchema.Template(),
            InstanceState.Kind => TemplateSchema.Instance(),
            _ => Document(Enum.Parse<DocumentKind>(kind), fleet),
        };
        var root = new JsonObject { ["$schema"] = Draft, ["title"] = $"{kind} ({HostObjectReader.ApiVersion})" };
        foreach (var (keyword, value) in document.ToList()) root[keyword] = value?.DeepClone();
        return Text(WithDefinitions(root));
    }

    /// <summary>One schema for a document of any kind in a fleet repository: <c>kind</c> says which.</summary>
    /// <param name="fleet">See <see cref="Of"/>.</param>
    public static string OfAll(FleetInventory? fleet = null)
    {
        var kinds = Enum.GetValues<DocumentKind>();
        var root = new JsonObject
        {
            ["$schema"] = Draft,
            ["title"] = $"Documents of a fleet repository ({HostObjectReader.ApiVersion})",
            ["type"] = "object",
            ["required"] = Shape.Array(["kind"]),
            ["properties"] = new JsonObject { ["kind"] = Shape.OneOf(kinds.Select(kind => kind.ToString())) },
            ["allOf"] = new JsonArray(
                [.. kinds.Select(kind => (JsonNode)Shape.When(Shape.Has("kind", kind.ToString()), Document(kind, fleet)))]),
        };
        return Text(WithDefinitions(root));
    }

    private static JsonObject Document(DocumentKind kind, FleetInventory? fleet)
    {
        var isOptional = kind is DocumentKind.Region or DocumentKind.RolloutPolicy;
        return Shape.Closed(isOptional ? ["apiVersion", "kind", "metadata"] : ["apiVersion", "kind", "metadata", "spec"],
            ("apiVersion", Shape.Const(HostObjectReader.ApiVersion)),
            ("kind", Shape.Const(kind.ToString())),
            ("metadata", Shape.Closed(["name"],
                ("name", Shape.Name().Says(kind == DocumentKind.Fleet ? "The fleet's name." : "As the file's path says.")),
                ("labels", Shape.Map(Shape.LabelValue(), Shape.LabelKey()
                    .With("not", new JsonObject { ["pattern"] = @"^capillary\.dev/" }))))),
            ("spec", Spec(kind, VariableSchema.Settings(fleet))));
    }

    private static JsonObject Spec(DocumentKind kind, JsonObject variables) => kind switch
    {
        DocumentKind.Fleet => Fleet(variables),
        DocumentKind.Region => Region(variables),
        DocumentKind.Site => Site(variables),
        DocumentKind.Group => Group(variables),
        DocumentKind.App => AppSchema.App(),
        DocumentKind.RolloutPolicy => RolloutPolicySchema.Spec(),
        DocumentKind.HealthRules => AppSchema.HealthRules(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a kind without a schema"),
    };

    private static JsonObject Fleet(JsonObject variables) => Shape.Closed(["regions"],
        ("regions", Shape.List(Shape.Name(), isUnique: true).Says("Each has a document.")),
        ("defaults", Shape.Closed([], ("rolloutPolicy", Shape.Name().Says("Default: every site at once.")))),
        ("enrollment", Enrollment()),
        ("variables", variables));

    private static JsonObject Region(JsonObject variables) => Shape.Closed([],
        ("residency", Shape.Text().Says("Where data must stay; shown, and enforced by nothing yet.")),
        ("addresses", Shape.List(
            Shape.Text(@"^(\[[0-9A-Za-z:.%]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$", most: RegionReader.MaxAddressLength),
            most: RegionDocument.MaxAddresses, isUnique: true).Says("Where its sites dial: HOST:PORT.")),
        ("enrollment", Enrollment()),
        ("timeZone", Shape.TimeZone()),
        ("variables", variables));

    private static JsonObject Site(JsonObject variables)
    {
        var (host, kubernetes) = (Distributions.NameOf(SitePlatform.Host), Distributions.NameOf(SitePlatform.Kubernetes));
        return Shape.Closed(["platform", "distribution"],
            ("platform", Shape.OneOf([host, kubernetes])),
            ("distribution", Shape.Text().Says("Of the operating system, or of Kubernetes.")),
            ("timeZone", Shape.TimeZone()),
            ("variables", variables))
            .With("allOf", new JsonArray(Distribution(host, SitePlatform.Host), Distribution(kubernetes, SitePlatform.Kubernetes)));
    }

    private static JsonObject Distribution(string name, SitePlatform platform) => Shape.When(Shape.Has("platform", name),
        new JsonObject { ["properties"] = new JsonObject { ["distribution"] = Shape.OneOf(Distributions.On(platform)) } });

    private static JsonObject Group(JsonObject variables) => Shape.Closed(["selector"],
        ("selector", Shape.Ref(Selector)),
        ("priority", Shape.Integer(-1000, 1000).Says("The higher one wins, then the later name; default 0.")),
        ("variables", variables));

    private static JsonObject Enrollment() => Shape.Closed([],
        ("approval", Shape.OneOf(RegionReader.WhoDecides).Says("Whether a node that proved its join code waits for an operator.")),
        ("moves", Shape.OneOf(RegionReader.WhoDecides).Says("Whether the hub moves a site whose file stands in another region.")));

    /// <summary>Adds the definitions that are used, and those that these use.</summary>
    private static JsonObject WithDefinitions(JsonObject root)
    {
        var definitions = new SortedDictionary<string, JsonNode>(StringComparer.Ordinal);
        var todo = new Stack<JsonNode>([root]);
        while (todo.TryPop(out var node))
        {
            foreach (var name in References(node).Where(name => !definitions.ContainsKey(name)))
                todo.Push(definitions[name] = Definition(name));
        }
        if (definitions.Count == 0) return root;
        var all = new JsonObject();
        foreach (var (name, definition) in definitions) all[name] = definition;
        return root.With("$defs", all);
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(member => member.Key == "$ref"
            ? [member.Value!.GetValue<string>()[RefPrefix.Length..]] : References(member.Value)).ToList(),
        JsonArray list => list.SelectMany(References).ToList(),
        _ => [],
    };

    private static JsonObject Definition(string name) => name switch
    {
        Selector => Shape.Selector(),
        VariableSchema.Type => VariableSchema.TypeShape(),
        VariableSchema.Declaration => VariableSchema.DeclarationShape(),
        _ => VariableSchema.SecretShape(),
    };

    private static string Text(JsonObject root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options)) root.WriteTo(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
