using System.Text.Json.Nodes;
using Capillary.Core.Apply;
using Capillary.Fleet.Templates;

namespace Capillary.Fleet.Schemas;

/// <summary>The manifest of a template repository, and the state of an instance.</summary>
internal static class TemplateSchema
{
    public static JsonObject Template() => Shape.Closed(["apiVersion", "kind", "metadata"],
        ("apiVersion", Shape.Const(HostObjectReader.ApiVersion)),
        ("kind", Shape.Const(TemplateManifest.Kind)),
        ("metadata", Shape.Closed(["name"], ("name", Shape.Name()))),
        ("spec", Shape.Closed([],
            ("description", Shape.Text()),
            ("variables", Variables()),
            ("exclude", Shape.List(Path()).Says("Globs of files that are copied; their names are rendered all the same.")),
            ("files", Shape.List(Shape.Closed(["path", "when"],
                ("path", Path()),
                ("when", Shape.Text().Says("A Jinja expression over the variables, without braces."))))
                .Says("Files that exist only when all their conditions hold.")),
            ("renames", Shape.List(Shape.Closed(["from", "to"],
                ("from", Shape.Text().Says("A path below template/ in an earlier version, not rendered.")),
                ("to", Shape.Text().Says("Its path now."))))),
            ("migrations", Shape.List(Migration()).Says("How values of earlier versions become values of this one.")))));

    public static JsonObject Instance() => Shape.Closed(["apiVersion", "kind", "spec"],
        ("apiVersion", Shape.Const(HostObjectReader.ApiVersion)),
        ("kind", Shape.Const(InstanceState.Kind)),
        ("spec", Shape.Closed(["repository", "version", "commit"],
            ("repository", Shape.Text().Says("A URL, or a path; a relative one from the root of the instance's repository.")),
            ("version", Shape.Text().Says("A tag, branch or commit, as it was asked for.")),
            ("commit", Shape.Text("^([0-9a-f]{40}|[0-9a-f]{64})$").Says("What the version was then.")),
            ("variables", Shape.Map(true).Says("Values as they were given, without defaults.")))));

    private static JsonObject Variables()
    {
        var node = VariableSchema.Declarations();
        node["propertyNames"]!["not"] = Shape.OneOf(TemplateManifestReader.Reserved);
        return node;
    }

    private static JsonObject Path() => Shape.Text(least: 1, most: TemplatePath.MaxLength).With("not", new JsonObject
    {
        ["pattern"] = @"^/|//|/$|\\|[\u0000-\u001f\u007f-\u009f]|(^|/)(\.|\.\.|\.[gG][iI][tT])(/|$)",
    }).Says("A glob below template/: ** is any number of folders.");

    private static JsonObject Migration() => Shape.Closed(["variable"],
        ("variable", Shape.Text().Says("Its name in an earlier version.")),
        ("renamedTo", Shape.Text().Says("Its name now.")),
        ("value", Shape.Text().Says("A template over the old values, whose result is read as YAML; without it the value stays.")),
        ("removed", Shape.Flag().Says("It has no successor.")))
        .With("oneOf", new JsonArray(
            new JsonObject { ["required"] = Shape.Array(["renamedTo"]), ["properties"] = Removed(false) },
            new JsonObject
            {
                ["required"] = Shape.Array(["removed"]),
                ["properties"] = Removed(true),
                ["not"] = new JsonObject { ["anyOf"] = new JsonArray(Needs("renamedTo"), Needs("value")) },
            }));

    private static JsonObject Removed(bool value) => new() { ["removed"] = new JsonObject { ["const"] = value } };

    private static JsonObject Needs(string field) => new() { ["required"] = Shape.Array([field]) };
}
