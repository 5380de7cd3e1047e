using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Apply;

namespace Capillary.EdgeAgent.Interlock;

/// <summary>
/// What a workload asks: one line of JSON, one per connection. Unknown members are errors, so that a mistyped one is told.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record HoldRequest
{
    public const int CurrentVersion = 1;

    /// <summary>The format's version, 1.</summary>
    public int V { get; init; }

    /// <summary><c>hold</c>, <c>unhold</c> or <c>list</c>.</summary>
    public string? Do { get; init; }

    /// <summary>Of the hold; null: <see cref="Hold.DefaultName"/>.</summary>
    public string? Name { get; init; }

    /// <summary>Why now is no time for an update; with <c>hold</c>.</summary>
    public string? Reason { get; init; }

    /// <summary>With <c>hold</c>; null: <see cref="Hold.DefaultMax"/>.</summary>
    public int? MaxSeconds { get; init; }

    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, HoldLines.Json.HoldRequest), (byte)'\n'];
}

/// <summary>A hold that stands.</summary>
internal sealed record HoldView(string Name, string Reason, DateTimeOffset Since, int MaxSeconds, long AgeSeconds, bool Overdue);

/// <summary>The agent's answer: one line of JSON. A reader ignores members that it does not know.</summary>
internal sealed record HoldAnswer
{
    /// <summary>The format's version, 1.</summary>
    public int V { get; init; } = HoldRequest.CurrentVersion;

    /// <summary>It was done and is durable.</summary>
    public bool Ok { get; init; }

    /// <summary>Why not; null when it was.</summary>
    public string? Error { get; init; }

    /// <summary>With <c>unhold</c>: there was such a hold, and it is over.</summary>
    public bool? Ended { get; init; }

    /// <summary>An attempt is under way right now; it is finished, whatever is held.</summary>
    public bool? Applying { get; init; }

    /// <summary>A newer assignment is here and waits for the holds.</summary>
    public bool? Waiting { get; init; }

    /// <summary>All that stand from now on, in the order they began.</summary>
    public IReadOnlyList<HoldView>? Holds { get; init; }

    public static HoldAnswer Refused(string error) => new() { Error = error };

    public static HoldAnswer Of(HoldsTold told, bool isUnhold) => told.Refusal is { } refusal ? Refused(refusal) : new()
    {
        Ok = true,
        Ended = isUnhold ? told.Ended : null,
        Applying = told.Applying,
        Waiting = told.Waiting,
        Holds = [.. told.Holds.Select(hold => new HoldView(hold.Name, hold.Reason, hold.Since, hold.MaxSeconds,
            Math.Max(0, (long)(told.Now - hold.Since).TotalSeconds), hold.IsOverdue(told.Now)))],
    };

    public byte[] ToLine() => [.. JsonSerializer.SerializeToUtf8Bytes(this, HoldLines.Json.HoldAnswer), (byte)'\n'];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(HoldRequest))]
[JsonSerializable(typeof(HoldAnswer))]
internal sealed partial class HoldJson : JsonSerializerContext;

/// <summary>How both ends write and read.</summary>
internal static class HoldLines
{
    /// <summary>For people who read it too: not escaped more than JSON needs.</summary>
    public static HoldJson Json { get; } =
        new(new JsonSerializerOptions(HoldJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
