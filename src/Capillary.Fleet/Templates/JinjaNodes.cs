using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>YAML nodes as templates see them; the members of a map in the order written.</summary>
internal static class JinjaNodes
{
    public static JinjaValue Of(TemplateValues values)
    {
        var map = new Dictionary<string, JinjaValue>(values.All.Count, StringComparer.Ordinal);
        foreach (var value in values.All) map[value.Name] = Of(value.Node);
        return JinjaValue.FromMap(map);
    }

    public static JinjaValue Of(YamlNode node)
    {
        switch (node)
        {
            case YamlMapping mapping:
                var map = new Dictionary<string, JinjaValue>(mapping.Entries.Count, StringComparer.Ordinal);
                foreach (var (key, value) in mapping.Entries) map[key.Text] = Of(value);
                return JinjaValue.FromMap(map);
            case YamlSequence sequence:
                return JinjaValue.FromList([.. sequence.Items.Select(Of)]);
            default:
                return new VariableValue(node).ToJinja();
        }
    }

    public static JinjaValue Map(params ReadOnlySpan<(string Name, JinjaValue Value)> members)
    {
        var map = new Dictionary<string, JinjaValue>(StringComparer.Ordinal);
        foreach (var (name, value) in members) map[name] = value;
        return JinjaValue.FromMap(map);
    }
}
