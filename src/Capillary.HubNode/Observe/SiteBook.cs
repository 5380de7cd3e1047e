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
/// <param name="ProvenAt">When that came in; before the first, when the site was first heard of.</param>
/// <param name="LifeAt">When its parent last said that it lives.</param>
/// <param name="LastHealthy">The bundle of its last healthy report.</param>
internal sealed record SiteSeen(Report? Report, DateTimeOffset ProvenAt, DateTimeOffset LifeAt, Digest? LastHealthy)
{
    /// <summary>Digest of that report.</summary>
    public Digest? ReportDigest { get; init; }

    // A site signs at each beacon. A parent's word alone counts no longer than two of them may take, so that an evil region cannot
    // keep a dead site alive.
    private static readonly TimeSpan WordCountsFor = 2 * LinkProtocol.BeaconEvery + TimeSpan.FromMinutes(1);

    /// <summary>When it was last heard of.</summary>
    public DateTimeOffset HeardAt => LifeAt < ProvenAt + WordCountsFor ? LifeAt : ProvenAt + WordCountsFor;
}

/// <summary>
/// Takes reports in: verified with the site's record, newest wins, durable before they are acknowledged, many in one commit. Proofs of life
/// stay in memory.
/// </summary>
internal sealed partial class SiteBook(HubDatabase database, DesiredStateCell cell, HubConditions conditions, TimeProvider time,
    ILogger<SiteBook> log)
{
    private const int MostWaiting = 10_000;
    private const int MostPerCommit = 1_000;

    private readonly Channel<Waiting> queue =
        Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly ConcurrentDictionary<SiteId, SiteSeen> seen = new();

    private sealed record Waiting(Report Report, Envelope Envelope, TaskCompletionSource Kept);

    /// <summary>What is known of each site.</summary>
    public IReadOnlyDictionary<SiteId, SiteSeen> Seen => seen;

    /// <summary>Called after newer reports are durable.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Called when two different reports of a site have one number, with the id of the key that signed both.</summary>
    public Action<SiteId, string> TwoReports { get; set; } = (_, _) => { };

    /// <summary>Brings back what was durable; silence counts from when each report came in.</summary>
    public void Restore()
    {
        foreach (var stored in database.Read(ReportTable.All))
        {
            if (cell.Value.Records.TryGetValue(new NodeName(stored.Site.Value), out var record)
                && (TryVerify(stored.Envelope, record.Record) ?? VerifyByEarlierKey(stored.Envelope, record.Record)) is { } report)
                seen[stored.Site] = new(report, stored.ReceivedAt, stored.ReceivedAt, stored.Healthy)
                {
                    ReportDigest = stored.Envelope.Digest,
                };
        }
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
        var held = seen.GetValueOrDefault(site);
        if (!report.IsNewerThan(held?.Report))
        {
            if (AreRivals(report, envelope.Digest, held!.Report!, held.ReportDigest)) TwoReports(site, record.Record.IdentityKey.Id);
            return null;
        }
        var waiting = new Waiting(report, envelope, new(TaskCreationOptions.RunContinuationsAsynchronously));
        await queue.Writer.WriteAsync(waiting, stop);
        await waiting.Kept.Task.WaitAsync(stop);
        return null;
    }

    private static bool AreRivals(Report one, Digest oneDigest, Report other, Digest? otherDigest) =>
        one.Incarnation == other.Incarnation && one.Seq == other.Seq && otherDigest is { } digest && digest != oneDigest;

    /// <summary>These sites live.</summary>
    public void HeardOf(IReadOnlyList<SiteId> sites)
    {
        var now = time.GetUtcNow();
        foreach (var site in sites) seen.AddOrUpdate(site, new SiteSeen(null, now, now, null), (_, old) => old with { LifeAt = now });
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
        var rows = newest.Select(item => (item.Report.Site, item.Envelope))
            .Select(item => new StoredReport(item.Site, item.Envelope, LifeOf(item.Site), healthy[item.Site]));
        while (!TryWrite(rows))
            await Task.Delay(TimeSpan.FromSeconds(1), time, stop);
        foreach (var item in newest)
            seen[item.Report.Site] = new(item.Report, now, LifeOf(item.Report.Site), healthy[item.Report.Site])
            {
                ReportDigest = item.Envelope.Digest,
            };
        TellRivals(batch);
        foreach (var item in batch) item.Kept.TrySetResult();
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

    private DateTimeOffset LifeOf(SiteId site) => seen.GetValueOrDefault(site)?.LifeAt ?? DateTimeOffset.UnixEpoch;

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

    [LoggerMessage(EventId = 2301, Level = LogLevel.Error, Message = "reports cannot be written: {Problem}")]
    private partial void LogNotKept(string problem);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Information, Message = "reports are written again")]
    private partial void LogKeptAgain();
}
