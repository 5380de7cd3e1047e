using Capillary.Core.Identity;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>What is kept of a join code: never the code itself.</summary>
/// <param name="Id">Found by this; tells nothing about the code.</param>
/// <param name="Node">Whom it lets in.</param>
/// <param name="Kind">As what.</param>
/// <param name="Region">Of a further node of a region; null: the node has its region's name, or is a site.</param>
/// <param name="MacKey">Verifies the proof.</param>
/// <param name="ExpiresAt">Not good from then on.</param>
/// <param name="TriesLeft">Wrong proofs that are still allowed.</param>
/// <param name="Used">It has let a node in.</param>
internal sealed record StoredJoinCode(string Id, NodeName Node, NodeKind Kind, RegionId? Region, byte[] MacKey, DateTimeOffset ExpiresAt,
    int TriesLeft, bool Used);

internal static class JoinCodeTable
{
    /// <summary>A new code replaces unused ones of the same node.</summary>
    public static void Add(SqliteConnection db, StoredJoinCode code, string actor)
    {
        db.Execute("DELETE FROM join_codes WHERE node = $node AND used_at IS NULL", ("$node", code.Node.Value));
        db.Execute("INSERT INTO join_codes VALUES($id, $node, $kind, $key, $by, $expires, $tries, NULL, $region)", ("$id", code.Id),
            ("$node", code.Node.Value), ("$region", code.Region?.Value),
            ("$kind", code.Kind.ToString()), ("$key", code.MacKey), ("$by", actor), ("$expires", code.ExpiresAt),
                ("$tries", code.TriesLeft));
    }

    public static StoredJoinCode? Find(SqliteConnection db, string id) =>
        db.Query("SELECT id, node, kind, mac_key, expires_at, tries_left, used_at, region FROM join_codes WHERE id = $id",
            row => new StoredJoinCode(row.GetString(0), new NodeName(row.GetString(1)), Enum.Parse<NodeKind>(row.GetString(2)),
                row.TextOrNull(7) is { } region ? new RegionId(region) : null, row.Bytes(3), row.Time(4), row.GetInt32(5),
                !row.IsDBNull(6)), ("$id", id)).SingleOrDefault();

    /// <summary>True when this call used it up; false when it was used already.</summary>
    public static bool Use(SqliteConnection db, string id, DateTimeOffset at) =>
        db.Execute("UPDATE join_codes SET used_at = $at WHERE id = $id AND used_at IS NULL", ("$at", at), ("$id", id)) == 1;

    /// <summary>Codes of this node that nobody used let nobody in any more.</summary>
    public static void Drop(SqliteConnection db, NodeName node) =>
        db.Execute("DELETE FROM join_codes WHERE node = $node AND used_at IS NULL", ("$node", node.Value));

    public static void CountWrongProof(SqliteConnection db, string id) =>
        db.Execute("UPDATE join_codes SET tries_left = tries_left - 1 WHERE id = $id AND tries_left > 0", ("$id", id));
}
