using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Api;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

internal sealed partial class RolloutLoop
{
    // So many rollouts say how long a wave takes.
    private const int MostPast = 20;

    /// <summary>What a rollout of a commit that is not released yet would do if it began now. Nothing changes.</summary>
    public PreviewAnswer Preview(PreviewWish wish)
    {
        var newest = releases.Newest;
        var target = wish.ToTarget((newest?.Number ?? 0) + 1);
        var manifests = wish.Manifests.Select(Encoding.UTF8.GetBytes).Select(bytes => (Digest: Digest.Of(bytes), Bytes: bytes))
            .DistinctBy(one => one.Digest).ToDictionary(one => one.Digest, one => one.Bytes);
        var missing = target.Sites.Values.Select(site => site.Bundle).Distinct()
            .Where(bundle => !manifests.ContainsKey(bundle) && !publisher.Has(bundle)).ToList();
        if (missing.Count > 0) return new(missing, newest?.Commit.Id, null);
        var content = apps.With(manifests);
        PlannerInputs inputs;
        lock (gate)
        {
            inputs = Inputs(newest) with
            {
                Release = target,
                // The one that is under way leads to a release that is there.
                Target = book.Target?.Target ?? newest?.Target,
                ChangedApps = content.Between,
            };
        }
        var past = database.Read(db => RolloutTable.List(db, MostPast)).Select(one => one.State);
        var preview = RolloutPreview.Of(inputs, past, content.BlobsOf, url => hosts.MayAsk(new Uri(url)), time.GetUtcNow());
        return new([], newest?.Commit.Id, preview);
    }
}
