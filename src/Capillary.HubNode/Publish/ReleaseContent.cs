using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;

namespace Capillary.HubNode.Publish;

/// <summary>What a commit compiled to, ready to be kept.</summary>
/// <param name="Policies">How it is rolled out.</param>
/// <param name="Regions">Regions it declares.</param>
/// <param name="Sites">What it gives each declared site.</param>
/// <param name="BundleOf">A site's bundle; asked only for sites whose bundle is not kept yet.</param>
internal sealed record ReleaseContent(PolicySet Policies, IReadOnlyList<string> Regions,
    IReadOnlyDictionary<SiteId, ReleasedSite> Sites, Func<SiteId, BundleContent> BundleOf)
{
    /// <summary>What it says of a region's nodes and sites; a missing region has the defaults.</summary>
    public IReadOnlyDictionary<string, RegionTerms> Terms { get; init; } = new Dictionary<string, RegionTerms>();
}

/// <summary>What the fleet repository says of a region beside its sites.</summary>
/// <param name="Addresses">Where its sites dial; none: where they were told to when they joined.</param>
/// <param name="ManualApproval">A proven enrollment waits for an operator.</param>
/// <param name="AutomaticMoves">The hub moves a site here as soon as its file stands here.</param>
internal sealed record RegionTerms(IReadOnlyList<string> Addresses, bool ManualApproval, bool AutomaticMoves)
{
    public static RegionTerms Default { get; } = new([], false, false);

    public bool Equals(RegionTerms? other) => other is not null && Addresses.SequenceEqual(other.Addresses)
        && ManualApproval == other.ManualApproval && AutomaticMoves == other.AutomaticMoves;

    public override int GetHashCode() => HashCode.Combine(Addresses.Count, ManualApproval, AutomaticMoves);
}

/// <summary>The bytes of one bundle.</summary>
/// <param name="Layers">One small blob per app; made when asked for.</param>
/// <param name="Artifacts">Its large blobs.</param>
/// <param name="Manifest">The manifest.</param>
internal sealed record BundleContent(IEnumerable<Blob> Layers, IReadOnlyList<ArtifactContent> Artifacts, Blob Manifest);

/// <summary>One large blob; <paramref name="CopyAsync"/> writes its bytes, and says what went wrong or null.</summary>
internal sealed record ArtifactContent(Digest Digest, Func<Stream, CancellationToken, Task<string?>> CopyAsync);
