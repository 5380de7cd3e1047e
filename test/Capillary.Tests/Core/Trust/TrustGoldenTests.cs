using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>The bytes of every signed document, of leaves and of proofs.</summary>
public sealed class TrustGoldenTests
{
    private static readonly byte[] NodeNonce = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] HubNonce = [.. Enumerable.Range(32, 32).Select(i => (byte)i)];

    [Fact]
    public void Payloads_are_written_to_the_bit()
    {
        GoldenFile.Check("trust-root-1.payload", TestFleet.Root1.ToPayload());
        GoldenFile.Check("record-hub.payload", TestFleet.HubRecord.ToPayload());
        GoldenFile.Check("record-site.payload", TestFleet.BaselRecord.ToPayload());
        GoldenFile.Check("record-long.payload", (TestFleet.BaselRecord with
        {
            Version = 5, Region = TestFleet.Us, MovedFrom = [TestFleet.Eu], Previous = TestKey.Named("lyon").Id, Parents = ["us.example.org:443"],
            SuccessionDue = true,
        }).ToPayload());
        GoldenFile.Check("checkpoint.payload", TestFleet.Checkpoint.ToPayload());
        GoldenFile.Check("checkpoint-first.payload", (TestFleet.Checkpoint with { Generation = 1, Previous = null }).ToPayload());
        GoldenFile.Check("beacon.payload", TestFleet.Beacon.ToPayload());
        GoldenFile.Check("beacon-first.payload", (TestFleet.Beacon with { Generation = 0, Checkpoint = null, Revocations = [] }).ToPayload());
        GoldenFile.Check("leaf-full", TestFleet.Plan[0].ToLeaf());
        GoldenFile.Check("leaf-short", TestFleet.Plan[1].ToLeaf());
    }

    [Fact]
    public void Envelopes_are_kept_to_the_bit_and_their_signatures_hold()
    {
        var root1 = TrustChain.Begin(SignedGoldens.Root1, SignedGoldens.Root1.Digest);
        var root2 = TrustChain.Extend(root1, [SignedGoldens.Root2]);

        Assert.Equal(2, root2.Version);
        Assert.Equal(TestFleet.HubRecord, NodeRecord.Verify(SignedGoldens.Hub, root1));
        Assert.Equal(TestFleet.EuRecord, NodeRecord.Verify(SignedGoldens.Eu, root1));
        Assert.Equal(TestFleet.BaselRecord, NodeRecord.Verify(SignedGoldens.Basel, root1));
        Assert.Equal(RecordState.Revoked, NodeRecord.Verify(SignedGoldens.Retired, root1).State);
        Assert.Equal(TestFleet.Checkpoint, Checkpoint.Verify(SignedGoldens.Checkpoint, root1));
        Assert.Equal(TestFleet.Beacon.ToPayload(), Beacon.Verify(SignedGoldens.Beacon, root1).ToPayload());
    }

    [Fact]
    public void Key_ids_and_digests_are_of_the_bytes_that_stand_there()
    {
        var text = new StringBuilder();
        foreach (var name in (string[])["root1", "root2", "root3", "release1", "beacon1", "hub", "basel"])
            text.Append(name).Append(' ').Append(TestKey.Named(name).Id).Append('\n');
        foreach (var (name, envelope) in (KeyValuePair<string, Envelope>[])
            [new("trust-root-1", SignedGoldens.Root1), new("checkpoint", SignedGoldens.Checkpoint), new("beacon", SignedGoldens.Beacon)])
            text.Append(name).Append(' ').Append(envelope.Digest).Append('\n');
        GoldenFile.Check("ids", text.ToString());
    }

    [Fact]
    public void Proofs_are_made_to_the_bit()
    {
        var text = new StringBuilder($"size {TestFleet.Tree.Size}\nroot {TestFleet.Tree.Root}\n");
        for (var i = 0; i < TestFleet.Plan.Count; i++)
        {
            text.Append($"leaf {i} {TestFleet.Plan[i].Site} {Convert.ToHexStringLower(MerkleTree.HashLeaf(TestFleet.Plan[i].ToLeaf()))}\n");
            foreach (var hash in TestFleet.Tree.Path(i)) text.Append($"  {Convert.ToHexStringLower(hash)}\n");
        }
        GoldenFile.Check("merkle", text.ToString());
    }

    [Fact]
    public void Enrollment_proofs_are_made_to_the_bit()
    {
        var code = JoinCode.Create([.. Enumerable.Range(0, JoinCode.EntropyBytes).Select(i => (byte)(i * 13))]);
        var key = EnrollmentTranscript.KeyOf(code, TestFleet.Name);
        var transcript = new EnrollmentTranscript(TestFleet.Name, new NodeName(TestFleet.Basel.Value), NodeKind.Site,
            TestKey.Named("basel").Public, TestKey.Named("lyon").Public, TestKey.Named("hub").Public, Digest.Of(TestFleet.Root1.ToPayload()), NodeNonce, HubNonce);
        GoldenFile.Check("enrollment", $"""
            code {code}
            canonical {code.Canonical}
            id {code.Id(TestFleet.Name)}
            key {Convert.ToHexStringLower(key)}
            nodeNonce {Convert.ToHexStringLower(NodeNonce)}
            hubNonce {Convert.ToHexStringLower(HubNonce)}
            hubProof {Convert.ToHexStringLower(transcript.HubProof(key))}
            nodeProof {Convert.ToHexStringLower(transcript.NodeProof(key))}

            """);
    }

    [Fact]
    public void The_pre_authentication_encoding_is_that_of_the_DSSE_protocol() =>
        Assert.Equal("DSSEv1 29 http://example.com/HelloWorld 11 hello world"u8,
            Envelope.PreAuthEncode("http://example.com/HelloWorld", "hello world"u8));
}
