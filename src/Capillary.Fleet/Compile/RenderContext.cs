using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;
using Capillary.Jinja;

namespace Capillary.Fleet.Compile;

/// <summary>The names that templates see: <c>vars</c>, <c>site</c>, <c>fleet</c>, <c>app</c>, <c>artifacts</c>.</summary>
internal static class RenderContext
{
    /// <summary>A declared variable without any value is absent, so that reading it is an error and <c>is defined</c> works.</summary>
    public static JinjaValue Of(AppProgram program, RenderInput input)
    {
        var site = input.Site;
        return Map(
            ("vars", Values(input.Variables)),
            ("site", Map(
                ("name", site.Name),
                ("region", site.Region),
                ("platform", Distributions.NameOf(site.Platform)),
                ("distribution", site.Distribution),
                ("labels", JinjaValue.FromMap(Strings(site.AllLabels))))),
            ("fleet", Map(("name", input.FleetName))),
            ("app", Map(("name", program.Document.Name))),
            ("artifacts", program.ArtifactContext));
    }

    private static JinjaValue Values(IReadOnlyDictionary<string, VariableValue> variables)
    {
        var map = new SortedDictionary<string, JinjaValue>(StringComparer.Ordinal);
        foreach (var (name, value) in variables) map[name] = value.ToJinja();
        return JinjaValue.FromMap(map);
    }

    private static SortedDictionary<string, JinjaValue> Strings(IReadOnlyDictionary<string, string> texts)
    {
        var map = new SortedDictionary<string, JinjaValue>(StringComparer.Ordinal);
        foreach (var (key, text) in texts) map[key] = JinjaValue.From(text);
        return map;
    }

    private static JinjaValue Map(params ReadOnlySpan<(string Key, JinjaValue Value)> entries)
    {
        var map = new Dictionary<string, JinjaValue>(entries.Length, StringComparer.Ordinal);
        foreach (var (key, value) in entries) map[key] = value;
        return JinjaValue.FromMap(map);
    }
}
