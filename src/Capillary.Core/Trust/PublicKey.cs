using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;

namespace Capillary.Core.Trust;

/// <summary>
/// An ECDSA P-256 public key as SubjectPublicKeyInfo (RFC 5480). Its id is the hex SHA-256 of those bytes. In JSON: base64.
/// </summary>
[JsonConverter(typeof(PublicKeyJson))]
public sealed class PublicKey : IEquatable<PublicKey>
{
    // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04, x, y } } up to the 04. Only this encoding counts: a second one
    // would give one key two ids, and text that names another curve would reach the platform's parser.
    private const string Head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
    private const int PointBytes = 64;
    private readonly byte[] spki;

    private PublicKey(byte[] spki, string id) => (this.spki, Id) = (spki, id);

    /// <summary>64 lower-case hex digits.</summary>
    public string Id { get; }

    /// <summary>The SubjectPublicKeyInfo's DER bytes.</summary>
    public ReadOnlySpan<byte> Spki => spki;

    /// <summary>The point alone, uncompressed (SEC 1): 04, x, y; 65 bytes.</summary>
    public ReadOnlySpan<byte> Point => spki.AsSpan(spki.Length - PointBytes - 1);

    /// <exception cref="FormatException">The bytes are not exactly one uncompressed point of P-256.</exception>
    public static PublicKey FromPoint(ReadOnlySpan<byte> point)
    {
        ReadOnlySpan<byte> head = Convert.FromHexString(Head);
        return FromSpki([.. head[..^1], .. point]);
    }

    /// <exception cref="FormatException">The bytes are not exactly one P-256 key with an uncompressed point.</exception>
    public static PublicKey FromSpki(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> head = Convert.FromHexString(Head);
        if (bytes.Length != head.Length + PointBytes || !bytes.StartsWith(head))
            throw new FormatException("not a P-256 public key (SubjectPublicKeyInfo, DER, uncompressed point)");
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(bytes, out _);
            return new PublicKey(bytes.ToArray(), Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
        catch (CryptographicException e)
        {
            throw new FormatException("not a point of P-256", e);
        }
    }

    /// <summary>True when <paramref name="signature"/> (DER, RFC 3279) over SHA-256 of <paramref name="data"/> is this key's.</summary>
    public bool Verifies(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    public bool Equals(PublicKey? other) => other is not null && other.Id == Id;

    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Id;
}

/// <summary>JSON form of <see cref="PublicKey"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class PublicKeyJson : TextJsonConverter<PublicKey>
{
    protected override PublicKey Parse(string text) => PublicKey.FromSpki(Convert.FromBase64String(text));

    protected override string Format(PublicKey value) => Convert.ToBase64String(value.Spki);
}
