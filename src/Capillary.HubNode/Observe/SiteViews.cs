using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;

namespace Capillary.HubNode.Observe;

/// <summary>Desired beside actual for every site, derived anew at each question, so that no state outlives its reason (promise
/// 6).</summary>
internal sealed class SiteViews(DesiredStateCell cell, ReleaseBook releases, Publisher publisher, SiteBook sites, EventGaps gaps,
    SiteLife life, LinkFacts links, HubDatabase database, CopiedKeys copies, KeyViews keys, Freshness freshness, TimeProvider time)
{
    /// <summary>Every site that is declared, holds a line or has a record, in site order.</summary>
    public List<SiteView> All()
    {
        var (state, declared, now) = (cell.Value, releases.Newest?.Sites, time.GetUtcNow());
        var names = state.Lines.Keys.Concat(declared?.Keys ?? [])
            .Concat(state.Records.Values.Where(item => item.Record.Kind == NodeKind.Site).Select(item =>
                new SiteId(item.Record.Node.Value)));
        var around = new Surroundings(RegionsAway(state), copies.Nodes());
        return [.. names.Distinct().Order().Select(site => View(site, state, declared?.GetValueOrDefault(site), around, now))];
    }

    /// <summary>One site; null when nothing is known under this name.</summary>
    public SiteDetail? Find(SiteId site)
    {
        var (state, declared) = (cell.Value, releases.Newest?.Sites.GetValueOrDefault(site));
        var record = state.Records.GetValueOrDefault(new NodeName(site.Value))?.Record;
        var line = state.Lines.GetValueOrDefault(site)?.Assignment;
        if (declared is null && line is null && record is not { Kind: NodeKind.Site }) return null;
        var report = sites.Seen.GetValueOrDefault(site)?.Report;
        var node = new NodeName(site.Value);
        var ours = ((Condition?[])[copies.ConditionOf(node), GapOf(site, record)]).OfType<Condition>();
        var around = new Surroundings(RegionsAway(state), copies.Nodes());
        return new(View(site, state, declared, around, time.GetUtcNow()), line?.Fallback?.Text,
            line is null ? null : database.Read(db => PlanTables.ReasonOf(db, site, line.Since)), report?.Phase, report?.Generation,
            report?.At, report?.Agent, report?.Apps ?? [], [.. report?.Conditions ?? [], .. ours], record?.IdentityKey.Id, record?.Version,
            record is null ? null : keys.Of(record));
    }

    /// <summary>What is found once for a whole listing.</summary>
    private sealed record Surroundings(Dictionary<RegionId, DateTimeOffset> Away, IReadOnlySet<NodeName> Copied);

    private SiteView View(SiteId site, DesiredState state, ReleasedSite? declared, Surroundings around, DateTimeOffset now)
    {
        var line = state.Lines.GetValueOrDefault(site);
        var record = state.Records.GetValueOrDefault(new NodeName(site.Value))?.Record;
        var seen = sites.Seen.GetValueOrDefault(site);
        var report = seen?.Report;
        // What only a receipt told of is known and offline, not pending.
        var heard = seen?.HeardAt ?? (report is null ? null : SiteSeen.Never);
        var region = record?.Region ?? declared?.Region ?? line!.Region;
        var wish = life.Wishes.GetValueOrDefault(site)?.Kind;
        var facts = new SiteFacts(record?.State == RecordState.Revoked, report, heard, line?.Assignment.Since ?? 0,
            line?.Assignment.Bundle, publisher.Generation) { Retired = wish == WishKind.Retired };
        var actual = Run(report?.BundleSince, report?.Bundle);
        return new(site.Value, region.Value, SiteStatus.Derive(facts, freshness, now), report?.Since, actual.Generation, actual.Bundle,
            actual.Commit, Run(line?.Assignment.Since, line?.Assignment.Bundle),
            seen?.HeardAt is { } at ? Math.Max(0, (long)(now - at).TotalSeconds) : null,
            declared is null && wish != WishKind.Retired, IsUnacknowledged(line, seen, now), seen?.HeardAt,
            LinkProblem(region, site, around.Away), LifeOf(wish), life.MovePending(site)?.Value, seen?.CarriedAt,
            around.Copied.Contains(new NodeName(site.Value)), GapOf(site, record) is not null,
            HoldsOf(report), report?.Conditions.Any(condition => condition.Code == ConditionCodes.HoldOverdue) == true);
    }

    /// <summary>What the site says of the holds that keep it from applying; null: none does.</summary>
    private static string? HoldsOf(Report? report)
    {
        var holds = report?.Conditions.Where(condition => condition.Code == ConditionCodes.Held).Select(condition => condition.Text);
        return holds is not null && string.Join("; ", holds) is { Length: > 0 } said ? said : null;
    }

    private static string? LifeOf(WishKind? wish) => wish switch
    {
        WishKind.Retire => "retiring",
        WishKind.Return => "returning",
        WishKind.Renew => "renewing",
        WishKind.Retry => "retrying",
        WishKind.ConfirmPrune => "pruning",
        WishKind.OverrideHold => "overriding",
        _ => null,
    };

    private Condition? GapOf(SiteId site, NodeRecord? record) =>
        record?.State == RecordState.Active ? gaps.ConditionOf(site, sites.Seen.GetValueOrDefault(site)?.HeardAt) : null;

    /// <summary>What this hub knows of a site came through its region: says so when that is away.</summary>
    private string? LinkProblem(RegionId region, SiteId site, Dictionary<RegionId, DateTimeOffset> away) =>
        away.TryGetValue(region, out var since) && !links.Of(new NodeName(site.Value)).IsLive
            ? $"region {region} is not linked since {since:u}"
            : null;

    /// <summary>Enrolled regions of which no node is linked, and since when.</summary>
    private Dictionary<RegionId, DateTimeOffset> RegionsAway(DesiredState state) => state.Records.Values.Select(item => item.Record)
        .Where(record => record is { Kind: NodeKind.Region, State: RecordState.Active })
        .GroupBy(record => record.Region!.Value, record => links.Of(record.Node))
        .Where(nodes => nodes.All(link => !link.IsLive)).ToDictionary(nodes => nodes.Key, nodes => nodes.Max(link => link.Since));

    private RunView Run(long? since, Digest? bundle) => since is > 0
        ? new(since, bundle?.Text, publisher.Plans.GetValueOrDefault(since.Value)?.CommitId)
        : new(null, bundle?.Text, null);

    private bool IsUnacknowledged(OfferedLine? line, SiteSeen? seen, DateTimeOffset now)
    {
        if (line is null || seen is not { Report: { } report, HeardAt: { } heard } || now - heard > freshness.FreshFor) return false;
        if (now - line.Checkpoint.Checkpoint.IssuedAt < freshness.FreshFor) return false;
        return report.Since != line.Assignment.Since || report.Leaf != Digest.Of(line.Line.Leaf);
    }
}
