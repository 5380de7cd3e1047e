using System.Security.Cryptography;
using System.Text;

namespace Capillary.Core.Trust;

/// <summary>
/// Seals bytes to a public key so that only its owner reads them: HPKE (RFC 9180), mode base, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
/// AES-256-GCM. It says nothing about who sealed. Pure: the fresh ephemeral key comes from the caller, and each serves one context only.
/// </summary>
public static class Hpke
{
    /// <summary>Length of an encapsulated key: an uncompressed point of P-256.</summary>
    public const int EncapsulatedBytes = 65;

    /// <summary>How much longer each ciphertext is than its plaintext.</summary>
    public const int TagBytes = 16;

    internal const int Aes128KeyBytes = 16;
    internal const int Aes256KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int HashBytes = 32;
    private static readonly byte[] KemSuite = [.. "KEM"u8, 0x00, 0x10];

    /// <summary>A sender's context (RFC 9180, SetupBaseS).</summary>
    /// <param name="to">The recipient's key.</param>
    /// <param name="ephemeral">A fresh P-256 key pair, never used before.</param>
    /// <param name="info">What the sealing is for; the recipient must name the same.</param>
    /// <param name="encapsulated">What the recipient needs beside the ciphertexts; <see cref="EncapsulatedBytes"/> long.</param>
    public static HpkeContext SetUpSender(PublicKey to, ECDiffieHellman ephemeral, ReadOnlySpan<byte> info, out byte[] encapsulated) =>
        SetUpSender(to, ephemeral, info, Aes256KeyBytes, out encapsulated);

    /// <summary>A recipient's context (RFC 9180, SetupBaseR).</summary>
    /// <exception cref="FormatException"><paramref name="encapsulated"/> is no point of P-256.</exception>
    public static HpkeContext SetUpRecipient(ECDiffieHellman secret, ReadOnlySpan<byte> encapsulated, ReadOnlySpan<byte> info) =>
        SetUpRecipient(secret, encapsulated, info, Aes256KeyBytes);

    /// <summary>One message: the encapsulated key, then the ciphertext.</summary>
    public static byte[] Seal(PublicKey to, ECDiffieHellman ephemeral, ReadOnlySpan<byte> info, ReadOnlySpan<byte> aad,
        ReadOnlySpan<byte> plaintext)
    {
        using var context = SetUpSender(to, ephemeral, info, out var encapsulated);
        var message = new byte[EncapsulatedBytes + plaintext.Length + TagBytes];
        encapsulated.CopyTo(message, 0);
        context.Seal(aad, plaintext, message.AsSpan(EncapsulatedBytes));
        return message;
    }

    /// <summary>The plaintext of what <see cref="Seal"/> made; null when it was made for another key or use, or was changed.</summary>
    public static byte[]? Open(ECDiffieHellman secret, ReadOnlySpan<byte> info, ReadOnlySpan<byte> aad, ReadOnlySpan<byte> message)
    {
        if (message.Length < EncapsulatedBytes + TagBytes) return null;
        try
        {
            using var context = SetUpRecipient(secret, message[..EncapsulatedBytes], info);
            var plaintext = new byte[message.Length - EncapsulatedBytes - TagBytes];
            return context.TryOpen(aad, message[EncapsulatedBytes..], plaintext) ? plaintext : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    internal static HpkeContext SetUpSender(PublicKey to, ECDiffieHellman ephemeral, ReadOnlySpan<byte> info, int keyBytes,
        out byte[] encapsulated)
    {
        encapsulated = PublicKey.FromSpki(ephemeral.ExportSubjectPublicKeyInfo()).Point.ToArray();
        return Schedule(Agree(ephemeral, to, encapsulated, to.Point), info, keyBytes);
    }

    internal static HpkeContext SetUpRecipient(ECDiffieHellman secret, ReadOnlySpan<byte> encapsulated, ReadOnlySpan<byte> info,
        int keyBytes)
    {
        // Reading the key verifies that it is a point of the curve (RFC 9180 section 7.1.4); the cofactor is 1, so that is all there is.
        var ephemeral = PublicKey.FromPoint(encapsulated);
        var own = PublicKey.FromSpki(secret.ExportSubjectPublicKeyInfo());
        return Schedule(Agree(secret, ephemeral, encapsulated, own.Point), info, keyBytes);
    }

    /// <summary>DHKEM's shared secret (RFC 9180 section 4.1).</summary>
    private static byte[] Agree(ECDiffieHellman own, PublicKey other, ReadOnlySpan<byte> encapsulated, ReadOnlySpan<byte> recipient)
    {
        using var peer = ECDiffieHellman.Create();
        peer.ImportSubjectPublicKeyInfo(other.Spki, out _);
        using var point = peer.PublicKey;
        var raw = own.DeriveRawSecretAgreement(point);
        var prk = LabeledExtract(KemSuite, [], "eae_prk", raw);
        var shared = LabeledExpand(KemSuite, prk, "shared_secret", [.. encapsulated, .. recipient], HashBytes);
        CryptographicOperations.ZeroMemory(raw);
        CryptographicOperations.ZeroMemory(prk);
        return shared;
    }

    /// <summary>The key schedule of mode base (RFC 9180 section 5.1); the exporter secret is not made.</summary>
    private static HpkeContext Schedule(byte[] shared, ReadOnlySpan<byte> info, int keyBytes)
    {
        byte[] suite = [.. "HPKE"u8, 0x00, 0x10, 0x00, 0x01, 0x00, (byte)(keyBytes == Aes256KeyBytes ? 2 : 1)];
        byte[] context =
        [
            0x00, .. LabeledExtract(suite, [], "psk_id_hash", []), .. LabeledExtract(suite, [], "info_hash", info),
        ];
        var secret = LabeledExtract(suite, shared, "secret", []);
        var key = LabeledExpand(suite, secret, "key", context, keyBytes);
        var nonce = LabeledExpand(suite, secret, "base_nonce", context, NonceBytes);
        CryptographicOperations.ZeroMemory(shared);
        CryptographicOperations.ZeroMemory(secret);
        return new HpkeContext(key, nonce);
    }

    private static byte[] LabeledExtract(byte[] suite, byte[] salt, string label, ReadOnlySpan<byte> input) =>
        HKDF.Extract(HashAlgorithmName.SHA256, [.. "HPKE-v1"u8, .. suite, .. Encoding.ASCII.GetBytes(label), .. input], salt);

    private static byte[] LabeledExpand(byte[] suite, byte[] prk, string label, ReadOnlySpan<byte> info, int length) =>
        HKDF.Expand(HashAlgorithmName.SHA256, prk, length,
            [0, (byte)length, .. "HPKE-v1"u8, .. suite, .. Encoding.ASCII.GetBytes(label), .. info]);
}
