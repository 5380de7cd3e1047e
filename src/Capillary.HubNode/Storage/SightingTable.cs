using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A sign of a copied key, as one parent saw it.</summary>
/// <param name="Node">Whose key.</param>
/// <param name="KeyId">Which one.</param>
/// <param name="Sign">What showed it.</param>
/// <param name="SeenBy">The parent: <c>hub</c> or a region's node.</param>
/// <param name="Count">How often, at least.</param>
/// <param name="FirstAt">When the hub first heard of it.</param>
/// <param name="LastAt">When the hub last heard of it.</param>
/// <param name="ToldAt">When it was last seen, by the parent's own clock; only to tell a new one from one that is said again.</param>
internal sealed record StoredSighting(NodeName Node, string KeyId, CloneSign Sign, string SeenBy, long Count, DateTimeOffset FirstAt,
    DateTimeOffset LastAt, DateTimeOffset ToldAt);

internal static class SightingTable
{
    public static void Put(SqliteConnection db, StoredSighting item) =>
        db.Execute("INSERT OR REPLACE INTO key_sightings VALUES($node, $key, $sign, $by, $count, $first, $last, $told)",
            ("$node", item.Node.Value), ("$key", item.KeyId), ("$sign", item.Sign.ToString()), ("$by", item.SeenBy),
            ("$count", item.Count), ("$first", item.FirstAt), ("$last", item.LastAt), ("$told", item.ToldAt));

    public static void Remove(SqliteConnection db, StoredSighting item) =>
        db.Execute("DELETE FROM key_sightings WHERE node = $node AND key = $key AND sign = $sign AND seen_by = $by",
            ("$node", item.Node.Value), ("$key", item.KeyId), ("$sign", item.Sign.ToString()), ("$by", item.SeenBy));

    public static List<StoredSighting> All(SqliteConnection db) =>
        db.Query("SELECT node, key, sign, seen_by, count, first_at, last_at, told_at FROM key_sightings ORDER BY first_at", row =>
            new StoredSighting(new NodeName(row.GetString(0)), row.GetString(1), Enum.Parse<CloneSign>(row.GetString(2)), row.GetString(3),
                row.GetInt64(4), row.Time(5), row.Time(6), row.Time(7)));
}
