using System.Globalization;
using Capillary.Fleet.Documents;
using Capillary.Jinja;

namespace Capillary.Fleet.Templates;

/// <summary>YAML nodes as templates see them.</summary>
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
                return Of(CoreSchema.Resolve((YamlScalar)node));
        }
    }

    private static JinjaValue Of(ScalarValue value) => value.Kind switch
    {
        ScalarKind.Null => JinjaValue.None,
        ScalarKind.Boolean => JinjaValue.From(value.Text == "true"),
        ScalarKind.Integer => JinjaValue.From(long.Parse(value.Text, CultureInfo.InvariantCulture)),
        ScalarKind.Number => JinjaValue.From(double.Parse(value.Text, CultureInfo.InvariantCulture)),
        _ => JinjaValue.From(value.Text),
    };
}
