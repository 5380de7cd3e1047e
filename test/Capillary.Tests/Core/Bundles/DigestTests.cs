using Capillary.Core.Bundles;
using Capillary.Tests.Core.Identity;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Bundles;

/// <summary>The names of blobs.</summary>
public sealed class DigestTests
{
    [Fact]
    public void A_digest_reads_back_and_names_its_bytes_only() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        var digest = Digest.Of(bytes);
        return Digest.Parse(digest.Text) == digest && Digest.FromHash(digest.ToHash()) == digest && digest.Hex.Length == 64
            && digest != Digest.Of([.. bytes, 0]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Spoilt_text_is_another_digest_or_none()
    {
        var genuine = Digest.Of("x"u8);
        foreach (var spoilt in Tamper.Bytes(System.Text.Encoding.ASCII.GetBytes(genuine.Text)))
        {
            var text = System.Text.Encoding.Latin1.GetString(spoilt.Bytes);
            Assert.True(!Digest.TryParse(text, out var digest) || (digest != genuine && digest.Text == text), spoilt.How);
        }
        Assert.False(Digest.TryParse(null, out _));
        Assert.False(Digest.TryParse(genuine.Text.ToUpperInvariant(), out _));
        Assert.False(Digest.TryParse("sha512:" + genuine.Hex, out _));
    }
}
