using System.Globalization;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Templates;

/// <summary>
/// Values as foxops reads them: its command line gives every value as a string, so <c>"8080"</c> is an integer where one is asked for, and
/// a number is a string. An object has its children in the order declared, and nothing else.
/// </summary>
internal static class FengineValues
{
    /// <summary>The node as its type; what does not convert stays as it is, for the type to refuse.</summary>
    public static YamlNode Convert(YamlNode node, VariableType type) => (type, node) switch
    {
        (StringType, YamlScalar scalar) => String(scalar),
        (IntegerType, YamlScalar scalar) => Integer(scalar),
        (BooleanType, YamlScalar scalar) => Boolean(scalar),
        (ListType { Items: ObjectType item }, YamlSequence list) =>
            new YamlSequence([.. list.Items.Select(entry => Convert(entry, item))], list.At, list.Weight),
        (ObjectType known, YamlMapping map) => Object(map, known),
        _ => node,
    };

    private static YamlMapping Object(YamlMapping map, ObjectType type)
    {
        var entries = new List<YamlEntry>();
        foreach (var child in type.Properties.Values)
        {
            if (map.FindEntry(child.Name) is { } entry) entries.Add(entry with { Value = Convert(entry.Value, child.Type) });
            else if (child.Default is { } value) entries.Add(new(new YamlScalar(child.Name, false, map.At), value.Node));
        }
        return new YamlMapping(entries, map.At, map.Weight);
    }

    private static YamlScalar String(YamlScalar scalar)
    {
        var value = CoreSchema.Resolve(scalar);
        return value.Kind switch
        {
            ScalarKind.Boolean => new YamlScalar(value.Text == "true" ? "True" : "False", false, scalar.At),
            ScalarKind.Integer or ScalarKind.Number => new YamlScalar(value.Text, false, scalar.At),
            _ => scalar,
        };
    }

    private static YamlScalar Integer(YamlScalar scalar)
    {
        var value = CoreSchema.Resolve(scalar);
        if (value.Kind == ScalarKind.Boolean) return new YamlScalar(value.Text == "true" ? "1" : "0", true, scalar.At);
        if (value.Kind is not (ScalarKind.String or ScalarKind.Number)) return scalar;
        return decimal.TryParse(value.Text.Trim(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var number) && decimal.IsInteger(number)
            ? new YamlScalar(decimal.Truncate(number).ToString("0", CultureInfo.InvariantCulture), true, scalar.At) : scalar;
    }

    private static YamlScalar Boolean(YamlScalar scalar) => CoreSchema.Resolve(scalar).Text.ToLowerInvariant() switch
    {
        "true" or "yes" or "on" or "y" or "t" or "1" => new YamlScalar("true", true, scalar.At),
        "false" or "no" or "off" or "n" or "f" or "0" => new YamlScalar("false", true, scalar.At),
        _ => scalar,
    };
}
