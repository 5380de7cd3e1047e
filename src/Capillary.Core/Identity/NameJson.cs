using System.Text.Json;
using System.Text.Json.Serialization;

namespace Capillary.Core.Identity;

/// <summary>A value that stands in JSON as one string; bad text is a <see cref="JsonException"/> with the reason.</summary>
public abstract class TextJsonConverter<T> : JsonConverter<T>
{
    protected abstract T Parse(string text);

    protected abstract string Format(T value);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ParseOrThrow(reader.GetString());

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Format(value));

    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ParseOrThrow(reader.GetString());

    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Format(value));

    private T ParseOrThrow(string? text)
    {
        try
        {
            return Parse(text ?? throw new JsonException("expected a string"));
        }
        catch (FormatException e)
        {
            throw new JsonException(e.Message, e);
        }
    }
}

/// <summary>
/// An enum that stands in JSON by its member's name in camel case and by nothing else: a number or a list of names from outside could be no
/// member at all.
/// </summary>
public sealed class EnumNameJson<T> : TextJsonConverter<T> where T : struct, Enum
{
    private static readonly Dictionary<string, T> Values = Enum.GetValues<T>().ToDictionary(NameOf, StringComparer.Ordinal);

    protected override T Parse(string text) => Values.TryGetValue(text, out var value)
        ? value
        : throw new FormatException($"'{text}' is not one of {string.Join(", ", Values.Keys)}");

    protected override string Format(T value) => NameOf(value);

    private static string NameOf(T value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <summary>JSON form of <see cref="FleetName"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class FleetNameJson : TextJsonConverter<FleetName>
{
    protected override FleetName Parse(string text) => new(text);

    protected override string Format(FleetName value) => value.Value;
}

/// <summary>JSON form of <see cref="SiteId"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class SiteIdJson : TextJsonConverter<SiteId>
{
    protected override SiteId Parse(string text) => new(text);

    protected override string Format(SiteId value) => value.Value;
}

/// <summary>JSON form of <see cref="RegionId"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class RegionIdJson : TextJsonConverter<RegionId>
{
    protected override RegionId Parse(string text) => new(text);

    protected override string Format(RegionId value) => value.Value;
}

/// <summary>JSON form of <see cref="NodeName"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class NodeNameJson : TextJsonConverter<NodeName>
{
    protected override NodeName Parse(string text) => new(text);

    protected override string Format(NodeName value) => value.Value;
}

/// <summary>JSON form of <see cref="AppName"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class AppNameJson : TextJsonConverter<AppName>
{
    protected override AppName Parse(string text) => new(text);

    protected override string Format(AppName value) => value.Value;
}
