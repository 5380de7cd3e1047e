using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Schemas;
using Capillary.Fleet.Templates;
using Json.Schema;

namespace Capillary.Tests.Fleet.Schemas;

/// <summary>One document judged by its schema, with a validator that is not ours, and by its reader.</summary>
internal static class SchemaFixture
{
    private static readonly Dictionary<string, JsonSchema> Schemas =
        FleetSchemas.Kinds.ToDictionary(kind => kind, kind => JsonSchema.FromText(FleetSchemas.Of(kind)));

    private static readonly JsonSchema Any = JsonSchema.FromText(FleetSchemas.OfAll());

    public static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    public static string Root => Path.GetFullPath(Path.Combine(Folder(), "../../../.."));

    /// <summary>A document with every field that its kind has.</summary>
    public static JsonObject Full(string kind) => (JsonObject)Json(File.ReadAllText(Path.Combine(Folder(), "Full", $"{kind}.yaml")))!;

    /// <summary>YAML of one document as JSON; null when it cannot be read.</summary>
    public static JsonNode? Json(string yaml)
    {
        var bag = new DiagnosticBag("a");
        var roots = YamlLoader.Load(yaml, bag);
        return bag.IsEmpty && roots.Count == 1 ? JsonNode.Parse(CanonicalJson.Write(roots[0])) : null;
    }

    /// <summary>By the schema of one kind, or by that of all kinds.</summary>
    public static bool Fits(string? kind, JsonNode document) =>
        (kind is { } one ? Schemas[one] : Any).Evaluate(JsonSerializer.SerializeToElement(document)).IsValid;

    /// <summary>What the reader says of a document that stands where its name wants it; JSON is YAML.</summary>
    public static IReadOnlyList<Diagnostic> Read(string kind, JsonNode document) => kind switch
    {
        TemplateManifest.Kind => ReadTemplate(document.ToJsonString()),
        InstanceState.Kind => InstanceState.Read(InstanceFiles.State, Encoding.UTF8.GetBytes(document.ToJsonString())).Problems,
        _ => Read(PathOf(Enum.Parse<DocumentKind>(kind)), document.ToJsonString()),
    };

    public static IReadOnlyList<Diagnostic> Read(string path, string text) =>
        DocumentParser.Parse(CaseFile.FileOf(path, Encoding.UTF8.GetBytes(text))).Diagnostics;

    private static IReadOnlyList<Diagnostic> ReadTemplate(string text)
    {
        var bag = new DiagnosticBag(TemplateManifest.CapillaryFile);
        TemplateManifestReader.Read(CaseFile.FileOf(bag.File, Encoding.UTF8.GetBytes(text)), bag);
        return bag.Items;
    }

    private static string PathOf(DocumentKind kind) => kind switch
    {
        DocumentKind.Fleet => "fleet.yaml",
        DocumentKind.Region => "regions/full.yaml",
        DocumentKind.Site => "sites/eu/full.yaml",
        DocumentKind.Group => "groups/full.yaml",
        DocumentKind.App => "apps/full/app.yaml",
        DocumentKind.RolloutPolicy => "rollouts/full.yaml",
        _ => "health/full.yaml",
    };
}
