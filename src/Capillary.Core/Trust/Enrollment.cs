using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Capillary.Core.Identity;

namespace Capillary.Core.Trust;

/// <summary>
/// A join code: 100 random bits as 20 characters of Crockford's base32 and 2 check characters, shown in groups. The code never crosses the
/// wire; both sides prove that they know it.
/// </summary>
public sealed record JoinCode
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Symbols = 20;
    private const int Checks = 2;

    private JoinCode(string canonical) => Canonical = canonical;

    /// <summary>22 characters, no separators.</summary>
    public string Canonical { get; }

    /// <summary>Bytes of randomness <see cref="Create"/> takes.</summary>
    public const int EntropyBytes = 20;

    /// <summary>A code from 20 random bytes, five bits of each.</summary>
    public static JoinCode Create(ReadOnlySpan<byte> random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, EntropyBytes);
        var body = new StringBuilder(Symbols + Checks);
        foreach (var value in random) body.Append(Alphabet[value & 31]);
        var text = body.ToString();
        return new JoinCode(text + Check(text));
    }

    /// <summary>Reads what a person typed: any case, spaces and dashes ignored, O as 0, I and L as 1.</summary>
    /// <exception cref="FormatException">The length, a character or the check characters are wrong; the message says which.</exception>
    public static JoinCode Parse(string typed)
    {
        var text = new string([.. typed.Where(c => c is not (' ' or '-')).Select(char.ToUpperInvariant)])
            .Replace('O', '0').Replace('I', '1').Replace('L', '1');
        if (text.Length != Symbols + Checks)
            throw new FormatException($"a join code has {Symbols + Checks} characters, this one {text.Length}");
        foreach (var c in text)
        {
            if (!Alphabet.Contains(c)) throw new FormatException($"'{c}' is never in a join code");
        }
        if (Check(text[..Symbols]) != text[Symbols..])
            throw new FormatException("the join code has a typing error: its check characters do not fit");
        return new JoinCode(text);
    }

    /// <summary>How a code is shown: groups of five or six.</summary>
    public override string ToString() => $"{Canonical[..5]}-{Canonical[5..10]}-{Canonical[10..15]}-{Canonical[15..]}";

    /// <summary>What the hub keeps and finds the code by; tells nothing about the code.</summary>
    public string Id(FleetName fleet) => Convert.ToHexStringLower(Derive(fleet, "capillary join code id v1"))[..32];

    /// <summary>HKDF-SHA256 (RFC 5869) of the code for one use, salted with the fleet's name.</summary>
    public byte[] Derive(FleetName fleet, string use) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.ASCII.GetBytes(Canonical), 32,
            Encoding.UTF8.GetBytes(fleet.Value), Encoding.UTF8.GetBytes(use));

    private static string Check(string body)
    {
        var sum = SHA256.HashData(Encoding.ASCII.GetBytes("capillary join code check v1" + body));
        return new string([Alphabet[sum[0] & 31], Alphabet[sum[1] & 31]]);
    }
}

/// <summary>
/// What site and hub prove to each other at enrollment: HMAC-SHA256 under HKDF(code) over role, both keys and both nonces. So a region that
/// relays the exchange can neither learn the code nor swap a key.
/// </summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">The node that enrolls.</param>
/// <param name="Kind">Region or site.</param>
/// <param name="NodeKey">The key it will have in its record.</param>
/// <param name="SealingKey">The key that secrets will be sealed to.</param>
/// <param name="HubKey">The hub's identity key.</param>
/// <param name="TrustRoot">Digest of the first trust root the hub hands over.</param>
/// <param name="NodeNonce">32 random bytes of the node.</param>
/// <param name="HubNonce">32 random bytes of the hub.</param>
public sealed record EnrollmentTranscript(FleetName Fleet, NodeName Node, NodeKind Kind, PublicKey NodeKey, PublicKey SealingKey,
    PublicKey HubKey, Bundles.Digest TrustRoot, byte[] NodeNonce, byte[] HubNonce)
{
    /// <summary>Bytes of each nonce.</summary>
    public const int NonceBytes = 32;

    /// <summary>The proof the hub gives first.</summary>
    public byte[] HubProof(byte[] key) => Prove(key, "hub");

    /// <summary>The proof the node gives after it verified the hub's.</summary>
    public byte[] NodeProof(byte[] key) => Prove(key, "node");

    /// <summary>The HMAC key of a join code.</summary>
    public static byte[] KeyOf(JoinCode code, FleetName fleet) => code.Derive(fleet, "capillary enrollment v1");

    /// <summary>Compares in constant time.</summary>
    public static bool Same(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => CryptographicOperations.FixedTimeEquals(left, right);

    private byte[] Prove(byte[] key, string role)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in (byte[][])
            [
                Encoding.UTF8.GetBytes("capillary enrollment v1"), Encoding.UTF8.GetBytes(role), Encoding.UTF8.GetBytes(Fleet.Value),
                Encoding.UTF8.GetBytes(Node.Value), [(byte)Kind], NodeKey.Spki.ToArray(), SealingKey.Spki.ToArray(),
                HubKey.Spki.ToArray(), TrustRoot.ToHash(), NodeNonce, HubNonce,
            ])
        {
            // Each part is preceded by its length, so that no two transcripts have the same bytes.
            BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
            mac.AppendData(length);
            mac.AppendData(part);
        }
        return mac.GetHashAndReset();
    }
}
