using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>What is sent for an object: the bundle's bytes, with our label, and without what is left to others.</summary>
public sealed class ManifestBody
{
    /// <summary>The label on everything that we apply; its value is the app. Watches select by it.</summary>
    public const string AppLabel = "capillary.dev/app";

    /// <summary>The annotation on a hook's object that tells one run from the next.</summary>
    public const string RunAnnotation = "capillary.dev/hook-run";

    private readonly JsonObject root;

    /// <param name="json">An object as the bundle has it.</param>
    /// <param name="app">Its app.</param>
    /// <param name="manifest">What was read from it.</param>
    public ManifestBody(ReadOnlyMemory<byte> json, string app, KubernetesManifest manifest)
    {
        root = JsonNode.Parse(json.Span)!.AsObject();
        root.Remove("status");
        Member(Metadata, "labels")[AppLabel] = app;
        // A hook may have its name made for it.
        Metadata.Remove("generateName");
        Metadata["name"] = manifest.Ref.Name;
    }

    private JsonObject Metadata => root["metadata"]!.AsObject();

    /// <summary>Marks a hook's object as of this run.</summary>
    public void MarkRun(string run) => Member(Metadata, "annotations")[RunAnnotation] = run;

    /// <summary>Where the object goes, if it is of a kind that has namespaces.</summary>
    public void Place(string? space)
    {
        if (space is null) Metadata.Remove("namespace");
        else Metadata["namespace"] = space;
    }

    /// <summary>
    /// Says of these fields what the live object says: so they neither change nor conflict. Leaving them out would give up a field that
    /// only we own, and the server would reset it.
    /// </summary>
    /// <param name="live">As the API server has it.</param>
    /// <param name="pointers">RFC 6901.</param>
    public void Keep(JsonElement live, IReadOnlyList<string> pointers)
    {
        foreach (var pointer in pointers)
        {
            var path = Segments(pointer);
            var value = path.Aggregate((JsonElement?)live, (at, segment) => at is { } here ? Into(here, segment) : null);
            var holder = path[..^1].Aggregate((JsonNode?)root, Into);
            if (value is { } found) Set(holder, path[^1], JsonNode.Parse(found.GetRawText()));
        }
    }

    /// <summary>Leaves a field out, named as the API server names it in a conflict. False when there is no such field.</summary>
    /// <param name="field">Such as <c>.spec.template.spec.containers[name="web"].image</c>.</param>
    public bool Drop(string field) => Drop(root, field);

    /// <summary>The bytes to send.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) root.WriteTo(json);
        return stream.ToArray();
    }

    private static JsonObject Member(JsonObject of, string name)
    {
        if (of[name] is not JsonObject found) of[name] = found = [];
        return found;
    }

    private static string[] Segments(string pointer) => [.. pointer.Split('/').Skip(1)
        .Select(segment => segment.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];

    private static JsonElement? Into(JsonElement at, string segment) => at.ValueKind switch
    {
        JsonValueKind.Object when at.TryGetProperty(segment, out var value) => value,
        JsonValueKind.Array when Index(segment) is var index && index >= 0 && index < at.GetArrayLength() => at[index],
        _ => null,
    };

    private static JsonNode? Into(JsonNode? at, string segment) => at switch
    {
        JsonObject fields => fields[segment],
        JsonArray list when Index(segment) is var index && index >= 0 && index < list.Count => list[index],
        _ => null,
    };

    private static void Set(JsonNode? holder, string segment, JsonNode? value)
    {
        if (holder is JsonObject fields) fields[segment] = value;
        else if (holder is JsonArray list && Index(segment) is var index && index >= 0 && index < list.Count) list[index] = value;
    }

    private static int Index(string segment) => int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        ? index : -1;

    /// <summary>Names may hold dots and brackets themselves, so the longest member that fits is the one that is meant.</summary>
    private static bool Drop(JsonNode? at, string rest)
    {
        if (rest.StartsWith('.') && at is JsonObject fields)
        {
            var name = fields.Select(member => member.Key).Where(key => rest.AsSpan(1).StartsWith(key, StringComparison.Ordinal)
                && (rest.Length == key.Length + 1 || rest[key.Length + 1] is '.' or '[')).MaxBy(key => key.Length);
            if (name is null) return false;
            return rest.Length == name.Length + 1 ? fields.Remove(name) : Drop(fields[name], rest[(name.Length + 1)..]);
        }
        if (!rest.StartsWith('[') || at is not JsonArray list || rest.IndexOf(']',
            StringComparison.Ordinal) is not (> 0 and var end)) return false;
        var item = list.OfType<JsonNode>().FirstOrDefault(item => Fits(item, rest[1..end]));
        if (item is null) return false;
        return end == rest.Length - 1 ? list.Remove(item) : Drop(item, rest[(end + 1)..]);
    }

    private static bool Fits(JsonNode item, string keys) => keys.StartsWith('=')
        ? item.ToJsonString() == keys[1..]
        : item is JsonObject fields && keys.Split(',').All(key => key.Split('=', 2) is [var name, var value]
            && (fields[name] is not { } written || written.ToJsonString() == value));
}
