using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>
/// Keys that no longer count: of nodes that were revoked or whose hardware was replaced. Beacons carry the newest, so that they hold
/// where the newest records have not come yet; the records say the same for ever.
/// </summary>
internal static class Revocations
{
    /// <summary>The most that a beacon carries: every site gets every beacon.</summary>
    public const int MostInBeacon = 100;

    /// <summary>How long a beacon carries one; by then its records are everywhere.</summary>
    public static TimeSpan InBeaconFor { get; } = TimeSpan.FromDays(30);

    public static void Add(SqliteConnection db, string keyId, DateTimeOffset now) =>
        db.Execute("INSERT OR IGNORE INTO revoked_keys VALUES($key, $at)", ("$key", keyId), ("$at", now));

    /// <summary>A record let this key in again.</summary>
    public static bool Remove(SqliteConnection db, string keyId) =>
        db.Execute("DELETE FROM revoked_keys WHERE key = $key", ("$key", keyId)) > 0;

    /// <summary>What a beacon of now carries, newest first.</summary>
    public static List<string> ForBeacon(SqliteConnection db, DateTimeOffset now) =>
        db.Query("SELECT key FROM revoked_keys WHERE at > $after ORDER BY at DESC, key LIMIT $most", row => row.GetString(0),
            ("$after", now - InBeaconFor), ("$most", MostInBeacon));
}
