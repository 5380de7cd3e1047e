using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>A condition as Kubernetes writes it; texts that are not there are "".</summary>
internal readonly record struct LiveCondition(string Type, string Status, string Reason, string Message, long? ObservedGeneration)
{
    public bool IsTrue => Status == "True";

    public bool IsFalse => Status == "False";

    /// <summary><c>Reason: message</c>, or the one that is there.</summary>
    public string? Text => Reason.Length == 0 ? Optional(Message) : Message.Length == 0 ? Reason : $"{Reason}: {Message}";

    private static string? Optional(string text) => text.Length == 0 ? null : text;
}

/// <summary>A live object with look-ups that never fail: what is not there, or of another type, is 0, "" or nothing.</summary>
internal readonly struct LiveObject(JsonElement root)
{
    public string Group => Text("apiVersion") is var version && version.IndexOf('/') is >= 0 and var slash ? version[..slash] : "";

    public string Version => Text("apiVersion") is var version ? version[(version.IndexOf('/') + 1)..] : "";

    public string Kind => Text("kind");

    public long Generation => Number("metadata", "generation");

    public long? ObservedGeneration => MaybeNumber("status", "observedGeneration");

    public IEnumerable<LiveCondition> Conditions => ReadConditions(At("status", "conditions"));

    public LiveCondition? Condition(string type) =>
        Conditions.Where(condition => condition.Type == type).Cast<LiveCondition?>().FirstOrDefault();

    public static IEnumerable<LiveCondition> ReadConditions(JsonElement? list) => Items(list).Select(item => new LiveObject(item))
        .Select(item => new LiveCondition(item.Text("type"), item.Text("status"), item.Text("reason"), item.Text("message"),
            item.MaybeNumber("observedGeneration")));

    public JsonElement? At(params ReadOnlySpan<string> path)
    {
        var value = root;
        foreach (var name in path)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value)) return null;
        }
        return value.ValueKind == JsonValueKind.Null ? null : value;
    }

    public string Text(params ReadOnlySpan<string> path) =>
        At(path) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    public long? MaybeNumber(params ReadOnlySpan<string> path) =>
        At(path) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : null;

    public long Number(params ReadOnlySpan<string> path) => MaybeNumber(path) ?? 0;

    public bool Flag(params ReadOnlySpan<string> path) => At(path) is { ValueKind: JsonValueKind.True };

    public IEnumerable<LiveObject> List(params ReadOnlySpan<string> path) => Items(At(path)).Select(item => new LiveObject(item));

    private static IEnumerable<JsonElement> Items(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];
}
