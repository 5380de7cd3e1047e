using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A site's newest report as it is kept; <c>Healthy</c> is the bundle of the last healthy report of the same
/// incarnation, <c>CarriedAt</c> when a receipt brought it (null: a link did).</summary>
internal sealed record StoredReport(SiteId Site, Envelope Envelope, DateTimeOffset ReceivedAt, Digest? Healthy, DateTimeOffset? CarriedAt);

internal static class ReportTable
{
    public static void Put(SqliteConnection db, IEnumerable<StoredReport> reports) =>
        db.ExecuteMany("INSERT OR REPLACE INTO reports VALUES($site, $envelope, $at, $healthy, $carried)",
            ["$site", "$envelope", "$at", "$healthy", "$carried"], reports,
            report => [report.Site.Value, report.Envelope.ToBytes(), report.ReceivedAt.ToUnixTimeMilliseconds(), report.Healthy?.Text,
                report.CarriedAt?.ToUnixTimeMilliseconds()]);

    public static List<StoredReport> All(SqliteConnection db) =>
        All(db, report => report);

    /// <summary>Every site's, made into something on every core.</summary>
    public static List<T> All<T>(SqliteConnection db, Func<StoredReport, T> make) =>
        db.QueryAll("SELECT site, envelope, received_at, healthy_bundle, carried_at FROM reports", row => (Site: row.GetString(0),
            Envelope: row.Bytes(1), At: row.Time(2), Healthy: row.TextOrNull(3),
            Carried: row.IsDBNull(4) ? (DateTimeOffset?)null : row.Time(4)),
            row => make(new StoredReport(new SiteId(row.Site), Envelope.Parse(row.Envelope), row.At,
                Digest.TryParse(row.Healthy, out var healthy) ? healthy : null, row.Carried)));
}
