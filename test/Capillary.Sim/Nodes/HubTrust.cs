using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Sim.Nodes;

/// <summary>What changes whom the fleet trusts: durable as a whole, with the plan that goes with it.</summary>
/// <param name="Root">The next trust root; null: the same.</param>
/// <param name="Keys">Ids of the root, release, beacon and hub key from now on.</param>
/// <param name="Own">The hub's record.</param>
/// <param name="Records">Newer records of others.</param>
/// <param name="Revoked">Key ids that no longer count.</param>
internal sealed record KeptTrust(Envelope? Root, IReadOnlyList<string> Keys, Envelope Own, IReadOnlyList<Envelope> Records,
    IReadOnlyList<string> Revoked);

/// <summary>The hub's keys, and what it signs with them.</summary>
internal sealed class HubTrust
{
    private readonly World world;
    private SigningKey root;
    private SigningKey release;
    private SigningKey beacon;

    public HubTrust(World world)
    {
        this.world = world;
        var genesis = world.Authority;
        (root, release, beacon, Identity) = (genesis.RootKey, genesis.ReleaseKey, genesis.BeaconKey, genesis.HubKey);
    }

    public SigningKey Identity { get; private set; }

    public void Restore(KeptTrust kept) =>
        (root, release, beacon, Identity) = (world.Keys[kept.Keys[0]], world.Keys[kept.Keys[1]], world.Keys[kept.Keys[2]],
            world.Keys[kept.Keys[3]]);

    /// <summary>Signed with the release key of <paramref name="change"/>, if there is one.</summary>
    public VerifiedCheckpoint SignCheckpoint(Checkpoint checkpoint, KeptTrust? change) =>
        new(checkpoint, (change is null ? release : world.Keys[change.Keys[1]]).Sign(PayloadTypes.Checkpoint, checkpoint.ToPayload()));

    public Envelope SignBeacon(DesiredState state, Digest? checkpoint)
    {
        var next = new Beacon(1, world.Authority.Fleet, world.Now, state.Generation, checkpoint,
            [.. state.Revocations.Order(StringComparer.Ordinal)]);
        return beacon.Sign(PayloadTypes.Beacon, next.ToPayload());
    }

    /// <summary>Newer records of these nodes; nobody's key is revoked by it but those that are named.</summary>
    public KeptTrust Change(DesiredState state, IEnumerable<NodeRecord> records, params string[] revoked) =>
        new(null, KeyIds(root, release, beacon, Identity), state.OwnRecord.Envelope, [.. records.Select(Sign)], revoked);

    /// <summary>The hub's own next key.</summary>
    public KeptTrust Succeed(DesiredState state)
    {
        var next = world.Keys.Make();
        var own = state.OwnRecord.Record;
        own = own with { IdentityKey = next.Public, Previous = own.IdentityKey.Id, Version = own.Version + 1 };
        return new(null, KeyIds(root, release, beacon, next), Sign(own), [], []);
    }

    /// <summary>The next trust root with other keys (1: root key, 2: release key, 4: beacon key); all that holds now is signed anew.</summary>
    public KeptTrust Rotate(DesiredState state, int which)
    {
        var (newRoot, newRelease, newBeacon) = (which % 2 == 1 ? world.Keys.Make() : root, which / 2 % 2 == 1 ? world.Keys.Make() : release,
            which / 4 == 1 ? world.Keys.Make() : beacon);
        var next = new TrustRoot(1, world.Authority.Fleet, state.TrustRoots.Count + 1, [newRoot.Public], 1, [newRelease.Public],
            [newBeacon.Public]);
        var payload = next.ToPayload();
        SigningKey[] signers = newRoot == root ? [root] : [root, newRoot];
        var envelope = new Envelope(PayloadTypes.TrustRoot, payload,
            [.. signers.Select(key => key.SignatureOf(PayloadTypes.TrustRoot, payload))]);
        var anew = world.Broken == Mutation.HubRotatesRootFirst ? [] : state.Records.Values.Select(item => item.Record);
        Envelope Signed(NodeRecord record)
        {
            var newer = record with { Version = record.Version + 1 };
            return newRelease.Sign(PayloadTypes.Record, newer.ToPayload());
        }
        return new(envelope, KeyIds(newRoot, newRelease, newBeacon, Identity), Signed(state.OwnRecord.Record),
            [.. anew.OrderBy(record => record.Node.Value, StringComparer.Ordinal).Select(Signed)], []);
    }

    private Envelope Sign(NodeRecord record) => release.Sign(PayloadTypes.Record, record.ToPayload());

    private static string[] KeyIds(params SigningKey[] keys) => [.. keys.Select(key => key.Public.Id)];
}
