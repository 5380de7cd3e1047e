using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A site's newest report as it is kept; <c>Healthy</c> is the bundle of the last healthy report of the same
/// incarnation.</summary>
internal sealed record StoredReport(SiteId Site, Envelope Envelope, DateTimeOffset ReceivedAt, Digest? Healthy);

internal static class ReportTable
{
    public static void Put(SqliteConnection db, IEnumerable<StoredReport> reports) =>
        db.ExecuteMany("INSERT OR REPLACE INTO reports VALUES($site, $envelope, $at, $healthy)",
            ["$site", "$envelope", "$at", "$healthy"], reports,
            report => [report.Site.Value, report.Envelope.ToBytes(), report.ReceivedAt.ToUnixTimeMilliseconds(), report.Healthy?.Text]);

    public static List<StoredReport> All(SqliteConnection db) =>
        [.. db.Query("SELECT site, envelope, received_at, healthy_bundle FROM reports",
            row => (Site: row.GetString(0), Envelope: row.Bytes(1), At: row.Time(2), Healthy: row.TextOrNull(3)))
            .AsParallel().Select(row => new StoredReport(new SiteId(row.Site), Envelope.Parse(row.Envelope), row.At,
                Digest.TryParse(row.Healthy, out var healthy) ? healthy : null))];
}
