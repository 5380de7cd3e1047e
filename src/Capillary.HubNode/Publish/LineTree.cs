using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.HubNode.Publish;

/// <summary>The Merkle tree over every site's line, and which site's leaf stands where. Immutable.</summary>
internal sealed class LineTree
{
    private readonly SiteId[] sites;

    private LineTree(SiteId[] sites, MerkleTree tree) => (this.sites, Tree) = (sites, tree);

    /// <summary>The tree, its leaves in site order.</summary>
    public MerkleTree Tree { get; }

    /// <summary>The tree over these lines.</summary>
    public static LineTree Of(IEnumerable<OfferedLine> lines) =>
        Of([.. lines.Select(line => (line.Assignment.Site, MerkleTree.HashLeaf(line.Line.Leaf)))]);

    /// <summary>Where a site's leaf stands; negative when it has none.</summary>
    public int PlaceOf(SiteId site) => Array.BinarySearch(sites, site);

    /// <summary>The tree with other or further leaves. As long as no site is new it costs what changes, not the fleet.</summary>
    public LineTree With(IReadOnlyDictionary<SiteId, byte[]> leaves)
    {
        var hashes = leaves.ToDictionary(leaf => leaf.Key, leaf => MerkleTree.HashLeaf(leaf.Value));
        if (hashes.Keys.All(site => PlaceOf(site) >= 0))
            return new(sites, Tree.With(hashes.ToDictionary(hash => PlaceOf(hash.Key), hash => hash.Value)));
        return Of([.. sites.Select((site, place) => (site, Tree.LeafHash(place))).Where(leaf => !hashes.ContainsKey(leaf.site)),
            .. hashes.Select(hash => (hash.Key, hash.Value))]);
    }

    private static LineTree Of((SiteId Site, byte[] Hash)[] leaves)
    {
        Array.Sort(leaves, (left, right) => left.Site.CompareTo(right.Site));
        return new([.. leaves.Select(leaf => leaf.Site)], new MerkleTree([.. leaves.Select(leaf => leaf.Hash)]));
    }
}
