using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>Which release a generation led to, and when it was signed.</summary>
internal sealed record PlanSummary(long Generation, long Release, string CommitId, DateTimeOffset SignedAt);

/// <summary>Plans, their checkpoints, and each site's newest line with its proof.</summary>
internal static class PlanTables
{
    /// <summary>Keeps a signed plan; a generation or a parent that was used before throws and nothing is written.</summary>
    public static void Add(SqliteConnection db, Plan plan, VerifiedCheckpoint checkpoint, IEnumerable<OfferedLine> lines)
    {
        db.Execute("INSERT INTO plans VALUES($generation, $parent, $release, $at, $checkpoint)", ("$generation", plan.Generation),
            ("$parent", plan.Parent), ("$release", plan.Release), ("$at", checkpoint.Checkpoint.IssuedAt),
                ("$checkpoint", checkpoint.Envelope.ToBytes()));
        db.ExecuteMany("INSERT INTO plan_changes VALUES($generation, $site, $bundle, $fallback, $reason)",
            ["$generation", "$site", "$bundle", "$fallback", "$reason"], plan.Changes,
            line => [plan.Generation, line.Site.Value, line.Bundle.Text, line.Fallback?.Text, line.Reason]);
        db.ExecuteMany("INSERT OR REPLACE INTO lines VALUES($site, $region, $leaf, $index, $path, $generation)",
            ["$site", "$region", "$leaf", "$index", "$path", "$generation"], lines,
            line => [line.Assignment.Site.Value, line.Region.Value, line.Line.Leaf, line.Line.Index, Join(line.Line.Path),
                plan.Generation]);
    }

    public static void MoveLine(SqliteConnection db, SiteId site, RegionId region) =>
        db.Execute("UPDATE lines SET region = $region WHERE site = $site", ("$region", region.Value), ("$site", site.Value));

    public static VerifiedCheckpoint? NewestCheckpoint(SqliteConnection db, TrustRoot root) =>
        db.Query("SELECT checkpoint FROM plans ORDER BY generation DESC LIMIT 1", row => Verify(row.Bytes(0), root)).SingleOrDefault();

    /// <summary>Every site's newest line, in no order.</summary>
    public static List<OfferedLine> Lines(SqliteConnection db, TrustRoot root)
    {
        var checkpoints = db.Query("SELECT checkpoint FROM plans WHERE generation IN (SELECT DISTINCT generation FROM lines)",
            row => Verify(row.Bytes(0), root)).ToDictionary(checkpoint => checkpoint.Checkpoint.Generation);
        return db.QueryAll("SELECT region, leaf, leaf_index, path, generation FROM lines",
            row => (Region: row.GetString(0), Leaf: row.Bytes(1), Index: row.GetInt64(2), Path: row.Bytes(3), Generation: row.GetInt64(4)),
            row => new OfferedLine(Assignment.Parse(row.Leaf), new RegionId(row.Region),
                new ProvenLine(row.Leaf, row.Index, new StoredPath(row.Path)), checkpoints[row.Generation]));
    }

    /// <summary>Every plan with the commit it led to, oldest first.</summary>
    public static List<PlanSummary> Summaries(SqliteConnection db) =>
        db.Query("SELECT p.generation, p.release, r.commit_id, p.signed_at FROM plans p JOIN releases r ON r.number = p.release ORDER BY "
            + "p.generation",
            row => new PlanSummary(row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.Time(3)));

    /// <summary>Why the site holds its line; null when it holds none.</summary>
    public static string? ReasonOf(SqliteConnection db, SiteId site, long since) =>
        db.Query("SELECT reason FROM plan_changes WHERE generation = $since AND site = $site", row => row.GetString(0),
            ("$since", since), ("$site", site.Value)).SingleOrDefault();

    private static VerifiedCheckpoint Verify(byte[] envelope, TrustRoot root) => VerifiedCheckpoint.Verify(Envelope.Parse(envelope), root);

    private static byte[] Join(IReadOnlyList<byte[]> path)
    {
        var joined = new byte[path.Count * StoredPath.HashSize];
        for (var i = 0; i < path.Count; i++) path[i].CopyTo(joined, i * StoredPath.HashSize);
        return joined;
    }
}
