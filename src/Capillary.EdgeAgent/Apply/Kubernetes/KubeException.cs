using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>The API server answered with a failure: its <c>Status</c> (Kubernetes API conventions, "Response Status Kind").</summary>
internal sealed class KubeException(int code, string message, IReadOnlyList<KubeCause> causes) : Exception(message)
{
    /// <summary>HTTP status code.</summary>
    public int Code { get; } = code;

    public IReadOnlyList<KubeCause> Causes { get; } = causes;

    public bool IsNotFound => Code == 404;

    /// <summary>Another field manager owns a field that was to be applied.</summary>
    public bool IsFieldConflict => Code == 409 && Causes.Any(cause => cause.Reason == "FieldManagerConflict");

    /// <summary>A field must change that cannot. Kubernetes has no reason of its own for it, only these words.</summary>
    public bool IsImmutable => Code == 422 && Causes.Select(cause => cause.Message).Append(Message).Any(text =>
        text.Contains("immutable", StringComparison.OrdinalIgnoreCase) || text.Contains("may not change once set", StringComparison.Ordinal)
        || text.Contains("Forbidden: updates to", StringComparison.Ordinal)
            || text.Contains("may not be changed", StringComparison.Ordinal));

    /// <summary>The list or watch has to begin anew: what it went on from is forgotten.</summary>
    public bool IsGone => Code == 410;

    /// <summary>What a step tells of it.</summary>
    /// <param name="of">The object that it is about; null: none.</param>
    public StepException ToStep(ObjectRef? of)
    {
        var subject = of?.Subject ?? "";
        var text = of is null ? Message : $"{subject}: {Message}";
        return this switch
        {
            { Code: 401 or 403 } => new(ConditionCodes.NotPermitted, subject, text, false),
            { IsImmutable: true } => new(ConditionCodes.FieldImmutable, subject, $"{text}; the object may be made anew only "
                + "when it bears the annotation capillary.dev/replace: \"true\"", true),
            _ => new(ConditionCodes.ApplyFailed, subject, text, final: Code is 400 or 413 or 422),
        };
    }

    /// <summary>Reads a Status; a body that is none becomes one.</summary>
    public static KubeException Of(int code, ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return Of(document.RootElement, code);
        }
        catch (JsonException)
        {
            // Plain text, as for a path that nobody serves.
        }
        return new KubeException(code, $"HTTP {code}", []);
    }

    /// <summary>As above, from what a watch brings.</summary>
    public static KubeException Of(JsonElement status, int code = 0)
    {
        if (code == 0 && status.TryGetProperty("code", out var said) && said.TryGetInt32(out var number)) code = number;
        var causes = new List<KubeCause>();
        if (status.TryGetProperty("details", out var details) && details.ValueKind == JsonValueKind.Object
            && details.TryGetProperty("causes", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var cause in list.EnumerateArray()) causes.Add(new(Text(cause, "reason"), Text(cause, "message"),
                Text(cause, "field")));
        }
        return new KubeException(code, Text(status, "message") is { Length: > 0 } text ? text : $"HTTP {code}",
            causes);
    }

    private static string Text(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object
        && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}

/// <summary>One cause of a failure.</summary>
/// <param name="Reason">Such as <c>FieldManagerConflict</c>.</param>
/// <param name="Message">For a person; a conflict names the other manager.</param>
/// <param name="Field">Which field, such as <c>.spec.replicas</c>.</param>
internal sealed record KubeCause(string Reason, string Message, string Field);

/// <summary>The API server did not answer, or only that it cannot serve now. What was asked may have been done all the same.</summary>
internal sealed class KubeUnreachableException(string message, Exception? inner = null) : Exception(message, inner);
