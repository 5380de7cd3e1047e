using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>Who may say which keys count.</summary>
public sealed class TrustChainTests
{
    private static readonly TestKey[] Roots = TestFleet.Roots;
    private static readonly TrustRoot First = TestFleet.Root1;

    [Fact]
    public void Ten_rotations_of_every_key_are_walked_at_once()
    {
        var (first, chain) = Rotations(10);
        var last = TrustChain.Extend(first, chain);
        Assert.Equal(11, last.Version);
        Assert.Equal(last.ToPayload(), TrustRoot.Parse(chain[^1]).ToPayload());
        Assert.Equal(11, TrustChain.Extend(last, chain).Version);
        Assert.Equal(11, TrustChain.Extend(TrustRoot.Parse(chain[4]), chain).Version);
    }

    [Fact]
    public void Promise1_a_chain_without_one_of_its_links_or_out_of_order_is_refused()
    {
        var (first, chain) = Rotations(6);
        for (var missing = 0; missing < chain.Count - 1; missing++)
            Throws(() => TrustChain.Extend(first, [.. chain.Where((_, i) => i != missing)]));
        Throws(() => TrustChain.Extend(first, [.. chain.Reverse()]));
    }

    /// <summary>Once a chain is accepted, every newer envelope in it is kept and passed on; so none may be there that was not verified.</summary>
    [Fact]
    public void Promise1_a_forged_twin_of_a_genuine_link_is_refused()
    {
        var (first, chain) = Rotations(3);
        var forged = TestFleet.Sign(First with { Version = 2, RootKeys = [TestFleet.Stranger.Public], Threshold = 1 }, TestFleet.Stranger);
        Throws(() => TrustChain.Extend(first, [chain[0], forged]));
        Throws(() => TrustChain.Extend(first, [chain[0], forged, chain[1]]));
        Throws(() => TrustChain.Extend(first, [forged, .. chain]));

        var begun = new TrustState(first, TestFleet.Sign(first, Roots[0]), null, null, DateTimeOffset.MinValue);
        Throws(() => begun.WithChain([chain[0], forged]));
        Assert.Same(chain[2], begun.WithChain(chain).RootEnvelope);
    }

    [Fact]
    public void Promise1_the_threshold_of_both_versions_must_sign()
    {
        var next = TestFleet.Root2;
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(next, Roots[0])]));
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(next)]));
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(next, Roots[0], TestFleet.Stranger)]));
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(next, TestFleet.Release, TestFleet.BeaconKey)]));
        Assert.Equal(2, TrustChain.Extend(First, [TestFleet.Sign(next, Roots[2], Roots[0])]).Version);

        // Signed by the old keys only, or by the new ones only.
        TestKey[] fresh = [TestKey.Fresh(), TestKey.Fresh()];
        var replaced = next with { RootKeys = [.. fresh.Select(key => key.Public)] };
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(replaced, Roots)]));
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(replaced, fresh)]));
        Assert.Equal(2, TrustChain.Extend(First, [TestFleet.Sign(replaced, [.. Roots[..2], .. fresh])]).Version);
    }

    [Fact]
    public void Promise1_one_key_counts_once_however_often_it_signs()
    {
        var signed = TestFleet.Sign(TestFleet.Root2, Roots[0], Roots[0], Roots[0]);
        Throws(() => TrustChain.Extend(First, [signed]));
        Assert.Equal(1, signed.CountSigners(PayloadTypes.TrustRoot, First.RootKeys));
        Assert.Equal(1, signed.CountSigners(PayloadTypes.TrustRoot, [Roots[0].Public, Roots[0].Public]));

        var twice = First with { RootKeys = [Roots[0].Public, Roots[0].Public] };
        Throws(() => TrustChain.Begin(TestFleet.Sign(twice, Roots[0], Roots[0])));
    }

    /// <summary>One key has one encoding, so it can't stand in a trust root under two ids.</summary>
    [Fact]
    public void Promise1_a_key_has_one_encoding()
    {
        var genuine = Roots[0].Public.Spki.ToArray();
        var compressed = (byte[])[.. Convert.FromHexString("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
            (byte)(2 + (genuine[^1] & 1)), .. genuine[27..59]];
        byte[] longLength = [0x30, 0x81, 0x59, .. genuine[2..]];
        foreach (var other in (byte[][])[compressed, longLength, [.. genuine, 0], []])
            Assert.Throws<FormatException>(() => PublicKey.FromSpki(other));
        foreach (var spoilt in Identity.Tamper.Bytes(genuine))
        {
            try
            {
                Assert.NotEqual(Roots[0].Id, PublicKey.FromSpki(spoilt.Bytes).Id);
            }
            catch (FormatException)
            {
                // As declared.
            }
        }
    }

    [Fact]
    public void Sixteen_keys_can_be_replaced_by_sixteen_others()
    {
        TestKey[] old = [.. Enumerable.Range(0, 16).Select(_ => TestKey.Fresh())];
        TestKey[] fresh = [.. Enumerable.Range(0, 16).Select(_ => TestKey.Fresh())];
        var first = First with { RootKeys = [.. old.Select(key => key.Public)], Threshold = 16 };
        var next = first with { Version = 2, RootKeys = [.. fresh.Select(key => key.Public)] };
        Assert.Equal(2, TrustChain.Extend(first, [TestFleet.Sign(next, [.. old, .. fresh])]).Version);
    }

    [Fact]
    public void An_envelope_with_a_flood_of_signatures_is_not_even_tried()
    {
        var genuine = Roots[0].Sign(PayloadTypes.TrustRoot, First.ToPayload());
        var flood = new Envelope(PayloadTypes.TrustRoot, First.ToPayload(), [.. Enumerable.Repeat(genuine, 33)]);
        Assert.Equal(0, flood.CountSigners(PayloadTypes.TrustRoot, First.RootKeys));
        Throws(() => TrustChain.Extend(First, [.. Enumerable.Repeat(SignedGoldens.Root1, TrustChain.MaxLength + 1)]));
    }

    [Fact]
    public void The_first_trust_root_must_be_the_pinned_one()
    {
        Assert.Equal(1, TrustChain.Begin(SignedGoldens.Root1, SignedGoldens.Root1.Digest).Version);
        Throws(() => TrustChain.Begin(SignedGoldens.Root1, SignedGoldens.Root2.Digest));
        Throws(() => TrustChain.Begin(SignedGoldens.Root1, default(Digest)));
        var impostor = First with { RootKeys = [TestFleet.Stranger.Public], Threshold = 1 };
        Throws(() => TrustChain.Begin(TestFleet.Sign(impostor, TestFleet.Stranger), SignedGoldens.Root1.Digest));
    }

    [Fact]
    public void Promise1_another_fleet_is_refused_everywhere()
    {
        var other = new FleetName("other");
        Throws(() => TrustChain.Extend(First, [TestFleet.Sign(TestFleet.Root2 with { Fleet = other }, Roots)]));
        Throws(() => NodeRecord.Verify(TestFleet.Sign(TestFleet.BaselRecord with { Fleet = other }), First));
        Throws(() => Beacon.Verify(TestFleet.Sign(TestFleet.Beacon with { Fleet = other }), First));
        var foreign = TestFleet.Checkpoint with { Fleet = other };
        Throws(() => Checkpoint.Verify(TestFleet.Sign(PayloadTypes.Checkpoint, foreign.ToPayload(), TestFleet.Release), First));
    }

    [Fact]
    public void Promise1_a_release_key_of_an_older_trust_root_no_longer_counts()
    {
        var second = TrustChain.Extend(First, [SignedGoldens.Root2]);
        Throws(() => Checkpoint.Verify(SignedGoldens.Checkpoint, second));
        Throws(() => NodeRecord.Verify(SignedGoldens.Basel, second));
        Throws(() => Beacon.Verify(SignedGoldens.Beacon, second));
        Assert.Equal(TestFleet.BaselRecord, NodeRecord.Verify(TestFleet.Sign(TestFleet.BaselRecord, TestFleet.NextRelease), second));
    }

    [Fact]
    public void Promise1_each_use_has_its_own_keys()
    {
        Throws(() => Checkpoint.Verify(TestFleet.Sign(PayloadTypes.Checkpoint, TestFleet.Checkpoint.ToPayload(), TestFleet.BeaconKey), First));
        Throws(() => Checkpoint.Verify(TestFleet.Sign(PayloadTypes.Checkpoint, TestFleet.Checkpoint.ToPayload(), Roots), First));
        Throws(() => NodeRecord.Verify(TestFleet.Sign(TestFleet.BaselRecord, TestFleet.BeaconKey), First));
        Throws(() => Beacon.Verify(TestFleet.Sign(TestFleet.Beacon, TestFleet.Release), First));
    }

    private static (TrustRoot First, IReadOnlyList<Envelope> Chain) Rotations(int count)
    {
        TestKey[] held = [TestKey.Fresh(), TestKey.Fresh()];
        var first = First with { RootKeys = [.. held.Select(key => key.Public)] };
        var (current, chain) = (first, new List<Envelope>());
        for (var i = 0; i < count; i++)
        {
            TestKey[] fresh = [TestKey.Fresh(), TestKey.Fresh()];
            current = current with
            {
                Version = current.Version + 1,
                RootKeys = [.. fresh.Select(key => key.Public)],
                ReleaseKeys = [TestKey.Fresh().Public],
                BeaconKeys = [TestKey.Fresh().Public],
            };
            chain.Add(TestFleet.Sign(current, [.. held, .. fresh]));
            held = fresh;
        }
        return (first, chain);
    }

    private static void Throws(Action act) => Assert.Throws<TrustFormatException>(act);
}
