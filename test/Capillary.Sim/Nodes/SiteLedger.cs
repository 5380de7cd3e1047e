using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>The newest of what the hub heard of one site.</summary>
internal sealed record SeenSite(Report? Report, DateTimeOffset? HeardAt, Digest? LastHealthy);

/// <summary>
/// Takes reports in as <c>HubNode.SiteBook</c> does: verified, newest wins, durable before acknowledged; proofs of life stay in memory.
/// </summary>
internal sealed class SiteLedger(HubProcess owner, SimHub hub, Action changed)
{
    private const string Folder = "report/";
    private readonly World world = hub.World;

    public SortedDictionary<SiteId, SeenSite> Seen { get; } = [];

    public void Restore()
    {
        foreach (var (name, content) in hub.Disk.Under(Folder))
        {
            var kept = JsonSerializer.Deserialize<KeptReport>(content)!;
            var site = new SiteId(name[Folder.Length..]);
            // A key that was superseded meanwhile says nothing any more, but the site is known, and so is what it can return to.
            var says = RecordOf(site) is { State: RecordState.Active } record && IsBy(kept.Report, record);
            var report = says ? Report.Verify(kept.Report, RecordOf(site)!) : null;
            Seen[site] = new SeenSite(report, kept.HeardAt, kept.Healthy is null ? null : Digest.Parse(kept.Healthy));
        }
    }

    public void Take(Envelope envelope, NodeRecord from, Action<string?> answer)
    {
        if (Report.ClaimedSite(envelope) is not { } site || RecordOf(site) is not { } record
            || record.Region != from.Region)
        {
            answer("not a site below this child");
            return;
        }
        try
        {
            var report = Report.Verify(envelope, record);
            // A region may have held it for long, so it is no sign of life; that comes as Alive.
            if (from.Kind == NodeKind.Site || world.Broken == Mutation.HubTakesRelayedReportsForLife) HeardOf([site]);
            Keep(report, envelope, answer);
        }
        catch (TrustFormatException e)
        {
            answer(e.Message);
        }
    }

    public void Forget(SiteId site) => Seen.Remove(site);

    private NodeRecord? RecordOf(SiteId site) => owner.State.Records.GetValueOrDefault(new NodeName(site.Value))?.Record;

    private static bool IsBy(Envelope report, NodeRecord record) =>
        report.Signatures.Any(signature => signature.Keyid == record.IdentityKey.Id);

    public void HeardOf(IReadOnlyList<SiteId> sites)
    {
        foreach (var site in sites)
        {
            Seen[site] = Seen.TryGetValue(site, out var seen) ? seen with { HeardAt = world.Now } : new SeenSite(null, world.Now, null);
            world.Safety.HubHeard(site);
        }
    }

    private void Keep(Report report, Envelope envelope, Action<string?> answer)
    {
        var held = Seen.GetValueOrDefault(report.Site);
        if (report.IsNewerThan(held?.Report))
        {
            var healthy = report is { Phase: ReportPhase.Healthy, Bundle: { } bundle } ? bundle
                : held?.Report?.Incarnation == report.Incarnation ? held.LastHealthy : null;
            try
            {
                var kept = new KeptReport(envelope, held?.HeardAt, healthy?.Text);
                hub.Disk.Replace($"{Folder}{report.Site}", JsonSerializer.SerializeToUtf8Bytes(kept));
            }
            catch (IOException)
            {
                // Not acknowledged, so it stays below too; meanwhile it is tried again here.
                owner.After(TimeSpan.FromSeconds(1), () => Keep(report, envelope, answer));
                return;
            }
            Seen[report.Site] = new SeenSite(report, held?.HeardAt, healthy);
            changed();
        }
        answer(null);
    }
}
