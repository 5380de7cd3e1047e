using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>Promise 1 against spoilt bytes: the declared exception or a refusal, never another value and never another exception.</summary>
public sealed class TamperingTests
{
    private static readonly TrustRoot Root = TestFleet.Root1;

    public static TheoryData<string> Documents => new(Readers.Keys);

    private static readonly Dictionary<string, (Func<Envelope> Genuine, TestKey[] By, Func<Envelope, object> Read)> Readers = new()
    {
        ["trust root"] = (() => SignedGoldens.Root1, TestFleet.Roots[..2], envelope => TrustChain.Begin(envelope)),
        ["trust chain"] = (() => SignedGoldens.Root2, TestFleet.Roots[1..], Extend),
        ["record"] = (() => SignedGoldens.Basel, [TestFleet.Release], envelope => NodeRecord.Verify(envelope, Root)),
        ["checkpoint"] = (() => SignedGoldens.Checkpoint, [TestFleet.Release], envelope => VerifiedCheckpoint.Verify(envelope, Root)),
        ["beacon"] = (() => SignedGoldens.Beacon, [TestFleet.BeaconKey], envelope => Beacon.Verify(envelope, Root)),
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public void Promise1_a_spoilt_payload_is_refused(string document)
    {
        var (genuine, _, read) = Readers[document];
        foreach (var spoilt in Tamper.Bytes(genuine().Payload))
            Refused(() => read(genuine() with { Payload = spoilt.Bytes }), spoilt.How);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Promise1_a_spoilt_signature_is_refused(string document)
    {
        var (genuine, _, read) = Readers[document];
        var signature = genuine().Signatures[0];
        foreach (var spoilt in Tamper.Bytes(signature.Sig))
            Refused(() => read(genuine() with { Signatures = [signature with { Sig = spoilt.Bytes }, .. genuine().Signatures.Skip(1)] }), spoilt.How);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Promise1_a_signature_for_another_type_is_refused(string document)
    {
        var (genuine, by, read) = Readers[document];
        var type = genuine().PayloadType;
        foreach (var other in (string[])[PayloadTypes.TrustRoot, PayloadTypes.Record, PayloadTypes.Checkpoint, PayloadTypes.Beacon,
            PayloadTypes.Report, "", type + " ", type.ToUpperInvariant()])
        {
            if (other == type) continue;
            Refused(() => read(genuine() with { PayloadType = other }), other);
            Refused(() => read(TestFleet.Sign(other, genuine().Payload, by)), other);
            Refused(() => read(TestFleet.Sign(other, genuine().Payload, by) with { PayloadType = type }), other);
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Promise1_a_spoilt_envelope_is_refused_or_says_the_same(string document)
    {
        var (genuine, _, read) = Readers[document];
        var bytes = genuine().ToBytes();
        foreach (var spoilt in Tamper.Bytes(bytes).Concat(Tamper.Json(bytes)))
        {
            Envelope? envelope = null;
            if (!Refuses(() => read(envelope = Envelope.Parse(spoilt.Bytes)), spoilt.How))
                Assert.True(genuine().Payload.AsSpan().SequenceEqual(envelope!.Payload), spoilt.How);
        }
    }

    /// <summary>Whoever holds a key may still write nonsense: a reader says so and does not fall over.</summary>
    [Theory]
    [MemberData(nameof(Documents))]
    public void Signed_nonsense_is_refused_in_order(string document)
    {
        var (genuine, by, read) = Readers[document];
        var payload = genuine().Payload;
        foreach (var spoilt in Tamper.Json(payload).Concat(Tamper.Bytes(payload).Where((_, i) => i % 5 == 0)))
            Refuses(() => read(TestFleet.Sign(genuine().PayloadType, spoilt.Bytes, by)), spoilt.How);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_member_said_twice_is_refused(string document)
    {
        var (genuine, by, read) = Readers[document];
        var payload = genuine().Payload;
        byte[] twice = [.. """{"v":1,"""u8, .. payload[1..]];
        Refused(() => read(TestFleet.Sign(genuine().PayloadType, twice, by)), "v stands twice");
    }

    [Fact]
    public void Promise1_a_spoilt_line_is_refused()
    {
        var offered = TestFleet.Signed(7, TestFleet.Plan);
        var line = TestFleet.Proof(0);
        foreach (var spoilt in Tamper.Bytes(line.Leaf)) NotAccepted(offered, line with { Leaf = spoilt.Bytes }, spoilt.How);
        for (var i = 0; i < line.Path.Count; i++)
        {
            foreach (var spoilt in Tamper.Bytes(line.Path[i]))
            {
                var path = line.Path.ToArray();
                path[i] = spoilt.Bytes;
                NotAccepted(offered, line with { Path = path }, spoilt.How);
            }
        }
        foreach (var index in (long[])[-1, 1, 2, 3, long.MaxValue, long.MinValue]) NotAccepted(offered, line with { Index = index }, $"index {index}");
        NotAccepted(offered, line with { Path = null! }, "no path");
        NotAccepted(offered, line with { Leaf = null! }, "no leaf");
    }

    /// <summary>A leaf that is proven and yet no assignment: only a broken hub makes one, and the site says so.</summary>
    [Fact]
    public void Proven_nonsense_is_refused_in_order()
    {
        var genuine = TestFleet.Plan[0].ToLeaf();
        foreach (var spoilt in Tamper.Json(genuine).Concat(Tamper.Bytes(genuine)))
        {
            var tree = new MerkleTree([MerkleTree.HashLeaf(spoilt.Bytes)]);
            var checkpoint = TestFleet.Checkpoint with { Root = tree.Root, Size = 1 };
            var offered = new VerifiedCheckpoint(checkpoint, new Envelope(PayloadTypes.Checkpoint, checkpoint.ToPayload(), []));
            var result = Acceptance.Accept(AcceptedLine.None, TestFleet.Basel, offered, new ProvenLine(spoilt.Bytes, 0, []));
            if (result is AcceptResult.Accepted accepted)
                Assert.True(accepted.Assignment is { V: 1, Since: >= 1 and <= 7, Mode: "apply" } taken && taken.Site == TestFleet.Basel, spoilt.How);
        }
    }

    private static TrustRoot Extend(Envelope envelope)
    {
        var root = TrustChain.Extend(Root, [envelope]);
        return root.Version > Root.Version ? root : throw new TrustFormatException("not newer: skipped");
    }

    private static void NotAccepted(VerifiedCheckpoint offered, ProvenLine line, string how) =>
        Assert.True(Acceptance.Accept(AcceptedLine.None, TestFleet.Basel, offered, line) is AcceptResult.Refused, how);

    private static void Refused(Action read, string how) => Assert.True(Refuses(read, how), $"accepted: {how}");

    private static bool Refuses(Action read, string how)
    {
        try
        {
            read();
            return false;
        }
        catch (TrustFormatException)
        {
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{how}: {e.GetType().Name} instead of {nameof(TrustFormatException)}: {e.Message}", e);
        }
    }
}
