using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;

namespace Capillary.Core.Trust;

/// <summary>One signature of an envelope.</summary>
/// <param name="Keyid">The key's id; a hint, never believed.</param>
/// <param name="Sig">DER bytes.</param>
public sealed record Signature(string Keyid, byte[] Sig);

/// <summary>
/// A signed document: a DSSE envelope (secure-systems-lab/dsse v1.0.2). What is signed is the pre-authentication encoding of the type and
/// the exact payload bytes; they are kept and passed on as received, never serialised again.
/// </summary>
/// <param name="PayloadType">One of <see cref="PayloadTypes"/>.</param>
/// <param name="Payload">The document's bytes.</param>
/// <param name="Signatures">At most 32: a trust root may need 16 of its predecessor's keys and 16 of its own.</param>
public sealed record Envelope(string PayloadType, byte[] Payload, IReadOnlyList<Signature> Signatures)
{
    /// <summary>The longest envelope that is read, in bytes.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxSignatures = 32;

    /// <summary>The document's name: the digest of its payload. Signatures do not count, as ECDSA makes each anew.</summary>
    [JsonIgnore]
    public Digest Digest => Digest.Of(Payload);

    /// <summary>PAE(type, payload) = "DSSEv1" SP len(type) SP type SP len(payload) SP payload.</summary>
    public static byte[] PreAuthEncode(string type, ReadOnlySpan<byte> payload)
    {
        var head = Encoding.UTF8.GetBytes($"DSSEv1 {Encoding.UTF8.GetByteCount(type)} {type} {payload.Length} ");
        return [.. head, .. payload];
    }

    /// <summary>How many distinct keys of <paramref name="keys"/> signed this payload as <paramref name="type"/>.</summary>
    public int CountSigners(string type, IEnumerable<PublicKey> keys)
    {
        if (PayloadType != type || Signatures.Count > MaxSignatures) return 0;
        var message = PreAuthEncode(type, Payload);
        var candidates = keys.DistinctBy(key => key.Id).ToList();
        return candidates.Count(key => Signatures.Any(signature => signature.Keyid == key.Id && key.Verifies(message, signature.Sig)));
    }

    /// <summary>The envelope's JSON, UTF-8.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.Envelope);

    /// <summary>False when JSON left a member out or said null; such an envelope must not go further.</summary>
    internal static bool IsWhole([NotNullWhen(true)] Envelope? envelope) =>
        envelope is { PayloadType: not null, Payload: not null, Signatures: not null }
        && envelope.Signatures.All(signature => signature is { Keyid: not null, Sig: not null });

    /// <exception cref="TrustFormatException">The bytes are not an envelope.</exception>
    public static Envelope Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes) throw new TrustFormatException($"envelope: {bytes.Length} bytes, at most {MaxBytes}");
        try
        {
            var envelope = JsonSerializer.Deserialize(bytes, TrustJson.Default.Envelope);
            return IsWhole(envelope) ? envelope : throw new TrustFormatException("envelope: payloadType, payload or signatures is missing");
        }
        catch (JsonException e)
        {
            throw new TrustFormatException($"envelope: {e.Message}", e);
        }
    }
}

/// <summary>The payload types of signed documents.</summary>
public static class PayloadTypes
{
    public const string TrustRoot = "application/vnd.capillary.trust-root.v1+json";
    public const string Record = "application/vnd.capillary.record.v1+json";
    public const string Checkpoint = "application/vnd.capillary.checkpoint.v1+json";
    public const string Beacon = "application/vnd.capillary.beacon.v1+json";
    public const string Report = "application/vnd.capillary.report.v1+json";
    public const string Succession = "application/vnd.capillary.succession.v1+json";
    public const string Events = "application/vnd.capillary.events.v1+json";
}

/// <summary>Bytes from outside are not the signed document they claim to be; the message says which rule broke.</summary>
public sealed class TrustFormatException(string message, Exception? inner = null) : Exception(message, inner);
