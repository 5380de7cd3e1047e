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
internal sealed class SiteViews(DesiredStateCell cell, ReleaseBook releases, Publisher publisher, SiteBook sites, HubDatabase database,
    CopiedKeys copies, KeyViews keys, Freshness freshness, TimeProvider time)
{
    /// <summary>Every site that is declared, holds a line or has a record, in site order.</summary>
    public List<SiteView> All()
    {
        var (state, declared, now) = (cell.Value, releases.Newest?.Sites, time.GetUtcNow());
        var names = state.Lines.Keys.Concat(declared?.Keys ?? [])
            .Concat(state.Records.Values.Where(item => item.Record.Kind == NodeKind.Site).Select(item =>
                new SiteId(item.Record.Node.Value)));
        var copied = copies.Nodes();
        return [.. names.Distinct().Order().Select(site => View(site, state, declared?.GetValueOrDefault(site), copied, now))];
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
        IReadOnlyList<Condition> ours = copies.ConditionOf(node) is { } condition ? [condition] : [];
        return new(View(site, state, declared, copies.Nodes(), time.GetUtcNow()), line?.Fallback?.Text,
            line is null ? null : database.Read(db => PlanTables.ReasonOf(db, site, line.Since)), report?.Phase, report?.Generation,
            report?.At, report?.Agent, report?.Apps ?? [], [.. report?.Conditions ?? [], .. ours], record?.IdentityKey.Id, record?.Version,
            record is null ? null : keys.Of(record));
    }

    private SiteView View(SiteId site, DesiredState state, ReleasedSite? declared, IReadOnlySet<NodeName> copied,
        DateTimeOffset now)
    {
        var line = state.Lines.GetValueOrDefault(site);
        var record = state.Records.GetValueOrDefault(new NodeName(site.Value))?.Record;
        var seen = sites.Seen.GetValueOrDefault(site);
        var report = seen?.Report;
        // What only a receipt told of is known and offline, not pending.
        var heard = seen?.HeardAt ?? (report is null ? null : SiteSeen.Never);
        var derived = SiteStatus.Derive(new SiteFacts(record?.State == RecordState.Revoked, report, heard, line?.Assignment.Since ?? 0,
            line?.Assignment.Bundle, publisher.Generation), freshness, now);
        var region = record?.Region ?? declared?.Region ?? line!.Region;
        var actual = Run(report?.BundleSince, report?.Bundle);
        return new(site.Value, region.Value, derived, report?.Since, actual.Generation, actual.Bundle, actual.Commit,
            Run(line?.Assignment.Since, line?.Assignment.Bundle), seen?.HeardAt is { } at
                ? Math.Max(0, (long)(now - at).TotalSeconds) : null,
            declared is null, IsUnacknowledged(line, seen, now), seen?.CarriedAt, copied.Contains(new NodeName(site.Value)));
    }

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
