using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>The code a technician types, and the proofs made with it.</summary>
public sealed class JoinCodeTests
{
    private static readonly Gen<JoinCode> Codes =
        Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), JoinCode.EntropyBytes).Select(bytes => JoinCode.Create(bytes));

    [Fact]
    public void A_code_reads_back_however_it_was_typed() => Prop.ForAll(Codes.ToArbitrary(), code =>
        JoinCode.Parse(code.ToString()) == code && JoinCode.Parse(code.Canonical) == code
        && JoinCode.Parse($" {code.ToString().ToLowerInvariant().Replace('0', 'o').Replace('1', 'l')} ") == code
        && JoinCode.Parse(code.Canonical.Replace('0', 'O').Replace('1', 'I')) == code).QuickCheckThrowOnFailure();

    [Fact]
    public void A_code_needs_all_its_characters_and_nothing_else()
    {
        var code = JoinCode.Create(new byte[JoinCode.EntropyBytes]).Canonical;
        foreach (var typed in (string[])["", code[1..], code + "0", code.Replace(code[^1], 'U'), "ÄÄÄÄÄ" + code[5..], new string('\0', 22)])
            Assert.Throws<FormatException>(() => JoinCode.Parse(typed));
    }

    /// <summary>NUL was once taken for "no wrong character found"; only the check characters then stood in its way.</summary>
    [Fact]
    public void A_character_that_is_in_no_code_is_named()
    {
        var code = JoinCode.Create(new byte[JoinCode.EntropyBytes]).Canonical;
        var thrown = Assert.Throws<FormatException>(() => JoinCode.Parse("\0" + code[1..]));
        Assert.Contains("never in a join code", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Most_typing_errors_are_found()
    {
        var random = new Random(7);
        var missed = 0;
        for (var i = 0; i < 5000; i++)
        {
            var bytes = new byte[JoinCode.EntropyBytes];
            random.NextBytes(bytes);
            var typed = JoinCode.Create(bytes).Canonical.ToCharArray();
            var at = random.Next(20);
            typed[at] = typed[at] == 'A' ? 'B' : 'A';
            try
            {
                JoinCode.Parse(new string(typed));
                missed++;
            }
            catch (FormatException)
            {
                // Found.
            }
        }
        // Ten check bits miss one in 1,024.
        Assert.InRange(missed, 0, 20);
    }

    [Fact]
    public void Every_part_of_an_enrollment_changes_both_proofs()
    {
        var code = JoinCode.Create(new byte[JoinCode.EntropyBytes]);
        var key = EnrollmentTranscript.KeyOf(code, TestFleet.Name);
        var genuine = new EnrollmentTranscript(TestFleet.Name, new("basel"), NodeKind.Site, TestKey.Named("basel").Public,
            TestKey.Named("lyon").Public, TestKey.Named("hub").Public, Digest.Of("root"u8), new byte[32], [.. Enumerable.Repeat((byte)1, 32)]);
        EnrollmentTranscript[] others =
        [
            genuine with { Fleet = new("other") }, genuine with { Node = new("lyon") }, genuine with { Kind = NodeKind.Region },
            genuine with { NodeKey = TestFleet.Stranger.Public }, genuine with { SealingKey = TestFleet.Stranger.Public }, genuine with { HubKey = TestFleet.Stranger.Public },
            genuine with { TrustRoot = Digest.Of("evil"u8) }, genuine with { NodeNonce = genuine.HubNonce },
            genuine with { HubNonce = genuine.NodeNonce }, genuine with { NodeNonce = genuine.HubNonce, HubNonce = genuine.NodeNonce },
        ];
        byte[][] proofs = [genuine.HubProof(key), genuine.NodeProof(key), .. others.SelectMany(other => new[] { other.HubProof(key), other.NodeProof(key) }),
            genuine.HubProof(EnrollmentTranscript.KeyOf(code, new("other")))];
        Assert.Equal(proofs.Length, proofs.Select(Convert.ToHexString).Distinct().Count());
        Assert.True(EnrollmentTranscript.Same(genuine.HubProof(key), genuine.HubProof(key)));
        Assert.False(EnrollmentTranscript.Same(genuine.HubProof(key), genuine.NodeProof(key)));
        Assert.False(EnrollmentTranscript.Same(genuine.HubProof(key), genuine.HubProof(key).AsSpan(1)));
    }
}
