using System.Globalization;
using System.Text.Json;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Health of kinds that Kubernetes itself does not know: by the fleet's rule, or by what most controllers write.</summary>
internal static class FleetHealth
{
    /// <summary>Words in a reason that tell a failure from a wait.</summary>
    private static readonly string[] Failures =
        ["BackOff", "Denied", "Error", "Exceeded", "Fail", "Forbidden", "Invalid", "Misconfigured", "Rejected"];

    public static ObjectHealth Of(JsonElement live, HealthRule rule)
    {
        var message = rule.MessagePath is { } path ? Values(live, path).Select(JsonPath.TextOf).FirstOrDefault() : null;
        if (Hold(live, rule.Degraded)) return ObjectHealth.Degraded(message);
        if (Hold(live, rule.Suspended)) return ObjectHealth.Suspended(message);
        return Hold(live, rule.Healthy) ? ObjectHealth.Healthy(message) : ObjectHealth.Progressing(message);
    }

    /// <summary>As kstatus reads conditions: Stalled, Reconciling, then Ready or Available. Null when there is none of them.</summary>
    public static ObjectHealth? ByConvention(LiveObject item)
    {
        if (item.ObservedGeneration is { } seen && seen < item.Generation)
            return ObjectHealth.Progressing("its controller has not seen the newest generation yet");
        if (item.Condition("Stalled") is { IsTrue: true } stalled) return ObjectHealth.Degraded(stalled.Text);
        if (item.Condition("Reconciling") is { IsTrue: true } reconciling) return ObjectHealth.Progressing(reconciling.Text);
        if ((item.Condition("Ready") ?? item.Condition("Available")) is not { } main) return null;
        if (main.ObservedGeneration is { } last && last < item.Generation)
            return ObjectHealth.Progressing("its controller has not seen the newest generation yet");
        if (main.IsTrue) return ObjectHealth.Healthy(main.Text);
        return main.IsFalse && IsFailure(main.Reason) ? ObjectHealth.Degraded(main.Text) : ObjectHealth.Progressing(main.Text);
    }

    private static bool IsFailure(string reason) => reason.StartsWith("Err", StringComparison.Ordinal)
        || Failures.Any(word => reason.Contains(word, StringComparison.Ordinal));

    private static bool Hold(JsonElement live, IReadOnlyCollection<HealthTest> tests) =>
        tests.Count > 0 && tests.All(test => Holds(live, test));

    // Of several values one is enough, so "not" and "missing" are the exact opposites of "equals" and "exists".
    private static bool Holds(JsonElement live, HealthTest test)
    {
        var values = Values(live, test.Path);
        return test.Operator switch
        {
            HealthOperator.Equals => values.Any(value => Same(value, test.Value)),
            HealthOperator.NotEquals => !values.Any(value => Same(value, test.Value)),
            HealthOperator.In => test.Value.Split(',') is var allowed && values.Any(value => allowed.Any(text => Same(value, text.Trim()))),
            HealthOperator.Exists => values.Any(),
            HealthOperator.Missing => !values.Any(),
            HealthOperator.GreaterOrEqual => values.Any(value => Number(value) >= Number(test.Value)),
            HealthOperator.Less => values.Any(value => Number(value) < Number(test.Value)),
            _ => false,
        };
    }

    private static IEnumerable<JsonElement> Values(JsonElement live, string path) => JsonPath.Parse(path, out _)?.Of(live) ?? [];

    private static bool Same(JsonElement value, string text) => JsonPath.TextOf(value) == text
        || (value.ValueKind == JsonValueKind.Number && Number(value) is { } left && left == Number(text));

    private static double? Number(JsonElement value) => Number(JsonPath.TextOf(value));

    internal static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
