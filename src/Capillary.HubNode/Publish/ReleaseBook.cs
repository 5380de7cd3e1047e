using System.Collections.Immutable;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;
using Capillary.Node.Blobs;

namespace Capillary.HubNode.Publish;

/// <summary>Turns what commits compiled to into numbered releases: their blobs first, then the release. One caller at a time.</summary>
/// <param name="database">Where releases stand.</param>
/// <param name="blobs">Where their bundles stand.</param>
/// <param name="held">The newest release of the database; null before the first.</param>
/// <param name="time">The clock.</param>
/// <param name="reached">A test's hook into the order of publishing.</param>
internal sealed class ReleaseBook(HubDatabase database, BlobStore blobs, Release? held, TimeProvider time,
    Action<PublishStep>? reached = null)
{
    private volatile Release? newest = held;

    /// <summary>The newest good release; null before the first.</summary>
    public Release? Newest => newest;

    /// <summary>Keeps a release durably; the newest one when this very content of this commit is it already.</summary>
    /// <exception cref="IOException">The disk is full or an artifact cannot be read; the newest release stays.</exception>
    public async Task<Release> AddAsync(CommitInfo commit, ReleaseContent content, CancellationToken stop)
    {
        var before = newest;
        var changes = Changes(before, content);
        if (before is not null && changes.Count == 0 && before.Commit.Id == commit.Id
            && before.Policies.ToJson() == content.Policies.ToJson()
            && before.Regions.SequenceEqual(content.Regions) && Same(before.Terms, content.Terms))
            return before;
        await KeepBlobsAsync(changes, content, stop);
        reached?.Invoke(PublishStep.BlobsKept);
        var sites = before?.Sites ?? ImmutableDictionary<SiteId, ReleasedSite>.Empty;
        var release = new Release((before?.Number ?? 0) + 1, commit, time.GetUtcNow(), content.Policies, content.Regions,
            sites.RemoveRange(changes.Where(change => change.Now is null).Select(change => change.Site))
                .SetItems(changes.Where(change => change.Now is not null).Select(change => KeyValuePair.Create(change.Site, change.Now!))))
        {
            Terms = content.Terms,
        };
        database.Write(db =>
        {
            ReleaseTables.Add(db, release, changes);
            JournalTable.Append(db, release.MadeAt, "hub", "release.add", before is null ? null : new { release = before.Number },
                new { release = release.Number, commit = commit.Id, changed = changes.Count });
        });
        newest = release;
        reached?.Invoke(PublishStep.ReleaseKept);
        return release;
    }

    private static bool Same(IReadOnlyDictionary<string, RegionTerms> left, IReadOnlyDictionary<string, RegionTerms> right) =>
        left.Count == right.Count && left.All(one => one.Value.Equals(right.GetValueOrDefault(one.Key)));

    private static List<ReleaseChange> Changes(Release? before, ReleaseContent content)
    {
        var changes = content.Sites.Where(site => before?.Sites.GetValueOrDefault(site.Key) != site.Value)
            .Select(site => new ReleaseChange(site.Key, site.Value)).ToList();
        if (before is not null)
            changes.AddRange(before.Sites.Keys.Where(site => !content.Sites.ContainsKey(site)).Select(site =>
                new ReleaseChange(site, null)));
        changes.Sort((left, right) => left.Site.CompareTo(right.Site));
        return changes;
    }

    private async Task KeepBlobsAsync(List<ReleaseChange> changes, ReleaseContent content, CancellationToken stop)
    {
        var bundles = changes.Where(change => change.Now is { } now && !blobs.Has(now.Bundle)).DistinctBy(change => change.Now!.Bundle)
            .Select(change => content.BundleOf(change.Site)).ToList();
        foreach (var artifact in bundles.SelectMany(bundle => bundle.Artifacts).DistinctBy(artifact => artifact.Digest))
            await KeepArtifactAsync(artifact, stop);
        if (bundles.Count == 0) return;
        // In one pack, layers before manifests: its index, which makes them visible, is written last.
        blobs.PutPack(bundles.SelectMany(bundle => bundle.Layers).DistinctBy(blob => blob.Digest)
            .Append(BundleManifest.EmptyConfig).Concat(bundles.Select(bundle => bundle.Manifest)));
    }

    private async Task KeepArtifactAsync(ArtifactContent artifact, CancellationToken stop)
    {
        if (blobs.Has(artifact.Digest)) return;
        try
        {
            await using var file = blobs.OpenPartial(artifact.Digest, 0);
            if (await artifact.CopyAsync(file, stop) is { } problem) throw new IOException($"artifact {artifact.Digest}: {problem}");
        }
        catch (IOException)
        {
            // It begins anew next time, and the database needs the space now.
            blobs.DropPartial(artifact.Digest);
            throw;
        }
        if (!blobs.Commit(artifact.Digest)) throw new IOException($"artifact {artifact.Digest}: the repository gave other bytes than it "
            + "was compiled with");
    }
}
