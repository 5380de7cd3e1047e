using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Capillary.Core.Trust;

namespace Capillary.Node.Carry;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(CarryManifest))]
[JsonSerializable(typeof(CarryProof))]
[JsonSerializable(typeof(CarryPlan))]
[JsonSerializable(typeof(Receipt))]
internal sealed partial class CarryJson : JsonSerializerContext
{
    /// <exception cref="InvalidDataException">The file is too long or no such JSON.</exception>
    public static T Read<T>(string path, int mostBytes, JsonTypeInfo<T> type)
        where T : class
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        if (file.Length > mostBytes) throw new InvalidDataException($"{path}: {file.Length} bytes, at most {mostBytes}");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return Parse(bytes, path, type);
    }

    /// <exception cref="InvalidDataException">The bytes are no such JSON.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> bytes, string place, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new InvalidDataException($"{place}: holds null");
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{place}: is damaged or not what its name says ({e.Message})", e);
        }
    }

    /// <summary>True when JSON left a member out or said null.</summary>
    public static bool IsBroken(Envelope? envelope) =>
        envelope is not { PayloadType: not null, Payload: not null, Signatures: not null }
        || envelope.Signatures.Any(signature => signature is not { Keyid: not null, Sig: not null });
}
