using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Capillary.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>HPKE against the vectors of RFC 9180, and what it must refuse.</summary>
public sealed class HpkeTests : IDisposable
{
    private static readonly byte[] Plaintext = Encoding.ASCII.GetBytes("Beauty is truth, truth beauty");
    private readonly ECDiffieHellman recipient = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDiffieHellman ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);

    private PublicKey To => KeyOf(recipient);

    public static TheoryData<int> Vectors => new(1, 2);

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_sender_makes_the_ciphertexts_of_the_RFC(int aead)
    {
        var vector = VectorOf(aead);
        using var own = DeriveKeyPair(Hex(vector, "ikmE"));
        using var context = Hpke.SetUpSender(PublicKey.FromPoint(Hex(vector, "pkRm")), own, Hex(vector, "info"), aead * 16, out var enc);
        Assert.Equal(Hex(vector, "enc"), enc);
        foreach (var one in vector.GetProperty("encryptions").EnumerateArray())
        {
            var number = one.GetProperty("seq").GetUInt64();
            while (context.Sequence < number) context.Seal([], Plaintext, new byte[Plaintext.Length + Hpke.TagBytes]);
            var sealedText = new byte[Plaintext.Length + Hpke.TagBytes];
            context.Seal(Encoding.ASCII.GetBytes($"Count-{number}"), Plaintext, sealedText);
            Assert.Equal(Hex(one, "ct"), sealedText);
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_recipient_opens_the_ciphertexts_of_the_RFC(int aead)
    {
        var vector = VectorOf(aead);
        using var own = DeriveKeyPair(Hex(vector, "ikmR"));
        Assert.Equal(Hex(vector, "skRm"), own.ExportParameters(true).D);
        Assert.Equal(Hex(vector, "pkRm"), KeyOf(own).Point.ToArray());
        using var context = Hpke.SetUpRecipient(own, Hex(vector, "enc"), Hex(vector, "info"), aead * 16);
        foreach (var one in vector.GetProperty("encryptions").EnumerateArray())
        {
            context.Sequence = one.GetProperty("seq").GetUInt64();
            var opened = new byte[Plaintext.Length];
            Assert.True(context.TryOpen(Encoding.ASCII.GetBytes($"Count-{context.Sequence}"), Hex(one, "ct"), opened));
            Assert.Equal(Plaintext, opened);
        }
    }

    [Fact]
    public void One_message_goes_there_and_is_read()
    {
        var message = Hpke.Seal(To, ephemeral, "use"u8, "aad"u8, Plaintext);
        Assert.Equal(Plaintext, Hpke.Open(recipient, "use"u8, "aad"u8, message));
        Assert.Equal([], Hpke.Open(recipient, "use"u8, [], Hpke.Seal(To, ephemeral, "use"u8, [], []))!);
    }

    [Fact]
    public void Another_key_use_or_aad_opens_nothing()
    {
        var message = Hpke.Seal(To, ephemeral, "use"u8, "aad"u8, Plaintext);
        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(Hpke.Open(other, "use"u8, "aad"u8, message));
        Assert.Null(Hpke.Open(recipient, "other use"u8, "aad"u8, message));
        Assert.Null(Hpke.Open(recipient, "use"u8, "AAD"u8, message));
    }

    [Fact]
    public void A_changed_bit_anywhere_opens_nothing()
    {
        var message = Hpke.Seal(To, ephemeral, "use"u8, "aad"u8, Plaintext);
        for (var i = 0; i < message.Length; i++)
        {
            message[i] ^= 1;
            Assert.Null(Hpke.Open(recipient, "use"u8, "aad"u8, message));
            message[i] ^= 1;
        }
        for (var length = 0; length < message.Length; length++)
            Assert.Null(Hpke.Open(recipient, "use"u8, "aad"u8, message.AsSpan(0, length)));
    }

    [Fact]
    public void What_is_no_point_of_the_curve_is_refused()
    {
        byte[] off = [4, .. new byte[31], 1, .. new byte[31], 1];
        byte[] compressed = [2, .. To.Point.Slice(1, 32)];
        byte[] infinity = new byte[65];
        foreach (var point in (byte[][])[off, compressed, infinity, [0], []])
            Assert.Throws<FormatException>(() => Hpke.SetUpRecipient(recipient, point, []));
    }

    [Fact]
    public void Messages_open_in_their_order_only()
    {
        using var sender = Hpke.SetUpSender(To, ephemeral, "use"u8, out var enc);
        var messages = Enumerable.Range(0, 3).Select(i =>
        {
            var message = new byte[1 + Hpke.TagBytes];
            sender.Seal([], [(byte)i], message);
            return message;
        }).ToList();
        using var reader = Hpke.SetUpRecipient(recipient, enc, "use"u8);
        var one = new byte[1];
        Assert.False(reader.TryOpen([], messages[1], one));
        Assert.True(reader.TryOpen([], messages[0], one));
        Assert.False(reader.TryOpen([], messages[0], one));
        Assert.False(reader.TryOpen([], messages[2], one));
        Assert.True(reader.TryOpen([], messages[1], one));
        Assert.Equal(1, one[0]);
    }

    [Fact]
    public void A_context_ends_with_its_numbers()
    {
        using var sender = Hpke.SetUpSender(To, ephemeral, "use"u8, out var enc);
        using var reader = Hpke.SetUpRecipient(recipient, enc, "use"u8);
        sender.Sequence = reader.Sequence = ulong.MaxValue;
        var message = new byte[Hpke.TagBytes];
        sender.Seal([], [], message);
        Assert.True(reader.TryOpen([], message, []));
        Assert.Throws<InvalidOperationException>(() => sender.Seal([], [], message));
        Assert.Throws<InvalidOperationException>(() => reader.TryOpen([], message, []));
    }

    private static PublicKey KeyOf(ECDiffieHellman key) => PublicKey.FromSpki(key.ExportSubjectPublicKeyInfo());

    private static JsonElement VectorOf(int aead, [CallerFilePath] string here = "") =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(here)!, "golden", "hpke-rfc9180.json"))).RootElement
            .GetProperty("vectors").EnumerateArray().Single(vector => vector.GetProperty("aead").GetInt32() == aead);

    private static byte[] Hex(JsonElement from, string name) => Convert.FromHexString(from.GetProperty(name).GetString()!);

    /// <summary>RFC 9180 section 7.1.3: only the vectors need a key pair that is derived.</summary>
    private static ECDiffieHellman DeriveKeyPair(byte[] ikm)
    {
        byte[] suite = [.. "HPKE-v1"u8, .. "KEM"u8, 0, 0x10];
        var prk = HKDF.Extract(HashAlgorithmName.SHA256, [.. suite, .. "dkp_prk"u8, .. ikm], []);
        byte[] candidate = HKDF.Expand(HashAlgorithmName.SHA256, prk, 32, [0, 32, .. suite, .. "candidate"u8, 0]);
        return ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = candidate });
    }

    public void Dispose()
    {
        recipient.Dispose();
        ephemeral.Dispose();
    }
}
