using System.Text.Json;
using Capillary.Core.Identity;

namespace Capillary.Core.Apply;

/// <summary>One thing wrong with an object.</summary>
/// <param name="Path">Where, as a JSON path such as <c>$.spec.health.http.port</c>.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record ObjectError(string Path, string Message);

/// <summary>Reads members of one JSON object, notes every error, and names the members nobody asked for.</summary>
internal sealed class ObjectFields
{
    private readonly JsonElement element;
    private readonly List<ObjectError> errors;
    private readonly HashSet<string> known = new(StringComparer.Ordinal);

    public ObjectFields(JsonElement element, string path, List<ObjectError> errors)
    {
        (this.element, Path, this.errors) = (element, path, errors);
        IsObject = element.ValueKind == JsonValueKind.Object;
        if (!IsObject) errors.Add(new(path, "expected an object"));
    }

    public string Path { get; }

    public bool IsObject { get; }

    public bool Has(string name) => IsObject && element.TryGetProperty(name, out _);

    public void Error(string name, string message) => errors.Add(new(name.Length == 0 ? Path : $"{Path}.{name}", message));

    public ObjectFields? Object(string name, bool required = false) =>
        Get(name, required) is { } value ? new ObjectFields(value, $"{Path}.{name}", errors) : null;

    public string? Text(string name, bool required = false)
    {
        if (Get(name, required) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Error(name, $"expected a string, found {Describe(value)}");
        return null;
    }

    public string Label(string name)
    {
        var text = Text(name, required: true);
        if (text is not null && !DnsLabel.IsValid(text)) Error(name, $"'{text}' is not a name: 1 to 63 lower-case letters, digits and '-'");
        return text ?? "";
    }

    public int Number(string name, int least, int most, int? otherwise)
    {
        if (Get(name, otherwise is null) is not { } value) return otherwise ?? least;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Error(name, $"expected a whole number from {least} to {most}, found {Describe(value)}");
        return otherwise ?? least;
    }

    public IReadOnlyList<string> Texts(string name, bool required = false)
    {
        if (Get(name, required) is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            Error(name, $"expected a list of strings, found {Describe(value)}");
            return [];
        }
        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    public IReadOnlyDictionary<string, string> Map(string name)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Get(name, required: false) is not { } value) return map;
        if (value.ValueKind != JsonValueKind.Object) Error(name, $"expected an object, found {Describe(value)}");
        else
            foreach (var item in value.EnumerateObject())
            {
                if (item.Value.ValueKind == JsonValueKind.String) map[item.Name] = item.Value.GetString()!;
                else Error($"{name}.{item.Name}", $"expected a string, found {Describe(item.Value)}");
            }
        return map;
    }

    /// <summary>Call last: what was not asked for is an error, with the nearest known member as a suggestion.</summary>
    public void RejectUnknown()
    {
        if (!IsObject) return;
        foreach (var member in element.EnumerateObject().Where(member => !known.Contains(member.Name)))
            Error(member.Name, $"unknown field '{member.Name}'; known here: {string.Join(", ", known.Order(StringComparer.Ordinal))}");
    }

    private JsonElement? Get(string name, bool required)
    {
        known.Add(name);
        if (!IsObject) return null;
        if (element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null) return value;
        if (required) Error(name, "is required");
        return null;
    }

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"the string '{value.GetString()}'",
        JsonValueKind.Number => $"the number {value.GetRawText()}",
        JsonValueKind.True or JsonValueKind.False => $"the boolean {value.GetRawText()}",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => "null",
    };
}
