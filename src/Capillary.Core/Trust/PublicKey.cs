using System.Numerics;
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
    private static readonly byte[] Head = Convert.FromHexString("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
    private const int PointBytes = 64;
    private static readonly BigInteger P = Number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger B = Number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
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
        ReadOnlySpan<byte> head = Head;
        return FromSpki([.. head[..^1], .. point]);
    }

    /// <exception cref="FormatException">The bytes are not exactly one P-256 key with an uncompressed point.</exception>
    public static PublicKey FromSpki(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> head = Head;
        if (bytes.Length != head.Length + PointBytes || !bytes.StartsWith(head))
            throw new FormatException("not a P-256 public key (SubjectPublicKeyInfo, DER, uncompressed point)");
        if (!IsOnCurve(bytes[head.Length..])) throw new FormatException("not a point of P-256");
        return new PublicKey(bytes.ToArray(), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    // y^2 = x^3 - 3x + b mod p (FIPS 186-4, D.1.2.3). The numbers are public, so this need not take constant time; the platform's parser
    // takes 20 times as long, and a hub reads a key for every site when it starts.
    private static bool IsOnCurve(ReadOnlySpan<byte> point)
    {
        var x = new BigInteger(point[..(PointBytes / 2)], isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(point[(PointBytes / 2)..], isUnsigned: true, isBigEndian: true);
        if (x >= P || y >= P) return false;
        return (y * y - ((x * x - 3) * x + B)) % P == 0;
    }

    /// <summary>True when <paramref name="signature"/> (DER, RFC 3279) over SHA-256 of <paramref name="data"/> is this key's.</summary>
    public bool Verifies(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private static BigInteger Number(string hex) => new(Convert.FromHexString(hex), isUnsigned: true, isBigEndian: true);

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
