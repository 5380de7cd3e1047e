using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>The latest time that a beacon was signed with.</summary>
internal static class BeaconTable
{
    public static DateTimeOffset Last(SqliteConnection db) =>
        db.Query("SELECT at FROM signed_time", row => row.Time(0)).SingleOrDefault(DateTimeOffset.MinValue);

    // Times are kept in whole milliseconds: the next one, so that no beacon was signed later than this.
    public static void Keep(SqliteConnection db, DateTimeOffset signed) =>
        db.Execute("INSERT OR REPLACE INTO signed_time VALUES(1, $at)", ("$at", signed.AddMilliseconds(1)));
}
