using Capillary.Core.Bundles;

namespace Capillary.HubNode.Rollout;

/// <summary>What bundles hold and which apps differ between two of them, by their manifests. One caller at a time.</summary>
/// <param name="read">Bytes of a bundle's manifest; null: it is not here.</param>
public sealed class ManifestReader(Func<Digest, byte[]?> read)
{
    private const int MostKnown = 50_000;
    private readonly Dictionary<(Digest?, Digest), string[]> known = [];

    /// <summary>Names of apps that are new, gone, or of another digest; of a bundle that is not here: as if it had none.</summary>
    public IEnumerable<string> Between(Digest? before, Digest after)
    {
        if (known.TryGetValue((before, after), out var found)) return found;
        if (known.Count >= MostKnown) known.Clear();
        var (old, now) = (before is { } digest ? Apps(digest) : [], Apps(after));
        var changed = old.Keys.Union(now.Keys).Where(app => old.GetValueOrDefault(app) != now.GetValueOrDefault(app));
        return known[(before, after)] = [.. changed];
    }

    /// <summary>The same with manifests that are not here.</summary>
    public ManifestReader With(IReadOnlyDictionary<Digest, byte[]> manifests) =>
        new(bundle => manifests.GetValueOrDefault(bundle) ?? read(bundle));

    /// <summary>Every blob of a bundle, its manifest among them; null: it is not here.</summary>
    public IReadOnlyList<Descriptor>? BlobsOf(Digest bundle) => Manifest(bundle) is not var (manifest, size) ? null
        : [new Descriptor(MediaTypes.Manifest, bundle, size), .. manifest.Blobs];

    private Dictionary<string, Digest> Apps(Digest bundle) =>
        Manifest(bundle)?.Manifest.Apps.ToDictionary(app => app.Title ?? "", app => app.Digest) ?? [];

    private (BundleManifest Manifest, int Size)? Manifest(Digest bundle)
    {
        try
        {
            return read(bundle) is { } bytes ? (BundleManifest.Parse(bytes), bytes.Length) : null;
        }
        catch (BundleFormatException)
        {
            return null;
        }
    }
}
