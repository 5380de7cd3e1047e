using System.Text.Json.Nodes;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Schemas;

/// <summary>The specs of apps and of health rules.</summary>
internal static class AppSchema
{
    private const string Item = @"[^,]*[^,\s][^,]*";
    private const string DnsPart = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";

    public static JsonObject App() => Shape.Closed(["placement"],
        ("placement", Shape.Closed(["selector"],
            ("selector", Shape.Ref(FleetSchemas.Selector)),
            ("platforms", Shape.List(Shape.OneOf([Distributions.NameOf(SitePlatform.Host), Distributions.NameOf(SitePlatform.Kubernetes)])))
            ).Says("Which sites run it.")),
        ("rolloutPolicy", Shape.Name().Says("For changes of this app; default: the fleet's.")),
        ("variables", VariableSchema.Declarations()),
        ("artifacts", Shape.Map(Artifact(), Shape.Name()).Says("Files of the app that objects and templates name.")),
        ("after", Shape.List(Shape.Name(), isUnique: true).Says("Apps that are applied before this one.")),
        ("health", Shape.Closed([],
            ("deadlineSeconds", Shape.Integer(1, 86_400).Says("How long it may take to become healthy; default 60.")))),
        ("kubernetes", Kubernetes()));

    public static JsonObject HealthRules()
    {
        var kind = Kind();
        return Shape.Closed(["rules"],
            ("rules", Shape.List(Shape.Closed(["kind", "healthy"],
                ("group", Group()),
                ("kind", kind),
                ("degraded", Tests().Says("All hold: degraded. Looked at first.")),
                ("suspended", Tests().Says("All hold: suspended. Looked at second.")),
                ("healthy", Tests().With("minItems", 1).Says("All hold: healthy; else the object is progressing.")),
                ("messagePath", Shape.Text().Says("Path of a text that says why."))),
                most: KubernetesPolicyJson.MaxEntries)));
    }

    private static JsonObject Artifact() => Shape.Closed(["path"],
        ("path", Shape.Text(least: 1, most: 1024).With("not", new JsonObject
        {
            ["pattern"] = @"^/|^templates/|^app\.yaml$|\\|(^|/)\.\.?(/|$)|//|/$",
        }).Says("Below the app's folder.")),
        ("executable", Shape.Flag().Says("A File made from it has mode 0755 unless it says otherwise.")));

    private static JsonObject Kubernetes() => Shape.Closed([],
        ("namespace", Shape.Name().Says("Where objects go that name no namespace.")),
        ("conflicts", Shape.OneOf(KubernetesPolicyReader.Conflicts).Says("What is done with a field that another manager owns.")),
        ("ignoreDifferences", Shape.List(Shape.Closed(["kind", "jsonPointers"],
            ("group", Group()),
            ("kind", Kind()),
            ("name", Shape.Text()),
            ("namespace", Shape.Name()),
            ("jsonPointers", Shape.List(Shape.Text("^/([^~]|~[01])*$", least: 2, most: KubernetesPolicyJson.MaxText),
                least: 1, most: KubernetesPolicyJson.MaxParts))), most: KubernetesPolicyJson.MaxEntries)));

    private static JsonObject Tests() => Shape.List(Shape.Closed(["path"],
        ("path", Shape.Text().Says("JSONPath as kubectl writes it, without braces.")),
        ("operator", Shape.OneOf(KubernetesPolicyJson.OperatorNames)),
        ("value", new JsonObject()))
        .With("allOf", new JsonArray(
            Shape.When(Shape.Has("operator", "exists", "missing"), Value(new JsonObject { ["const"] = "" }), new JsonObject
            {
                ["required"] = Shape.Array(["value"]),
            }),
            Shape.When(Shape.Has("operator", "in"),
                Value(new JsonObject
                {
                    ["anyOf"] = new JsonArray(Scalar().With("pattern", $"^{Item}(,{Item})*$"),
                        Shape.List(Scalar().With("pattern", $"^{Item}$"), least: 1)),
                }), Value(Scalar())))),
        most: KubernetesPolicyJson.MaxParts);

    private static JsonObject Value(JsonObject shape) => new() { ["properties"] = new JsonObject { ["value"] = shape } };

    private static JsonObject Scalar() => new() { ["type"] = Shape.Array(["string", "number", "boolean"]) };

    private static JsonObject Group() => Shape.Text($@"^({DnsPart}(\.{DnsPart})*)?$").Says("API group; \"\" is the core group.");

    private static JsonObject Kind() => Shape.Text("^[A-Za-z][A-Za-z0-9]*$", most: 63);
}
