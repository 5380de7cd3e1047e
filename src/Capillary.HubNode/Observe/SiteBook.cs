using System.Collections.Concurrent;
using System.Threading.Channels;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Observe;

/// <summary>The newest of what was heard of one site.</summary>
/// <param name="Report">Its newest report.</param>
/// <param name="ProvenAt">When its newest report over a link proves that it lived: when it came in from the site itself; of a relayed one,
/// the beacon that it names. Before the first, when the site was first heard of.</param>
/// <param name="LifeAt">When its parent last said that it lives; <see cref="Never"/>: it has not.</param>
/// <param name="LastHealthy">The bundle of its last healthy report.</param>
/// <param name="CarriedAt">When the report came in, if it came as a receipt; null: over a link.</param>
internal sealed record SiteSeen(Report? Report, DateTimeOffset ProvenAt, DateTimeOffset LifeAt, Digest? LastHealthy,
    DateTimeOffset? CarriedAt = null)
{
    /// <summary>Before all times.</summary>
    public static readonly DateTimeOffset Never = DateTimeOffset.UnixEpoch;
    /// <summary>Digest of that report.</summary>
    public Digest? ReportDigest { get; init; }

    // A site signs at each beacon. A parent's word alone counts no longer than two of them may take, so that an evil region cannot
    // keep a dead site alive.
    private static readonly TimeSpan WordCountsFor = 2 * LinkProtocol.BeaconEvery + TimeSpan.FromMinutes(1);

    /// <summary>When it was last heard of over a link; null: never. A receipt says what was, not that the site lives (promise 6).</summary>
    public DateTimeOffset? HeardAt => LifeAt == Never ? null : LifeAt < ProvenAt + WordCountsFor ? LifeAt : ProvenAt + WordCountsFor;
}

/// <summary>What became of a receipt's report.</summary>
internal abstract record ReceiptOutcome
{
    private ReceiptOutcome() { }

    /// <summary>It is the newest of its site, and durable.</summary>
    public sealed record Taken(Report Report) : ReceiptOutcome;

    /// <summary>This one, or a newer one, was here already; nothing changed.</summary>
    public sealed record Known(Report Report) : ReceiptOutcome;

    /// <summary>It is not the site's word.</summary>
    public sealed record Refused(string Reason) : ReceiptOutcome;
}

/// <summary>
/// Takes reports in: verified with the site's record, newest wins, durable before they are acknowledged, many in one commit. Proofs of life
/// stay in memory.
/// </summary>
internal sealed partial class SiteBook(HubDatabase database, DesiredStateCell cell, HubConditions conditions, EventGaps gaps,
    TimeProvider time, ILogger<SiteBook> log)
{
    private const int MostWaiting = 10_000;
    private const int MostPerCommit = 1_000;

    private readonly Channel<Waiting> queue =
        Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly ConcurrentDictionary<SiteId, SiteSeen> seen = new();

    private sealed record Waiting(Report Report, Envelope Envelope, bool IsCarried, bool IsRelayed = false)
    {
        public TaskCompletionSource Kept { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>What is known of each site.</summary>
    public IReadOnlyDictionary<SiteId, SiteSeen> Seen => seen;

    /// <summary>Called after newer reports are durable.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Called when two different reports of a site have one number, with the id of the key that signed both.</summary>
    public Action<SiteId, string> TwoReports { get; set; } = (_, _) => { };

    /// <summary>Brings back what was durable; silence counts from when each report came in.</summary>
    public void Restore()
    {
        var records = cell.Value.Records;
        database.Read(db => ReportTable.All(db, stored =>
        {
            if (records.TryGetValue(new NodeName(stored.Site.Value), out var record)
                && (TryParse(stored.Envelope, record.Record) ?? VerifyByEarlierKey(stored.Envelope, record.Record)) is { } report)
                Put(report, new(report, stored.ReceivedAt, stored.ReceivedAt, stored.Healthy, stored.CarriedAt)
                {
                    ReportDigest = stored.Envelope.Digest,
                });
            return stored.Site;
        }));
    }

    /// <summary>
    /// It was verified when it came, with the key of that time. A key that the newest one succeeded still proves it; one of hardware that
    /// was replaced says nothing any more.
    /// </summary>
    private Report? VerifyByEarlierKey(Envelope envelope, NodeRecord newest)
    {
        if (newest.Previous is not { } previous || newest.State != RecordState.Active) return null;
        foreach (var older in database.Read(db => RecordTables.History(db, newest.Node, cell.Value.TrustRoots)))
        {
            if (older.IdentityKey.Id != previous) continue;
            if (TryVerify(envelope, older with { State = RecordState.Active }) is { } report) return report;
            if (older.Previous is null) return null;
            previous = older.Previous;
        }
        return null;
    }

    /// <summary>Null when the report, or a newer one, is durable here; else why it is refused for good.</summary>
    public async ValueTask<string?> TakeAsync(Envelope envelope, NodeRecord from, CancellationToken stop)
    {
        if (Report.ClaimedSite(envelope) is not { } site || !cell.Value.Records.TryGetValue(new NodeName(site.Value), out var record))
            return "the report is of no site that has a record here";
        if (from.Kind == NodeKind.Site ? from.Node != record.Record.Node : from.Region != record.Record.Region)
            return $"'{from.Node}' may not report for site '{site}'";
        Report report;
        try
        {
            report = Report.Verify(envelope, record.Record);
        }
        catch (TrustFormatException e)
        {
            return e.Message;
        }
        // A relayed report may have waited; only the site's own link, or its region's word, tells that it lives now.
        if (from.Kind == NodeKind.Site) HeardOf([site]);
        var (held, isRelayed) = (seen.GetValueOrDefault(site), from.Kind != NodeKind.Site);
        if (report.IsNewerThan(held?.Report)) await KeptAsync(new(report, envelope, IsCarried: false, isRelayed), stop);
        else if (AreRivals(report, envelope.Digest, held!.Report!, held.ReportDigest)) TwoReports(site, record.Record.IdentityKey.Id);
        else CameOverLink(report, isRelayed);
        return null;
    }

    /// <summary>Takes the report of a receipt: the site's word as over a link, but no proof that it lives.</summary>
    public async ValueTask<ReceiptOutcome> TakeReceiptAsync(Envelope envelope, CancellationToken stop)
    {
        if (Report.ClaimedSite(envelope) is not { } site || !cell.Value.Records.TryGetValue(new NodeName(site.Value), out var record))
            return new ReceiptOutcome.Refused("the report is of no site that has a record here");
        try
        {
            var report = Report.Verify(envelope, record.Record);
            if (!report.IsNewerThan(seen.GetValueOrDefault(site)?.Report)) return new ReceiptOutcome.Known(report);
            await KeptAsync(new(report, envelope, IsCarried: true), stop);
            return new ReceiptOutcome.Taken(report);
        }
        catch (TrustFormatException e)
        {
            return new ReceiptOutcome.Refused(e.Message);
        }
    }

    private async Task KeptAsync(Waiting waiting, CancellationToken stop)
    {
        await queue.Writer.WriteAsync(waiting, stop);
        await waiting.Kept.Task.WaitAsync(stop);
    }

    /// <summary>What a receipt brought first, and a link brings now, is of the link from then on.</summary>
    private void CameOverLink(Report report, bool isRelayed)
    {
        if (seen.GetValueOrDefault(report.Site) is { CarriedAt: not null, Report: { } held } known
            && (held.Incarnation, held.Seq) == (report.Incarnation, report.Seq))
            seen.TryUpdate(report.Site, known with { ProvenAt = ProvenAt(report, isRelayed, time.GetUtcNow()), CarriedAt = null }, known);
    }

    private static bool AreRivals(Report one, Digest oneDigest, Report other, Digest? otherDigest) =>
        one.Incarnation == other.Incarnation && one.Seq == other.Seq && otherDigest is { } digest && digest != oneDigest;

    // A region may hold reports back and let them go one by one after their site died. A site signs at each beacon and names it, so that a
    // report proves life at that beacon and no later.
    private static DateTimeOffset ProvenAt(Report report, bool isRelayed, DateTimeOffset now) =>
        isRelayed && report.Beacon is { } beacon && beacon < now ? beacon : now;

    /// <summary>These sites live.</summary>
    public void HeardOf(IReadOnlyList<SiteId> sites)
    {
        var now = time.GetUtcNow();
        foreach (var site in sites) seen.AddOrUpdate(site, new SiteSeen(null, now, now, null), (_, old) =>
            old with { LifeAt = now, ProvenAt = old.ProvenAt == SiteSeen.Never ? now : old.ProvenAt });
    }

    /// <summary>New hardware took the site over: what the old one said is no longer said of it.</summary>
    public void Forget(SiteId site) => seen.TryRemove(site, out _);

    /// <summary>Writes what came in until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (await queue.Reader.WaitToReadAsync(stop))
        {
            var batch = new List<Waiting>();
            while (batch.Count < MostPerCommit && queue.Reader.TryRead(out var next)) batch.Add(next);
            await KeepAsync(batch, stop);
            Changed();
        }
    }

    private async Task KeepAsync(List<Waiting> batch, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var newest = batch.GroupBy(item => item.Report.Site)
            .Select(group => group.Aggregate((best, item) => item.Report.IsNewerThan(best.Report) ? item : best))
            .Where(item => item.Report.IsNewerThan(seen.GetValueOrDefault(item.Report.Site)?.Report)).ToList();
        var healthy = newest.ToDictionary(item => item.Report.Site, item => LastHealthy(item.Report, group: batch));
        // Unacknowledged reports stay at the sites' side too, so a full disk loses nothing: keep trying.
        var rows = newest.Select(item => new StoredReport(item.Report.Site, item.Envelope, LifeOf(item.Report.Site),
            healthy[item.Report.Site], item.IsCarried ? now : null));
        while (!TryWrite(rows))
            await Task.Delay(TimeSpan.FromSeconds(1), time, stop);
        foreach (var item in newest)
        {
            var site = item.Report.Site;
            var proven = batch.Where(other => other.Report.Site == site && !other.IsCarried)
                .Select(other => (DateTimeOffset?)ProvenAt(other.Report, other.IsRelayed, now)).Max();
            Put(item.Report, new(item.Report, proven ?? seen.GetValueOrDefault(site)?.ProvenAt ?? SiteSeen.Never, LifeOf(site),
                healthy[site], item.IsCarried ? now : null)
            {
                ReportDigest = item.Envelope.Digest,
            });
        }
        TellRivals(batch);
        foreach (var item in batch) item.Kept.TrySetResult();
    }

    private void Put(Report report, SiteSeen now)
    {
        seen[report.Site] = now;
        if (now.CarriedAt is null) gaps.Said(report);
    }

    /// <summary>Reports of one number that came in one batch.</summary>
    private void TellRivals(List<Waiting> batch)
    {
        foreach (var item in batch)
        {
            if (seen.GetValueOrDefault(item.Report.Site) is { Report: { } held } site
                && AreRivals(item.Report, item.Envelope.Digest, held, site.ReportDigest))
                TwoReports(item.Report.Site, item.Envelope.Signatures[0].Keyid);
        }
    }

    private DateTimeOffset LifeOf(SiteId site) => seen.GetValueOrDefault(site)?.LifeAt ?? SiteSeen.Never;

    /// <summary>The last healthy bundle of this incarnation: new hardware has none to return to.</summary>
    private Digest? LastHealthy(Report report, List<Waiting> group)
    {
        var held = seen.GetValueOrDefault(report.Site);
        var last = held?.Report?.Incarnation == report.Incarnation ? held.LastHealthy : null;
        return group.Where(item => item.Report.Site == report.Site && item.Report.Incarnation == report.Incarnation
                && item.Report is { Phase: ReportPhase.Healthy, Bundle: not null })
            .OrderBy(item => item.Report.Seq).Select(item => item.Report.Bundle).LastOrDefault() ?? last;
    }

    private bool TryWrite(IEnumerable<StoredReport> reports)
    {
        try
        {
            database.Write(db => ReportTable.Put(db, reports));
            if (conditions.Clear(HubConditions.ReportsNotKept)) LogKeptAgain();
            return true;
        }
        catch (SqliteException e)
        {
            if (conditions.Raise(HubConditions.ReportsNotKept,
                $"reports cannot be written: {e.Message}; make space on the hub's disk")) LogNotKept(e.Message);
            return false;
        }
    }

    private static Report? TryVerify(Envelope envelope, NodeRecord record)
    {
        try
        {
            return Report.Verify(envelope, record);
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    /// <summary>A report that was verified before it was kept, if the record still names the key that signed it.</summary>
    private static Report? TryParse(Envelope envelope, NodeRecord record)
    {
        try
        {
            return record is { Kind: NodeKind.Site, State: RecordState.Active }
                && envelope.Signatures.Any(signature => signature.Keyid == record.IdentityKey.Id) ? Report.Parse(envelope, record) : null;
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    [LoggerMessage(EventId = 2301, Level = LogLevel.Error, Message = "reports cannot be written: {Problem}")]
    private partial void LogNotKept(string problem);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Information, Message = "reports are written again")]
    private partial void LogKeptAgain();
}
