using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Schemas;
using Json.Schema;
using Xunit;

namespace Capillary.Tests.Fleet.Schemas;

/// <summary>The schemas of docs/schemas say what the readers say: proven on every document that we have and on thousands of broken ones.</summary>
public sealed class FleetSchemaTests
{
    /// <summary>What readers refuse and a schema cannot, or would say only in a way that nobody reads.</summary>
    private static readonly string[] BeyondSchemas =
    [
        "the file's path says", // the schema does not know the path
        "is not a time from", // a time's range
        "there is no time zone",
        "is not a cron expression",
        "'to' is not after 'from'",
        "is not an https: URL", // the rest of a URL
        "is not an address", // the port's range
        "stands twice", // two waves of one name
        "expected a date", // 2026-13-45
        "is above", // minimum and maximum
        "pattern: ",
        "default: ", // a default that does not fit its type in detail
        "is not a number", // a number in quotes is one: value: "1.5"
        "write it such as .status.phase", // JSONPath
        "brackets that do not close", // a glob
    ];

    public static TheoryData<string> Kinds => [.. FleetSchemas.Kinds];

    [Fact]
    public void They_stand_in_the_docs()
    {
        var folder = Path.Combine(SchemaFixture.Root, "docs/schemas");
        foreach (var kind in FleetSchemas.Kinds) GoldenFile.CheckText(Path.Combine(folder, $"{kind}.json"), FleetSchemas.Of(kind));
        GoldenFile.CheckText(Path.Combine(folder, "Any.json"), FleetSchemas.OfAll());
        Assert.Equal(FleetSchemas.Kinds.Append("Any").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(folder).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void They_are_schemas(string kind)
    {
        foreach (var text in new[] { FleetSchemas.Of(kind), FleetSchemas.OfAll() })
            Assert.True(MetaSchemas.Draft202012.Evaluate(JsonDocument.Parse(text).RootElement).IsValid);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_full_document_fits_and_has_every_name_that_the_schema_has(string kind)
    {
        var full = SchemaFixture.Full(kind);
        Assert.Equal([], SchemaFixture.Read(kind, full).Select(item => item.ToString()));
        Assert.True(SchemaFixture.Fits(kind, full));
        var written = Maps(full, "").SelectMany(item => item.Map.Select(member => member.Key)).ToHashSet();
        foreach (var name in Named(JsonNode.Parse(FleetSchemas.Of(kind)))) Assert.True(written.Contains(name), $"Full/{kind}.yaml lacks {name}");
    }

    /// <summary>An unknown field makes a reader name those that it knows: the full document must have them all, so the schema has, too.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_full_document_has_every_name_that_the_reader_knows(string kind)
    {
        const string Unknown = "zzzzzzzzzzzzzzzz";
        var known = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var full = SchemaFixture.Full(kind);
        var closed = 0;
        foreach (var (map, place) in Maps(full, "").ToList())
        {
            map[Unknown] = 1;
            foreach (var item in SchemaFixture.Read(kind, full).Where(item => item.Message.EndsWith($"{Unknown} is not known", StringComparison.Ordinal)))
            {
                closed++;
                Assert.False(SchemaFixture.Fits(kind, full), $"{place} is open in the schema");
                known.TryAdd(place, []);
                known[place].UnionWith(item.Suggestion!["known here: ".Length..].Split(", "));
            }
            map.Remove(Unknown);
        }
        Assert.True(closed >= 2);
        foreach (var (place, names) in known)
        {
            var written = Maps(full, "").Where(item => item.Place == place).SelectMany(item => item.Map.Select(member => member.Key)).ToHashSet();
            Assert.True(names.IsSubsetOf(written), $"Full/{kind}.yaml lacks at {place}: {string.Join(", ", names.Except(written))}");
        }
    }

    [Fact]
    public void Every_document_that_we_have_is_judged_as_its_reader_does()
    {
        var judged = 0;
        foreach (var (path, text) in Documents())
        {
            if (FleetLayout.Place(path) is not { } place || SchemaFixture.Json(text) is not { } json) continue;
            judged++;
            var kind = place.Kind.ToString();
            Compare(kind, json, SchemaFixture.Read(path, text), path);
            if ((json as JsonObject)?["kind"]?.ToString() == kind)
                Assert.True(SchemaFixture.Fits(null, json) == SchemaFixture.Fits(kind, json), $"{path}: the schema of all kinds says otherwise");
        }
        Assert.True(judged > 80, $"{judged}");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_broken_document_is_judged_as_its_reader_does(string kind)
    {
        var (judged, refused) = (0, 0);
        foreach (var change in Changes(SchemaFixture.Full(kind)))
        {
            judged++;
            if (Compare(kind, change, SchemaFixture.Read(kind, change), "")) refused++;
        }
        Assert.True(judged > 100 && refused > judged / 3, $"{judged} documents, {refused} refused");
    }

    /// <summary>The page says so of each: only a compile tells.</summary>
    [Theory]
    [InlineData("RolloutPolicy", "spec", "soakTime", "8d", "is not a time from")]
    [InlineData("RolloutPolicy", "spec.waves.2", "name", "some", "stands twice")]
    [InlineData("RolloutPolicy", "spec.waves.0.gates.http", "url", "https:", "is not an https: URL")]
    [InlineData("RolloutPolicy", "spec.freezes.0", "from", "2026-13-45", "expected a date")]
    [InlineData("RolloutPolicy", "spec.freezes.0", "to", "2026-12-24", "'to' is not after 'from'")]
    [InlineData("RolloutPolicy", "spec.windows.0", "cron", "often", "is not a cron expression")]
    [InlineData("Region", "spec", "timeZone", "Europe/Nowhere", "there is no time zone")]
    [InlineData("Region", "spec.addresses", "0", "eu.example.org:99999", "is not an address")]
    [InlineData("HealthRules", "spec.rules.0", "messagePath", "[", "write it such as .status.phase")]
    [InlineData("App", "spec.variables.text", "pattern", "(", "pattern: ")]
    [InlineData("App", "spec.variables.text", "default", "ABC", "default: ")]
    [InlineData("App", "spec.variables.port", "maximum", 0, "is above")]
    [InlineData("Template", "spec.files.0", "path", "a[", "brackets that do not close")]
    [InlineData("Template", "spec.renames.1", "from", "lab.conf", "stands twice")]
    [InlineData("Site", "metadata", "name", "other", "the file's path says")]
    public void What_no_schema_can_say_the_reader_says(string kind, string place, string field, object value, string message)
    {
        var document = SchemaFixture.Full(kind);
        var changed = value is int number ? JsonValue.Create(number) : JsonValue.Create((string)value);
        var owner = place.Split('.').Aggregate((JsonNode)document, (node, step) => Step(node, step)!);
        if (owner is JsonArray list) list[int.Parse(field, CultureInfo.InvariantCulture)] = changed;
        else owner[field] = changed;
        Assert.True(SchemaFixture.Fits(kind, document));
        Assert.Contains(message, Assert.Single(SchemaFixture.Read(kind, document)).ToString(), StringComparison.Ordinal);
        Assert.Contains(message, BeyondSchemas);
    }

    /// <summary>True when both refuse it.</summary>
    private static bool Compare(string kind, JsonNode json, IReadOnlyList<Diagnostic> said, string where)
    {
        var fits = SchemaFixture.Fits(kind, json);
        if (fits == (said.Count == 0)) return !fits;
        if (fits && said.All(item => BeyondSchemas.Any(part => item.ToString().Contains(part, StringComparison.Ordinal)))) return false;
        Assert.Fail($"{where} the schema says {(fits ? "yes" : "no")}, the reader {string.Join("; ", said)}:\n{json.ToJsonString()}");
        return false;
    }

    /// <summary>The document with one thing changed, for each of its nodes.</summary>
    private static IEnumerable<JsonNode> Changes(JsonObject document)
    {
        JsonNode?[] others = ["", "no such thing", "5", "20%", true, -5, 2.5, 99_999_999, new JsonArray(), new JsonObject(),
            new JsonArray("a", "a"), new JsonObject { ["a"] = "b" }];
        foreach (var (map, _) in Maps(document, "").ToList())
        {
            foreach (var name in map.Select(member => member.Key).ToList())
            {
                var place = map.IndexOf(name);
                var old = map[name];
                map.RemoveAt(place);
                yield return document;
                foreach (var other in others)
                {
                    map.Insert(place, name, other?.DeepClone());
                    yield return document;
                    map.RemoveAt(place);
                }
                map.Insert(place, name, old);
            }
            map["Upper And Space"] = "x";
            yield return document;
            map.Remove("Upper And Space");
        }
    }

    /// <summary>Every mapping with its place; names that authors choose are one place.</summary>
    private static IEnumerable<(JsonObject Map, string Place)> Maps(JsonNode? node, string place)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list)
            {
                foreach (var found in Maps(item, place)) yield return found;
            }
        }
        if (node is not JsonObject map) yield break;
        yield return (map, place);
        var isFree = place.EndsWith("variables", StringComparison.Ordinal) || place.EndsWith("artifacts", StringComparison.Ordinal)
            || place.EndsWith(".properties", StringComparison.Ordinal);
        foreach (var (name, item) in map)
        {
            var next = isFree ? (place.EndsWith("artifacts", StringComparison.Ordinal) ? "artifact" : "declaration") : $"{place}.{name}";
            if (place == "declaration" && name is "items" or "additionalProperties") next = place;
            foreach (var found in Maps(item, next)) yield return found;
        }
    }

    private static JsonNode? Step(JsonNode node, string step) =>
        node is JsonArray list ? list[int.Parse(step, CultureInfo.InvariantCulture)] : node[step];

    private static IEnumerable<string> Named(JsonNode? schema) => schema switch
    {
        JsonObject map => map.SelectMany(member => member.Key == "properties" && member.Value is JsonObject fields
            ? fields.SelectMany(field => Named(field.Value).Append(field.Key)) : Named(member.Value)),
        JsonArray list => list.SelectMany(Named),
        _ => [],
    };

    private static IEnumerable<(string Path, string Text)> Documents()
    {
        var example = Path.Combine(SchemaFixture.Root, "examples/medical-edge");
        foreach (var file in Directory.EnumerateFiles(example, "*.yaml", SearchOption.AllDirectories))
            yield return (Path.GetRelativePath(example, file), File.ReadAllText(file));
        foreach (var name in GoldenCaseTests.Names())
        {
            foreach (var (path, text) in CaseFile.Load(name).Files) yield return (path, text);
        }
        foreach (var (_, path, text) in DocsTests.Documents()) yield return (path, text);
    }
}
