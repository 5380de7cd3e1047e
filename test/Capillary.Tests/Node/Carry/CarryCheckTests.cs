using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Carry;
using Capillary.Node.Keys;
using Capillary.Sim;
using Xunit;

namespace Capillary.Tests.Node.Carry;

/// <summary>A carried proof walks the trust chain as a link does, however old the site's trust is.</summary>
public sealed class CarryCheckTests
{
    private static readonly SiteId A = new("a");
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);
    private readonly Authority hub = new();
    private readonly SigningKey identity = SigningKey.Create();
    private readonly SigningKey release = SigningKey.Create();
    private readonly SigningKey beacon = SigningKey.Create();

    [Fact]
    public void A_site_that_missed_a_change_of_all_keys_walks_on()
    {
        var holds = Assert.IsType<CarryVerdict.Holds>(Judge(Proof(), TrustState.Begin(hub.TrustRoots[0]), AcceptedLine.None));
        Assert.Equal(2, holds.Trust.Root.Version);
        Assert.Single(holds.NewRoots);
        Assert.Equal((1, true), (holds.Next.State.Generation, holds.Next.Acts));
        Assert.Equal(Now, holds.Trust.TimeFloor);
        // The same once more is nothing new.
        var again = Assert.IsType<CarryVerdict.Holds>(Judge(Proof(), holds.Trust, holds.Next.State));
        Assert.Empty(again.NewRoots);
        Assert.False(again.Next.Acts);
    }

    [Fact]
    public void A_beacon_that_revokes_the_site_or_the_hub_ends_it()
    {
        Refused("was revoked", Proof(revoked: identity.Public));
        Refused("is not the hub", Proof(revoked: hub.HubKey.Public));
        Refused("was revoked", Proof(state: RecordState.Revoked));
    }

    [Fact]
    public void Documents_that_do_not_fit_together_are_refused()
    {
        var proof = Proof();
        Refused("its signatures do not hold here", proof with { TrustRoots = [hub.TrustRoots[0]] });
        Refused("is not the hub", proof with { HubRecord = proof.SiteRecord });
        Refused("it is for hub", proof with { SiteRecord = proof.HubRecord });
        Refused("NotForThisSite", proof with { Line = proof.Line with { Index = 3 } });
        Refused("its signatures do not hold here", proof with { Beacon = proof.Checkpoint });
    }

    private static void RefusedAs(string says, CarryVerdict verdict) =>
        Assert.Contains(says, Assert.IsType<CarryVerdict.Refused>(verdict).Reason, StringComparison.Ordinal);

    private void Refused(string says, CarryProof proof) =>
        RefusedAs(says, Judge(proof, TrustState.Begin(hub.TrustRoots[0]), AcceptedLine.None));

    private CarryVerdict Judge(CarryProof proof, TrustState trust, AcceptedLine accepted) =>
        CarryCheck.Judge(proof, trust, accepted, A, [identity.Public]);

    /// <summary>All of it under a second trust root, with other release and beacon keys.</summary>
    private CarryProof Proof(PublicKey? revoked = null, RecordState state = RecordState.Active)
    {
        var root = new TrustRoot(1, hub.Fleet, 2, [hub.RootKey.Public], 1, [release.Public], [beacon.Public]);
        var leaf = new Assignment(1, hub.Fleet, A, 1, Digest.Of("bundle"u8), null, Assignment.ApplyMode, null).ToLeaf();
        var tree = new MerkleTree([MerkleTree.HashLeaf(leaf)]);
        var checkpoint = release.Sign(PayloadTypes.Checkpoint,
            new Checkpoint(1, hub.Fleet, 1, 1, Now, null, tree.Root, tree.Size).ToPayload());
        return new(1, [hub.TrustRoots[0], hub.RootKey.Sign(PayloadTypes.TrustRoot, root.ToPayload())],
            Record("hub", NodeKind.Hub, null, hub.HubKey.Public, RecordState.Active),
            Record("a", NodeKind.Site, new RegionId("eu"), identity.Public, state),
            beacon.Sign(PayloadTypes.Beacon,
                new Beacon(1, hub.Fleet, Now, 1, checkpoint.Digest, revoked is null ? [] : [revoked.Id]).ToPayload()),
            checkpoint, new ProvenLine(leaf, 0, tree.Path(0)), []);
    }

    private Envelope Record(string node, NodeKind kind, RegionId? region, PublicKey key, RecordState state) =>
        release.Sign(PayloadTypes.Record, new NodeRecord(1, hub.Fleet, new NodeName(node), kind, region, key, null, state, 2).ToPayload());
}
