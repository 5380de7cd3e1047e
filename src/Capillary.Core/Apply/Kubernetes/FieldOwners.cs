using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Why a live object is not as we left it.</summary>
/// <param name="Text">Which field, and who changed it: for a person.</param>
/// <param name="Ignored">Only fields that the app leaves to others.</param>
/// <param name="Taken">Nothing is missing: other managers set each field that differs.</param>
public sealed record FieldVerdict(string Text, bool Ignored, bool Taken);

/// <summary>
/// Reads <c>metadata.managedFields</c> (Kubernetes server-side apply, FieldsV1). Whoever changes the value of a field of ours takes its
/// ownership from us, so our own entry tells drift by itself: what the server defaults or normalises never shows.
/// </summary>
public static class FieldOwners
{
    /// <summary>Our name as a field manager.</summary>
    public const string Manager = "capillary";

    private const int MarkBytes = 12;

    /// <summary>
    /// What tells the object apart from any other and from itself with other fields of ours: <c>uid:digest</c>. The digest is "none" when
    /// we own nothing of it.
    /// </summary>
    public static string MarkOf(JsonElement live)
    {
        var uid = Metadata(live, "uid") is { ValueKind: JsonValueKind.String } found ? found.GetString() : "";
        return $"{uid}:{(Ours(live) is { } fields ? Shortened(fields) : "none")}";
    }

    /// <summary>The uid of a mark; "" of none.</summary>
    public static string UidOf(string? mark) => mark?.Split(':')[0] ?? "";

    /// <summary>Compares what the bundle says with who owns what.</summary>
    /// <param name="manifest">As the bundle has it.</param>
    /// <param name="live">As the API server has it.</param>
    /// <param name="ignored">JSON pointers that the app leaves to others.</param>
    public static FieldVerdict Explain(JsonElement manifest, JsonElement live, IReadOnlyList<string> ignored)
    {
        var ours = Ours(live);
        var lost = new List<LostField>();
        foreach (var entry in Entries(live).Where(entry => !IsOurs(entry) && entry.TryGetProperty("fieldsV1", out _)))
            FieldWalk.Lost(entry.GetProperty("fieldsV1"), ours, manifest, live, new LostField("", "", NameOf(entry), TimeOf(entry)), lost);
        var taken = lost.Count;
        FieldWalk.Missing(manifest, live, "", "", lost);
        var counted = lost.Where(field => !ignored.Any(pointer => IsBelow(field.Pointer, pointer))).ToList();
        if (counted.Count == 0 && lost.Count > 0) return new FieldVerdict("", Ignored: true, Taken: false);
        if (counted.Count == 0) return new FieldVerdict("the record of what we own in it was changed", Ignored: false, Taken: false);
        var newest = counted.MaxBy(field => field.At, StringComparer.Ordinal)!;
        var more = counted.Select(field => field.Path).Distinct(StringComparer.Ordinal).Count() - 1;
        var also = more > 0 ? $" and {more} more" : "";
        return new FieldVerdict(newest.By.Length == 0 ? $"{newest.Path}{also} was removed"
            : $"{newest.Path}{also} was changed by '{newest.By}'"
            + (newest.At.Length > 0 ? $" at {newest.At}" : ""), Ignored: false, Taken: taken == lost.Count);
    }

    private static JsonElement? Ours(JsonElement live)
    {
        foreach (var entry in Entries(live))
        {
            if (IsOurs(entry) && entry.TryGetProperty("fieldsV1", out var fields)) return fields;
        }
        return null;
    }

    private static bool IsBelow(string pointer, string root) => pointer.StartsWith(root, StringComparison.Ordinal)
        && (pointer.Length == root.Length || pointer[root.Length] == '/');

    private static bool IsOurs(JsonElement entry) => NameOf(entry) == Manager && Text(entry, "operation") == "Apply"
        && Text(entry, "subresource").Length == 0;

    private static string NameOf(JsonElement entry) => Text(entry, "manager");

    private static string TimeOf(JsonElement entry) => Text(entry, "time");

    private static string Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static IEnumerable<JsonElement> Entries(JsonElement live) =>
        Metadata(live, "managedFields") is { ValueKind: JsonValueKind.Array } entries
            ? entries.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.Object) : [];

    private static JsonElement? Metadata(JsonElement live, string name) =>
        live.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty(name, out var value) ? value : null;

    private static string Shortened(JsonElement fields) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(fields.GetRawText())).AsSpan(0, MarkBytes));
}
