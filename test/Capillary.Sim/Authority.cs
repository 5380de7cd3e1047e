using System.Collections.Immutable;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Sim;

/// <summary>
/// The keys and the signing of a hub, without the hub: makes trust roots, records, checkpoints and beacons for simulations and tests.
/// </summary>
public sealed class Authority
{
    private readonly Dictionary<NodeName, SignedRecord> records = [];
    private readonly SortedDictionary<SiteId, Assignment> current = [];
    private Digest? previous;

    public Authority(string fleet = "sim")
    {
        Fleet = new FleetName(fleet);
        Root = new TrustRoot(1, Fleet, 1, [RootKey.Public], 1, [ReleaseKey.Public], [BeaconKey.Public]);
        TrustRoots = [RootKey.Sign(PayloadTypes.TrustRoot, Root.ToPayload())];
        HubRecord = SignRecord(new NodeName("hub"), NodeKind.Hub, null, HubKey.Public);
        State = new DesiredState(TrustRoots, HubRecord, null, ImmutableDictionary<NodeName, SignedRecord>.Empty,
            ImmutableDictionary<SiteId, OfferedLine>.Empty, 0, []);
    }

    public FleetName Fleet { get; }
    public SigningKey RootKey { get; } = SigningKey.Create();
    public SigningKey ReleaseKey { get; } = SigningKey.Create();
    public SigningKey BeaconKey { get; } = SigningKey.Create();
    public SigningKey HubKey { get; } = SigningKey.Create();
    public TrustRoot Root { get; }
    public IReadOnlyList<Envelope> TrustRoots { get; }
    public SignedRecord HubRecord { get; }
    public long Generation { get; private set; }

    /// <summary>What the hub offers now.</summary>
    public DesiredState State { get; private set; }

    public SignedRecord SignRecord(NodeName node, NodeKind kind, RegionId? region, PublicKey key, RecordState state = RecordState.Active)
    {
        var version = (records.GetValueOrDefault(node)?.Record.Version ?? 0) + 1;
        var record = new NodeRecord(1, Fleet, node, kind, region, key, null, state, version);
        var signed = new SignedRecord(record, ReleaseKey.Sign(PayloadTypes.Record, record.ToPayload()));
        records[node] = signed;
        if (kind != NodeKind.Hub) State = State with { Records = State.Records.SetItem(node, signed) };
        return signed;
    }

    /// <summary>Signs the next plan: these sites get these bundles, every other line stays.</summary>
    public DesiredState Publish(IReadOnlyDictionary<SiteId, (RegionId Region, Digest Bundle, Digest? Fallback)> changes, long release,
        DateTimeOffset now)
    {
        Generation++;
        foreach (var (site, change) in changes)
            current[site] = ToAssignment(site, Generation, change.Bundle, change.Fallback);
        var leaves = current.Values.Select(line => line.ToLeaf()).ToList();
        var tree = new MerkleTree([.. leaves.Select(leaf => MerkleTree.HashLeaf(leaf))]);
        var signed = SignCheckpoint(Generation, release, now, previous, tree);
        previous = signed.Digest;
        var sites = current.Keys.ToList();
        var lines = State.Lines;
        for (var i = 0; i < sites.Count; i++)
        {
            if (changes.TryGetValue(sites[i], out var change))
            {
                var line = new ProvenLine(leaves[i], i, tree.Path(i));
                lines = lines.SetItem(sites[i], new OfferedLine(current[sites[i]], change.Region, line, signed));
            }
        }
        return State = State with { Lines = lines, Generation = Generation, Beacon = SignBeacon(now, Generation, signed.Digest) };
    }

    /// <summary>Signs a beacon for now.</summary>
    public DesiredState Beat(DateTimeOffset now) => State = State with { Beacon = SignBeacon(now, Generation, previous) };

    /// <summary>A site's line.</summary>
    public Assignment ToAssignment(SiteId site, long since, Digest bundle, Digest? fallback) =>
        new(1, Fleet, site, since, bundle, fallback, Assignment.ApplyMode, null);

    /// <summary>Signs a plan's tree; keeps nothing.</summary>
    public VerifiedCheckpoint SignCheckpoint(long generation, long release, DateTimeOffset now, Digest? before, MerkleTree tree)
    {
        var checkpoint = new Checkpoint(1, Fleet, generation, release, now, before, tree.Root, tree.Size);
        return new(checkpoint, ReleaseKey.Sign(PayloadTypes.Checkpoint, checkpoint.ToPayload()));
    }

    /// <summary>Signs a beacon; keeps nothing.</summary>
    public Envelope SignBeacon(DateTimeOffset now, long generation, Digest? checkpoint)
    {
        var beacon = new Beacon(1, Fleet, now, generation, checkpoint, [.. State.Revocations]);
        return BeaconKey.Sign(PayloadTypes.Beacon, beacon.ToPayload());
    }
}
