using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Capillary.KubernetesDouble.Http;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>What the schema of a CRD asks of its objects (no CEL, no oneOf).</summary>
internal static class CustomValidation
{
    /// <summary>Takes away what the schema does not name; returns the paths of it.</summary>
    public static IReadOnlyList<string> Prune(JsonObject tree, JsonObject openApi)
    {
        var unknown = new List<string>();
        Prune(tree, openApi, "", unknown, true);
        return unknown;
    }

    public static void Fill(JsonNode? tree, JsonObject openApi)
    {
        if (openApi.Map("items") is { } items)
        {
            foreach (var item in tree.Items()) Fill(item, items);
        }
        if (tree is not JsonObject map) return;
        foreach (var (name, field) in openApi.Map("properties") ?? [])
        {
            if (field.At("default") is { } value) map.Default(name, value.DeepClone());
            Fill(map[name], field!.AsObject());
        }
        if (openApi.Map("additionalProperties") is not { } values) return;
        foreach (var (_, value) in map) Fill(value, values);
    }

    public static IEnumerable<Cause> Check(JsonNode? tree, JsonObject openApi) => Check(tree, openApi, "");

    private static void Prune(JsonNode? tree, JsonObject openApi, string path, List<string> unknown, bool isRoot)
    {
        if (openApi.Map("items") is { } items)
        {
            foreach (var (at, item) in tree.Items().Index()) Prune(item, items, $"{path}[{at}]", unknown, false);
        }
        if (tree is not JsonObject map) return;
        var values = openApi.Map("additionalProperties");
        foreach (var (name, value) in map.ToList())
        {
            var at = path.Length == 0 ? name : $"{path}.{name}";
            if (isRoot && name is "apiVersion" or "kind" or "metadata") continue;
            if ((openApi.Map("properties", name) ?? values) is { } below) Prune(value, below, at, unknown, false);
            else if (openApi.Flag("x-kubernetes-preserve-unknown-fields") != true && openApi.Flag("additionalProperties") != true)
            {
                unknown.Add(at);
                map.Remove(name);
            }
        }
    }

    private static IEnumerable<Cause> Check(JsonNode? tree, JsonObject openApi, string path)
    {
        if (tree is null) return [];
        if (Type(tree, openApi, path) is { } wrong) return [wrong];
        return Value(tree, openApi, path).Concat(tree switch
        {
            JsonObject map => Map(map, openApi, path),
            JsonArray list => List(list, openApi, path),
            _ => [],
        });
    }

    private static Cause? Type(JsonNode tree, JsonObject openApi, string path)
    {
        if (openApi.Flag("x-kubernetes-int-or-string") == true || openApi.Text("type") is not { } expected) return null;
        var actual = tree.GetValueKind() switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => long.TryParse(tree.ToJsonString(), CultureInfo.InvariantCulture, out _) ? "integer" : "number",
            _ => "boolean",
        };
        if (actual == expected || (expected == "number" && actual == "integer")) return null;
        var place = path.Length == 0 ? "<nil>" : path;
        return new Cause("FieldValueTypeInvalid",
            $"Invalid value: \"{actual}\": {place} in body must be of type {expected}: \"{actual}\"", place);
    }

    private static IEnumerable<Cause> Map(JsonObject map, JsonObject openApi, string path)
    {
        foreach (var (name, value) in map)
        {
            if ((openApi.Map("properties", name) ?? openApi.Map("additionalProperties")) is not { } below) continue;
            foreach (var cause in Check(value, below, Join(path, name))) yield return cause;
        }
        foreach (var name in openApi.Items("required").Select(name => name.GetValue<string>()).Where(name => !map.ContainsKey(name)))
            yield return Cause.Required(Join(path, name));
    }

    private static IEnumerable<Cause> List(JsonArray list, JsonObject openApi, string path)
    {
        if (openApi.Number("minItems") is { } least && list.Count < least)
            yield return Cause.Invalid(path, list.Count, $"{path} in body should have at least {least} items");
        if (openApi.Number("maxItems") is { } most && list.Count > most)
            yield return new Cause("FieldValueTooMany", $"Too many: {list.Count}: must have at most {most} items", path);
        if (openApi.Map("items") is not { } items) yield break;
        foreach (var (at, item) in list.Index())
        {
            foreach (var cause in Check(item, items, $"{path}[{at}]")) yield return cause;
        }
    }

    private static IEnumerable<Cause> Value(JsonNode tree, JsonObject openApi, string path)
    {
        if (openApi.At("enum") is JsonArray choices && !choices.Any(choice => Json.Same(choice, tree)))
        {
            var supported = string.Join(", ", choices.Select(choice => choice.Compact()));
            yield return new Cause("FieldValueNotSupported", $"Unsupported value: {tree.Compact()}: supported values: {supported}", path);
        }
        if (tree.GetValueKind() == JsonValueKind.Number)
        {
            var number = double.Parse(tree.ToJsonString(), CultureInfo.InvariantCulture);
            if (openApi.Number("minimum") is { } least && number < least)
                yield return Cause.Invalid(path, tree, $"{path} in body should be greater than or equal to {least}");
            if (openApi.Number("maximum") is { } most && number > most)
                yield return Cause.Invalid(path, tree, $"{path} in body should be less than or equal to {most}");
        }
        if (tree.Text() is not { } text) yield break;
        if (openApi.Text("pattern") is { } pattern && !Regex.IsMatch(text, pattern))
            yield return Cause.Invalid(path, tree, $"{path} in body should match '{pattern}'");
        if (openApi.Number("minLength") is { } shortest && text.Length < shortest)
            yield return Cause.Invalid(path, tree, $"{path} in body should be at least {shortest} chars long");
        if (openApi.Number("maxLength") is { } longest && text.Length > longest)
            yield return new Cause("FieldValueTooLong", $"Too long: may not be more than {longest} bytes", path);
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
