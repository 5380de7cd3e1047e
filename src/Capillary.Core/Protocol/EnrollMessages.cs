using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Protocol;

/// <summary>
/// What a node that enrolls asks, in two steps over <see cref="LinkProtocol.EnrollPath"/>; a region passes it on unread.
/// First without <paramref name="Proof"/> and <paramref name="HubNonce"/>, then with both.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Kind">Region or site.</param>
/// <param name="CodeId"><see cref="JoinCode.Id"/> of the join code.</param>
/// <param name="Key">The identity key it made.</param>
/// <param name="SealingKey">The sealing key it made.</param>
/// <param name="Nonce">Its 32 random bytes.</param>
/// <param name="Node">The name it was declared under; null in the first step when only the code is known.</param>
/// <param name="HubNonce">Second step: the hub's 32 bytes.</param>
/// <param name="Proof">Second step: <see cref="EnrollmentTranscript.NodeProof"/>.</param>
public sealed record EnrollRequest(int V, [property: JsonRequired] NodeKind Kind, string CodeId, PublicKey Key, PublicKey SealingKey,
    byte[] Nonce, NodeName? Node, byte[]? HubNonce = null, byte[]? Proof = null)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EnrollJson.Default.EnrollRequest);

    /// <exception cref="ProtocolException">The bytes are not such a request.</exception>
    public static EnrollRequest Parse(ReadOnlySpan<byte> bytes)
    {
        var request = EnrollMessage.Read(bytes, EnrollJson.Default.EnrollRequest);
        return request is { V: 1, CodeId: not null, Key: not null, SealingKey: not null, Nonce.Length: EnrollmentTranscript.NonceBytes }
            && request.Node is null or { Value: not null } && (request.Proof is null || request.Node is not null)
            ? request
            : throw new ProtocolException("bad-enrollment", "an enrollment request lacks a member");
    }
}

/// <summary>What the hub answers. <paramref name="Error"/> alone, or the rest.</summary>
/// <param name="Error">Why not, in a sentence; null when it goes on.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="TrustRoots">First step: every trust root from version 1.</param>
/// <param name="HubRecord">First step: the hub's record.</param>
/// <param name="HubNonce">First step: its 32 random bytes.</param>
/// <param name="Proof">First step: <see cref="EnrollmentTranscript.HubProof"/>.</param>
/// <param name="Record">Second step: the node's new record.</param>
/// <param name="Node">First step: the name that the code was made for; vouched for by the hub's proof.</param>
/// <param name="Waiting">Second step: the proof holds, and an operator has yet to approve; ask again, from the first step, with the same
/// key.</param>
public sealed record EnrollAnswer(string? Error, FleetName? Fleet = null, IReadOnlyList<Envelope>? TrustRoots = null,
    Envelope? HubRecord = null, byte[]? HubNonce = null, byte[]? Proof = null, Envelope? Record = null, NodeName? Node = null,
    bool? Waiting = null)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EnrollJson.Default.EnrollAnswer);

    /// <exception cref="ProtocolException">The bytes are not such an answer.</exception>
    public static EnrollAnswer Parse(ReadOnlySpan<byte> bytes)
    {
        var answer = EnrollMessage.Read(bytes, EnrollJson.Default.EnrollAnswer);
        Envelope?[] envelopes = [.. answer.TrustRoots ?? [], .. new[] { answer.HubRecord, answer.Record }.Where(one => one is not null)];
        return envelopes.All(Envelope.IsWhole)
            ? answer
            : throw new ProtocolException("bad-enrollment", "an enrollment answer holds an envelope that lacks a member");
    }
}

internal static class EnrollMessage
{
    /// <summary>The longest message, in bytes.</summary>
    public const int MaxBytes = 1 << 20;

    public static T Read<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> typeInfo) where T : class
    {
        if (bytes.Length > MaxBytes) throw new ProtocolException("bad-enrollment", $"a message of {bytes.Length} bytes");
        try
        {
            return JsonSerializer.Deserialize(bytes, typeInfo) ?? throw new ProtocolException("bad-enrollment", "the message is null");
        }
        catch (JsonException e)
        {
            throw new ProtocolException("bad-enrollment", e.Message, e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(EnrollRequest))]
[JsonSerializable(typeof(EnrollAnswer))]
internal sealed partial class EnrollJson : JsonSerializerContext;
