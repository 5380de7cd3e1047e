using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Api;

/// <summary>Rolls the sites up.</summary>
internal static class StatusReader
{
    public static StatusView Read(Hub hub, DateTimeOffset now)
    {
        var sites = hub.Views.All();
        var release = hub.Releases.Newest;
        return new(hub.Fleet.Value, now, hub.Publisher.Generation, release?.Number ?? 0, release?.Commit.Id, sites.Count, Count(sites),
            sites.Count(site => site.Orphaned), sites.Count(site => site.Unacknowledged), hub.Server.Sessions,
            RolloutView.Of(hub.Rollout.Status, RolloutView.Glance), LastFailed(hub), hub.Conditions.All,
            [.. Regions(hub).Where(region => region is { Enrolled: true, Linked: false }).Select(region => region.Region)],
            hub.Approvals.Open.Count, hub.Knocks.All.Count, sites.Count(site => site.MovePending is not null),
            sites.Count(site => site.EventsMissing));
    }

    public static List<RegionView> Regions(Hub hub)
    {
        var sites = hub.Views.All().ToLookup(site => site.Region);
        var nodes = hub.Cell.Value.Records.Values.Select(item => item.Record)
            .Where(record => record is { Kind: NodeKind.Region, State: RecordState.Active }).ToLookup(record => record.Region!.Value.Value);
        var declared = hub.Releases.Newest?.Regions ?? [];
        return [.. declared.Concat(nodes.Select(group => group.Key)).Concat(sites.Select(group => group.Key)).Distinct()
            .Order(StringComparer.Ordinal).Select(region =>
            {
                var links = nodes[region].Select(node => hub.Links.Of(node.Node)).ToList();
                var linked = links.Exists(link => link.IsLive);
                DateTimeOffset? since = links.Count == 0 ? null
                    : linked ? links.Where(link => link.IsLive).Min(link => link.Since) : links.Max(link => link.Since);
                return new RegionView(region, links.Count > 0, sites[region].Count(), Count(sites[region]), linked, since,
                    hub.Releases.Newest?.TermsOf(new RegionId(region)).Addresses ?? [], KeyOf(hub, region));
            })];
    }

    private static KeyView? KeyOf(Hub hub, string region) =>
        hub.Cell.Value.Records.GetValueOrDefault(new NodeName(region)) is { Record: { Kind: NodeKind.Region } record }
            ? hub.KeyViews.Of(record) : null;

    /// <summary>Every state is there, in order, so that a consumer never has to guess what a missing one means.</summary>
    public static SortedDictionary<string, int> Count(IEnumerable<SiteView> sites)
    {
        var counts = sites.CountBy(site => site.State).ToDictionary();
        var order = Enum.GetValues<SiteState>().Select(Name).ToList();
        var all = new SortedDictionary<string, int>(Comparer<string>.Create((left, right) =>
            order.IndexOf(left).CompareTo(order.IndexOf(right))));
        foreach (var state in Enum.GetValues<SiteState>()) all[Name(state)] = counts.GetValueOrDefault(state);
        return all;
    }

    private static string Name(SiteState state) => state.ToString().ToLowerInvariant();

    private static FailedCommitView? LastFailed(Hub hub) =>
        hub.Database.Read(ReleaseTables.LastFailed) is not { } failed ? null
            : new(failed.Commit.Id, failed.Commit.Subject, failed.Commit.Author,
            failed.SeenAt, hub.Conditions.All.Any(condition => condition.Code == HubConditions.CommitFailed),
            JsonSerializer.Deserialize<JsonElement>(failed.DiagnosticsJson));
}
