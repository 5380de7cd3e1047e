using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A region node that has a checkpoint of this fleet that this hub did not sign.</summary>
internal sealed record RegionAhead(NodeName Node, long Generation, Envelope Checkpoint, DateTimeOffset At);

/// <summary>What a hub that came back from a backup found, and how it went on.</summary>
internal static class RestoreTables
{
    public static void Put(SqliteConnection db, RegionAhead ahead) =>
        db.Execute("INSERT OR REPLACE INTO regions_ahead VALUES($node, $generation, $checkpoint, $at)", ("$node", ahead.Node.Value),
            ("$generation", ahead.Generation), ("$checkpoint", ahead.Checkpoint.ToBytes()), ("$at", ahead.At));

    public static List<RegionAhead> Ahead(SqliteConnection db) =>
        db.Query("SELECT node, generation, checkpoint, at FROM regions_ahead ORDER BY node", row => new RegionAhead(
            new NodeName(row.GetString(0)), row.GetInt64(1), Envelope.Parse(row.Bytes(2)), row.Time(3)));

    /// <summary>The hub goes on with this generation.</summary>
    public static void Resume(SqliteConnection db, long generation, DateTimeOffset at)
    {
        db.Execute("DELETE FROM regions_ahead");
        db.Execute("INSERT INTO resumes VALUES($generation, $at)", ("$generation", generation), ("$at", at));
    }

    /// <summary>The generation with which the hub went on last; 0: it never had to.</summary>
    public static long LastResume(SqliteConnection db) => db.Number("SELECT MAX(generation) FROM resumes");

    /// <summary>The checkpoint that this hub signed for a generation; null: it signed none.</summary>
    public static Envelope? Signed(SqliteConnection db, long generation) =>
        db.Query("SELECT checkpoint FROM plans WHERE generation = $generation", row => Envelope.Parse(row.Bytes(0)),
            ("$generation", generation)).SingleOrDefault();
}
