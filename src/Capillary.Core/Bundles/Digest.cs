using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;

namespace Capillary.Core.Bundles;

/// <summary>The name of a blob: <c>sha256:</c> and 64 lower-case hex digits, as in the OCI image spec.</summary>
[JsonConverter(typeof(DigestJson))]
public readonly record struct Digest : IComparable<Digest>
{
    private const string Prefix = "sha256:";

    private Digest(string text) => Text = text;

    /// <summary>The whole text, <c>sha256:…</c>; null only in a default value.</summary>
    public string Text { get; }

    /// <summary>The 64 hex digits.</summary>
    public string Hex => Text[Prefix.Length..];

    /// <summary>The digest of these bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return FromHash(hash);
    }

    /// <summary>The digest whose SHA-256 value is <paramref name="hash"/> (32 bytes).</summary>
    public static Digest FromHash(ReadOnlySpan<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, SHA256.HashSizeInBytes);
        Span<char> text = stackalloc char[Prefix.Length + (2 * SHA256.HashSizeInBytes)];
        Prefix.CopyTo(text);
        Convert.TryToHexStringLower(hash, text[Prefix.Length..], out _);
        return new Digest(text.ToString());
    }

    /// <summary>The 32 bytes of the SHA-256 value.</summary>
    public byte[] ToHash() => Convert.FromHexString(Hex);

    /// <exception cref="FormatException">The text is not <c>sha256:</c> and 64 lower-case hex digits.</exception>
    public static Digest Parse(string text) => TryParse(text, out var digest)
        ? digest
        : throw new FormatException($"'{text}' is not a digest: expected 'sha256:' and 64 lower-case hex digits");

    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        if (text is null || text.Length != Prefix.Length + 64 || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        foreach (var c in text.AsSpan(Prefix.Length))
        {
            if (c is not ((>= '0' and <= '9') or (>= 'a' and <= 'f'))) return false;
        }
        digest = new Digest(text);
        return true;
    }

    public int CompareTo(Digest other) => string.CompareOrdinal(Text, other.Text);
    public static bool operator <(Digest left, Digest right) => left.CompareTo(right) < 0;
    public static bool operator <=(Digest left, Digest right) => left.CompareTo(right) <= 0;
    public static bool operator >(Digest left, Digest right) => left.CompareTo(right) > 0;
    public static bool operator >=(Digest left, Digest right) => left.CompareTo(right) >= 0;

    public override string ToString() => Text ?? "";
}

/// <summary>JSON form of <see cref="Digest"/>; public so that other rooms' source-generated JSON can use it.</summary>
public sealed class DigestJson : TextJsonConverter<Digest>
{
    protected override Digest Parse(string text) => Digest.Parse(text);

    protected override string Format(Digest value) => value.Text;
}
