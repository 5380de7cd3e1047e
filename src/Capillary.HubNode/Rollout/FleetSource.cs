using System.Text.Json;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Api;
using Capillary.HubNode.Git;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

/// <summary>The fleet repository as a <see cref="CommitSource"/>: fetches, and compiles what changed. One caller at a time.</summary>
internal sealed class FleetSource(GitRepository repository)
{
    private FleetTree? tree;
    private FleetCompilation? compilation;

    public async Task<CommitOutcome> LookAsync(string? taken, CancellationToken stop)
    {
        GitCommit commit;
        string? rewrote = null;
        switch (await repository.FetchAsync(stop))
        {
            case GitFetch.Moved moved:
                commit = moved.Commit;
                rewrote = moved.IsRewritten ? moved.Previous?.Id : null;
                break;
            case GitFetch.Unchanged unchanged: commit = unchanged.Commit; break;
            case GitFetch.Failed failed: return new CommitOutcome.Unreachable(failed.Error);
            default: throw new InvalidOperationException("no such outcome");
        }
        if (commit.Id == taken) return new CommitOutcome.Unchanged();
        if (await repository.Trees.ReadAsync(commit.Id, "", tree, stop) is not TreeRead.Done read)
            return new CommitOutcome.Unreachable($"commit {commit.ShortId} cannot be read");
        tree = read.Tree;
        compilation = CompileLoop.Compile(tree, compilation, stop);
        var info = new CommitInfo(commit.Id, commit.Subject, commit.Author, commit.Time);
        return compilation is { Sites: { } sites, Inventory: { } inventory }
            ? new CommitOutcome.Compiled(info, Content(compilation, sites, inventory)) { Rewrote = rewrote }
            : new CommitOutcome.DoesNotCompile(info, compilation.Diagnostics.ErrorCount,
                JsonSerializer.Serialize(compilation.Diagnostics.Shown, ApiJson.Options)) { Rewrote = rewrote };
    }

    private ReleaseContent Content(FleetCompilation compilation, IReadOnlyList<CompiledSite> sites, FleetInventory inventory)
    {
        var byId = sites.ToDictionary(site => site.Id);
        var release = TargetRelease.Of(0, compilation);
        return new(release.Policies, [.. inventory.Regions.Keys.Order(StringComparer.Ordinal)], release.Sites, site => Bundle(byId[site]))
        {
            Terms = inventory.Regions.Values.ToDictionary(region => region.Name, region => Terms(region, inventory.Fleet)),
        };
    }

    private static RegionTerms Terms(RegionDocument region, FleetDocument fleet) => new(region.Addresses,
        region.Enrollment.ManualApproval ?? fleet.Enrollment.ManualApproval ?? false,
        region.Enrollment.AutomaticMoves ?? fleet.Enrollment.AutomaticMoves ?? false);

    private BundleContent Bundle(CompiledSite site) => new(site.Apps.Select(app => app.ToBlob()),
        [.. site.Artifacts.Select(artifact => new ArtifactContent(artifact.Descriptor.Digest,
            (target, stop) => repository.Trees.CopyAsync(artifact.Id, target, stop)))],
        site.Manifest);
}
