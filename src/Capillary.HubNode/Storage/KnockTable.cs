using Capillary.Core.Identity;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>Somebody who knocked and was not let in.</summary>
/// <param name="Node">The name he gave.</param>
/// <param name="KeyId">Id of the key he showed.</param>
/// <param name="Via">Which parent he came through.</param>
/// <param name="First">When first.</param>
/// <param name="Last">When last.</param>
/// <param name="Count">How often.</param>
/// <param name="Why">Why he was not let in, the last time.</param>
internal sealed record Knock(NodeName Node, string KeyId, string Via, DateTimeOffset First, DateTimeOffset Last, long Count, string Why);

internal static class KnockTable
{
    public static List<Knock> All(SqliteConnection db) =>
        db.Query("SELECT node, key, via, first_at, last_at, count, why FROM knocks", row => new Knock(new NodeName(row.GetString(0)),
            row.GetString(1), row.GetString(2), row.Time(3), row.Time(4), row.GetInt64(5), row.GetString(6)));

    /// <summary>Makes the table hold exactly these.</summary>
    public static void Replace(SqliteConnection db, IEnumerable<Knock> knocks)
    {
        db.Execute("DELETE FROM knocks");
        db.ExecuteMany("INSERT INTO knocks VALUES($node, $key, $via, $first, $last, $count, $why)",
            ["$node", "$key", "$via", "$first", "$last", "$count", "$why"], knocks, one => [one.Node.Value, one.KeyId, one.Via,
                one.First.ToUnixTimeMilliseconds(), one.Last.ToUnixTimeMilliseconds(), one.Count, one.Why]);
    }
}
