using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

/// <summary>What a hub sees ahead, or which bundles' manifests it needs for that.</summary>
/// <param name="Missing">Bundles that it does not know: ask again with their manifests.</param>
/// <param name="Commit">Id of the newest release's commit; null before the first.</param>
/// <param name="Preview">Null: something is missing.</param>
internal sealed record PreviewAnswer(IReadOnlyList<Digest> Missing, string? Commit, RolloutPreview? Preview);

internal sealed partial class RolloutLoop
{
    // So many rollouts say how long a wave takes.
    private const int MostPast = 20;

    /// <summary>What a rollout of a commit that is not released yet would do if it began now. Nothing changes.</summary>
    public PreviewAnswer Preview(PreviewWish wish)
    {
        var newest = releases.Newest;
        var target = wish.ToTarget((newest?.Number ?? 0) + 1);
        var sent = wish.Manifests.Select(Encoding.UTF8.GetBytes).Select(bytes => (Digest: Digest.Of(bytes), Bytes: bytes))
            .DistinctBy(one => one.Digest).ToDictionary(one => one.Digest, one => one.Bytes);
        var missing = target.Sites.Values.Select(site => site.Bundle).Distinct()
            .Where(bundle => !sent.ContainsKey(bundle) && !publisher.Has(bundle)).ToList();
        if (missing.Count > 0) return new(missing, newest?.Commit.Id, null);
        var content = manifests.With(sent);
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
