using Capillary.Core.Bundles;
using Capillary.Node.Blobs;

namespace Capillary.HubNode.Rollout;

/// <summary>Which apps differ between two bundles, by their manifests.</summary>
internal sealed class AppChanges(BlobStore blobs)
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

    private Dictionary<string, Digest> Apps(Digest bundle)
    {
        try
        {
            if (blobs.ReadAll(bundle) is not { } bytes) return [];
            return BundleManifest.Parse(bytes).Apps.ToDictionary(app => app.Title ?? "", app => app.Digest);
        }
        catch (BundleFormatException)
        {
            return [];
        }
    }
}
