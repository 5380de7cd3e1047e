using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>
/// The member <c>kubernetes</c> of an app layer's <c>app.json</c> (docs/bundle-format.md). Written in one way, so that the same policy has
/// the same bytes; read with limits, as everything from outside.
/// </summary>
public static class KubernetesPolicyJson
{
    /// <summary>
    /// The most entries of <see cref="KubernetesPolicy.IgnoreDifferences"/>, and of <see cref="KubernetesPolicy.HealthRules"/>.
    /// </summary>
    public const int MaxEntries = 256;

    /// <summary>The most pointers of one ignored difference, and tests of one state of a health rule.</summary>
    public const int MaxParts = 64;

    /// <summary>The longest pointer or value, in characters.</summary>
    public const int MaxText = 512;

    private static readonly ImmutableArray<string> Operators =
        [.. Enum.GetValues<HealthOperator>().Select(value => JsonNamingPolicy.CamelCase.ConvertName(value.ToString()))];

    /// <summary>The words of <see cref="HealthOperator"/> in documents, in its order: <c>equals</c>, <c>notEquals</c>, …</summary>
    public static IReadOnlyList<string> OperatorNames => Operators;

    /// <summary>Null for what holds without a word (<see cref="KubernetesPolicy.Default"/>).</summary>
    public static string? Write(KubernetesPolicy policy)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (policy.Namespace != KubernetesPolicy.Default.Namespace) json.WriteString("namespace", policy.Namespace);
            if (policy.Conflicts == ConflictPolicy.Leave) json.WriteString("conflicts", "leave");
            Array(json, "ignoreDifferences", policy.IgnoreDifferences, Difference);
            Array(json, "healthRules", policy.HealthRules, Rule);
            json.WriteEndObject();
        }
        return buffer.WrittenCount == 2 ? null : Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The policy of a layer; the default one for null.</summary>
    /// <exception cref="BundleFormatException">It breaks a rule of the format or a limit.</exception>
    public static KubernetesPolicy Read(string? text)
    {
        if (text is null) return KubernetesPolicy.Default;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            var space = Text(root, "namespace") ?? KubernetesPolicy.Default.Namespace;
            Require(DnsLabel.IsValid(space), $"namespace '{space}'");
            var conflicts = Text(root, "conflicts") ?? "force";
            Require(conflicts is "force" or "leave", $"conflicts '{conflicts}'");
            return new KubernetesPolicy(space, conflicts == "leave" ? ConflictPolicy.Leave : ConflictPolicy.Force,
                Items(root, "ignoreDifferences", MaxEntries, Difference), Items(root, "healthRules", MaxEntries, Rule));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new BundleFormatException($"kubernetes: {e.Message}", e);
        }
    }

    /// <summary>What is wrong with a JSON pointer (RFC 6901) of an ignored difference, or null.</summary>
    public static string? PointerProblem(string pointer) =>
        pointer.Length is < 2 or > MaxText || pointer[0] != '/' ? $"a JSON pointer begins with '/' and has 2 to {MaxText} characters"
        : HasBareTilde(pointer) ? "in a JSON pointer '~' is written ~0, and '/' in a name ~1"
        : null;

    /// <summary>What is wrong with a test of a health rule, or null.</summary>
    public static string? TestProblem(HealthTest test)
    {
        if (JsonPath.Parse(test.Path, out var problem) is null) return problem;
        if (test.Value.Length > MaxText) return $"a value has at most {MaxText} characters";
        return test.Operator switch
        {
            HealthOperator.Exists or HealthOperator.Missing when test.Value.Length > 0 => "exists and missing take no value",
            HealthOperator.GreaterOrEqual or HealthOperator.Less when FleetHealth.Number(test.Value) is null =>
                $"'{test.Value}' is not a number",
            HealthOperator.In when test.Value.Split(',').Any(string.IsNullOrWhiteSpace) => "in needs a value or more",
            _ => null,
        };
    }

    private static bool HasBareTilde(string pointer)
    {
        for (var at = pointer.IndexOf('~'); at >= 0; at = pointer.IndexOf('~', at + 1))
        {
            if (at + 1 == pointer.Length || pointer[at + 1] is not ('0' or '1')) return true;
        }
        return false;
    }

    private static void Difference(Utf8JsonWriter json, IgnoredDifference difference)
    {
        json.WriteString("group", difference.Group);
        json.WriteString("kind", difference.Kind);
        if (difference.Name is { } name) json.WriteString("name", name);
        if (difference.Namespace is { } space) json.WriteString("namespace", space);
        json.WriteStartArray("jsonPointers");
        foreach (var pointer in difference.JsonPointers) json.WriteStringValue(pointer);
        json.WriteEndArray();
    }

    private static IgnoredDifference Difference(JsonElement item)
    {
        var difference = new IgnoredDifference(Needed(item, "group"), Needed(item, "kind"), Text(item, "name"), Text(item, "namespace"),
            Items(item, "jsonPointers", MaxParts, pointer => pointer.GetString() ?? ""));
        RequireKind(difference.Group, difference.Kind);
        Require(difference.JsonPointers.Length > 0, "ignoreDifferences without jsonPointers");
        foreach (var pointer in difference.JsonPointers)
            Require(PointerProblem(pointer) is null, $"'{pointer}': {PointerProblem(pointer)}");
        return difference;
    }

    private static void Rule(Utf8JsonWriter json, HealthRule rule)
    {
        json.WriteString("group", rule.Group);
        json.WriteString("kind", rule.Kind);
        Array(json, "healthy", rule.Healthy, Test);
        Array(json, "degraded", rule.Degraded, Test);
        Array(json, "suspended", rule.Suspended, Test);
        if (rule.MessagePath is { } path) json.WriteString("messagePath", path);
    }

    private static HealthRule Rule(JsonElement item)
    {
        var rule = new HealthRule(Needed(item, "group"), Needed(item, "kind"), Items(item, "healthy", MaxParts, Test),
            Items(item, "degraded", MaxParts, Test), Items(item, "suspended", MaxParts, Test), Text(item, "messagePath"));
        RequireKind(rule.Group, rule.Kind);
        Require(rule.Healthy.Length > 0, $"the health rule of {rule.Kind} names no healthy state");
        if (rule.MessagePath is { } path && JsonPath.Parse(path, out var problem) is null)
            throw new BundleFormatException($"kubernetes: {problem}");
        return rule;
    }

    private static void Test(Utf8JsonWriter json, HealthTest test)
    {
        json.WriteString("path", test.Path);
        json.WriteString("operator", Operators[(int)test.Operator]);
        if (test.Value.Length > 0) json.WriteString("value", test.Value);
    }

    private static HealthTest Test(JsonElement item)
    {
        var name = Needed(item, "operator");
        Require(Operators.Contains(name), $"operator '{name}'");
        var test = new HealthTest(Needed(item, "path"), (HealthOperator)Operators.IndexOf(name), Text(item, "value") ?? "");
        return TestProblem(test) is { } problem ? throw new BundleFormatException($"kubernetes: {problem}") : test;
    }

    private static void Array<T>(Utf8JsonWriter json, string name, ImmutableArray<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.IsEmpty) return;
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(json, item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static ImmutableArray<T> Items<T>(JsonElement owner, string name, int most, Func<JsonElement, T> read)
    {
        if (!owner.TryGetProperty(name, out var list)) return [];
        Require(list.GetArrayLength() <= most, $"more than {most} {name}");
        return [.. list.EnumerateArray().Select(read)];
    }

    private static string? Text(JsonElement owner, string name)
    {
        if (!owner.TryGetProperty(name, out var value)) return null;
        var text = value.GetString() ?? throw new BundleFormatException($"kubernetes: {name} is null");
        Require(text.Length <= MaxText, $"{name} is longer than {MaxText} characters");
        return text;
    }

    private static string Needed(JsonElement owner, string name) =>
        Text(owner, name) ?? throw new BundleFormatException($"kubernetes: {name} is missing");

    private static void RequireKind(string group, string kind)
    {
        var problem = KubernetesManifestReader.GroupProblem(group) ?? KubernetesManifestReader.KindProblem(kind);
        if (problem is not null) throw new BundleFormatException($"kubernetes: {problem}");
    }

    private static void Require(bool holds, string what)
    {
        if (!holds) throw new BundleFormatException($"kubernetes: {what} is not allowed");
    }
}
