using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Tests.Core.Trust;

/// <summary>A small fleet whose every document is known to the bit: one hub, regions eu and us, sites basel, lyon (eu) and boston (us).</summary>
internal static class TestFleet
{
    public static readonly FleetName Name = new("demo");
    public static readonly RegionId Eu = new("eu");
    public static readonly RegionId Us = new("us");
    public static readonly SiteId Basel = new("basel-lab-1");
    public static readonly SiteId Lyon = new("lyon-lab-2");
    public static readonly SiteId Boston = new("boston-ward-3");
    public static readonly DateTimeOffset Issued = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static readonly TestKey[] Roots = [TestKey.Named("root1"), TestKey.Named("root2"), TestKey.Named("root3")];
    public static readonly TestKey Release = TestKey.Named("release1");
    public static readonly TestKey NextRelease = TestKey.Named("release2");
    public static readonly TestKey BeaconKey = TestKey.Named("beacon1");
    public static readonly TestKey NextBeaconKey = TestKey.Named("beacon2");
    public static readonly TestKey Stranger = TestKey.Named("stranger");

    public static TrustRoot Root1 { get; } = new(1, Name, 1, [.. Roots.Select(key => key.Public)], 2, [Release.Public], [BeaconKey.Public]);

    /// <summary>Rotates release and beacon keys.</summary>
    public static TrustRoot Root2 { get; } = Root1 with { Version = 2, ReleaseKeys = [NextRelease.Public], BeaconKeys = [NextBeaconKey.Public] };

    public static NodeRecord HubRecord { get; } = Record("hub", NodeKind.Hub, null, "hub");

    public static NodeRecord EuRecord { get; } = Record("region-eu", NodeKind.Region, Eu, "region-eu");

    public static NodeRecord UsRecord { get; } = Record("region-us", NodeKind.Region, Us, "region-us");

    public static NodeRecord BaselRecord { get; } =
        Record(Basel.Value, NodeKind.Site, Eu, "basel") with { SealingKey = TestKey.Named("sealing").Public };

    public static NodeRecord LyonRecord { get; } = Record(Lyon.Value, NodeKind.Site, Eu, "lyon");

    public static NodeRecord BostonRecord { get; } = Record(Boston.Value, NodeKind.Site, Us, "boston");

    public static Assignment Line(SiteId site, long since, string bundle = "bundle") =>
        new(1, Name, site, since, Digest.Of(System.Text.Encoding.UTF8.GetBytes($"{bundle} of {site}")), null, Assignment.ApplyMode, null);

    /// <summary>Generation 7: basel with every member, boston and lyon without the optional ones; leaves in site order.</summary>
    public static IReadOnlyList<Assignment> Plan { get; } =
    [
        Line(Basel, 7) with { Fallback = Digest.Of("old"u8), Sealed = Digest.Of("sealed"u8) }, Line(Boston, 3), Line(Lyon, 5),
    ];

    public static MerkleTree Tree { get; } = TreeOf(Plan);

    public static Checkpoint Checkpoint { get; } =
        new(1, Name, 7, 4, Issued, Digest.Of("checkpoint 6"u8), Tree.Root, Tree.Size);

    public static Beacon Beacon { get; } =
        new(1, Name, Issued.AddMinutes(5), 7, Digest.Of(Checkpoint.ToPayload()), [TestKey.Named("region-us").Id]);

    public static MerkleTree TreeOf(IEnumerable<Assignment> plan) => new([.. plan.Select(line => MerkleTree.HashLeaf(line.ToLeaf()))]);

    public static ProvenLine Proof(int index) => Proof(Plan, index);

    public static ProvenLine Proof(IReadOnlyList<Assignment> plan, int index) => new(plan[index].ToLeaf(), index, TreeOf(plan).Path(index));

    /// <summary>A genuine checkpoint over <paramref name="plan"/>, as verified.</summary>
    public static VerifiedCheckpoint Signed(long generation, IReadOnlyList<Assignment> plan, TestKey? by = null, DateTimeOffset? at = null)
    {
        var tree = TreeOf(plan);
        var checkpoint = new Checkpoint(1, Name, generation, 1, at ?? Issued, null, tree.Root, tree.Size);
        return new(checkpoint, Sign(PayloadTypes.Checkpoint, checkpoint.ToPayload(), by ?? Release));
    }

    public static Envelope Sign(string type, byte[] payload, params TestKey[] by) =>
        new(type, payload, [.. by.Select(key => key.Sign(type, payload))]);

    public static Envelope Sign(TrustRoot root, params TestKey[] by) => Sign(PayloadTypes.TrustRoot, root.ToPayload(), by);

    public static Envelope Sign(NodeRecord record, TestKey? by = null) => Sign(PayloadTypes.Record, record.ToPayload(), by ?? Release);

    public static Envelope Sign(Beacon beacon, TestKey? by = null) => Sign(PayloadTypes.Beacon, beacon.ToPayload(), by ?? BeaconKey);

    private static NodeRecord Record(string node, NodeKind kind, RegionId? region, string key) =>
        new(1, Name, new NodeName(node), kind, region, TestKey.Named(key).Public, null, RecordState.Active, 1);
}
