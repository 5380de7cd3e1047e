using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InstrumentGateway.Configuration;

/// <summary>
/// Checks keys and types against the source-generated contract, all at once: the serializer itself stops at the first
/// error, and a second, hand-written list of keys would drift from the records.
/// </summary>
internal sealed class ConfigShape(ConfigProblems problems)
{
    public void Check(LocatedJson node, JsonTypeInfo type)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                CheckObject(node, type);
                break;
            case JsonTypeInfoKind.Enumerable:
                CheckArray(node, type);
                break;
            default:
                CheckScalar(node, type.Type);
                break;
        }
    }

    private void CheckObject(LocatedJson node, JsonTypeInfo type)
    {
        if (node.Kind != JsonTokenType.StartObject)
        {
            problems.Add(node, "must be an object");
            return;
        }

        foreach (var (name, value) in node.Members)
        {
            if (type.Properties.FirstOrDefault(p => p.Name == name) is { } property)
                Check(value, Contract(property.PropertyType));
            else
                problems.Add(value, $"unknown key '{name}'{Nearest.Suggestion(name, type.Properties.Select(p => p.Name))}");
        }

        foreach (var twice in node.Members.GroupBy(m => m.Name).Where(g => g.Count() > 1))
            problems.Add(twice.Last().Value, $"key '{twice.Key}' is given twice");
        foreach (var missing in type.Properties.Where(p => p.AssociatedParameter is { HasDefaultValue: false } && node[p.Name] is null))
            problems.Add(node, $"missing key '{missing.Name}'");
    }

    private void CheckArray(LocatedJson node, JsonTypeInfo type)
    {
        if (node.Kind != JsonTokenType.StartArray)
        {
            problems.Add(node, "must be a list");
            return;
        }

        foreach (var item in node.Items)
            Check(item, Contract(type.ElementType!));
    }

    private void CheckScalar(LocatedJson node, Type type)
    {
        if (type == typeof(string) && node.Kind != JsonTokenType.String)
            problems.Add(node, "must be a string");
        else if (type == typeof(int) && node.Number is null)
            problems.Add(node, "must be a whole number");
    }

    private static JsonTypeInfo Contract(Type type) => ConfigJson.Default.GetTypeInfo(type)!;
}
