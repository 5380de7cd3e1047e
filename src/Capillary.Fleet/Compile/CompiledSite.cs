using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>
/// One app rendered for one or more sites. Holds its objects and files; the layer's bytes are made again when asked for,
/// because 50,000 of them would not be worth their memory once they are published.
/// </summary>
/// <param name="Descriptor">Media type, digest and size of the layer; its title is the app's name.</param>
/// <param name="Layer">Objects and files.</param>
/// <param name="Artifacts">What of the app's artifacts its objects or templates use.</param>
public sealed record CompiledApp(Descriptor Descriptor, AppLayer Layer, IReadOnlyList<ArtifactSource> Artifacts)
{
    /// <summary>What it takes for itself at a site, to find two apps that take the same.</summary>
    internal IReadOnlyList<Target> Targets { get; init; } = [];

    /// <summary>Kinds of its Kubernetes objects, whose health rules it carries.</summary>
    internal IReadOnlyList<(string Group, string Kind)> Kinds { get; init; } = [];

    /// <summary>The layer's bytes under their digest.</summary>
    public Blob ToBlob() => new(Descriptor.Digest, Layer.ToBytes());
}

/// <summary>A path of a host or an object of a cluster, and where in the repository it was said.</summary>
/// <param name="Key">The path, or <c>ObjectRef.Key</c>.</param>
/// <param name="Subject">What a person calls the object; null for a path.</param>
/// <param name="File">The template.</param>
/// <param name="At">The place in it.</param>
internal sealed record Target(string Key, string? Subject, string File, TextPosition At);

/// <summary>An artifact of a bundle and where its bytes are: the file of the repository, by path and by content id.</summary>
/// <param name="Descriptor">Digest and size; its title is the artifact's name.</param>
/// <param name="Path">From the root of the repository.</param>
/// <param name="Id">The content id under which the reader of the tree finds the bytes (a Git blob id).</param>
public sealed record ArtifactSource(Descriptor Descriptor, string Path, string Id);

/// <summary>All that one site runs. The same instance as before when nothing of it changed.</summary>
/// <param name="Id">The site.</param>
/// <param name="Region">Its region.</param>
/// <param name="Platform">Its platform.</param>
/// <param name="Labels">Own and implicit labels, for the selectors of waves.</param>
/// <param name="Manifest">The bundle's manifest; its digest is the bundle's name. Holds no commit: an unchanged site keeps its
/// digest.</param>
/// <param name="Apps">In apply order.</param>
/// <param name="Artifacts">Distinct, in ordinal order of digest.</param>
public sealed record CompiledSite(SiteId Id, RegionId Region, SitePlatform Platform, IReadOnlyDictionary<string, string> Labels,
    Blob Manifest, IReadOnlyList<CompiledApp> Apps, IReadOnlyList<ArtifactSource> Artifacts)
{
    /// <summary>The bundle's name.</summary>
    public Digest Bundle => Manifest.Digest;
}
