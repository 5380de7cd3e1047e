using Capillary.Core.Identity;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A node that proved a join code and waits for an operator, or was answered by one.</summary>
/// <param name="Node">As whom.</param>
/// <param name="KeyId">Id of the key it will have.</param>
/// <param name="Kind">Region or site.</param>
/// <param name="SealingKeyId">Id of its sealing key.</param>
/// <param name="CodeId">The join code it proved.</param>
/// <param name="Via">Which parent passed it on.</param>
/// <param name="Since">When it first asked.</param>
/// <param name="Answer"><see cref="WaitingTable.Approved"/>, <see cref="WaitingTable.Denied"/>, or null while nobody answered.</param>
internal sealed record WaitingNode(NodeName Node, string KeyId, NodeKind Kind, string SealingKeyId, string CodeId, string Via,
    DateTimeOffset Since, string? Answer);

internal static class WaitingTable
{
    public const string Approved = "approved";
    public const string Denied = "denied";

    /// <summary>The most that are kept; the oldest leaves.</summary>
    public const int Most = 1000;

    /// <summary>The most of one name: a join file in many hands must not push the others out.</summary>
    public const int MostOfOne = 4;

    /// <summary>Keeps who waits; somebody who waits already keeps his place. False when too many wait under this name.</summary>
    public static bool Add(SqliteConnection db, WaitingNode node)
    {
        if (db.Number("SELECT COUNT(*) FROM waiting_nodes WHERE node = $node", ("$node", node.Node.Value)) >= MostOfOne) return false;
        if (db.Number("SELECT COUNT(*) FROM waiting_nodes") >= Most)
            db.Execute("DELETE FROM waiting_nodes WHERE (node, key) IN (SELECT node, key FROM waiting_nodes ORDER BY since LIMIT 1)");
        return db.Execute("INSERT OR IGNORE INTO waiting_nodes VALUES($node, $key, $kind, $sealing, $code, $via, $since, NULL)",
            ("$node", node.Node.Value), ("$key", node.KeyId), ("$kind", node.Kind.ToString()), ("$sealing", node.SealingKeyId),
            ("$code", node.CodeId), ("$via", node.Via), ("$since", node.Since)) > 0;
    }

    public static WaitingNode? Find(SqliteConnection db, NodeName node, string keyId) => Of(db, node).Find(one => one.KeyId == keyId);

    /// <summary>Everybody under this name, oldest first.</summary>
    public static List<WaitingNode> Of(SqliteConnection db, NodeName node) =>
        db.Query($"{Columns} WHERE node = $node ORDER BY since, key", Read, ("$node", node.Value));

    /// <summary>Those who nobody answered, oldest first.</summary>
    public static List<WaitingNode> Open(SqliteConnection db) => db.Query($"{Columns} WHERE answer IS NULL ORDER BY since, node, key",
        Read);

    public static void Answer(SqliteConnection db, WaitingNode node, string answer) =>
        db.Execute("UPDATE waiting_nodes SET answer = $answer WHERE node = $node AND key = $key", ("$answer", answer),
            ("$node", node.Node.Value), ("$key", node.KeyId));

    /// <summary>The name was given, or a new code begins anew.</summary>
    public static void Clear(SqliteConnection db, NodeName node) =>
        db.Execute("DELETE FROM waiting_nodes WHERE node = $node", ("$node", node.Value));

    private const string Columns = "SELECT node, key, kind, sealing_key, code, via, since, answer FROM waiting_nodes";

    private static WaitingNode Read(SqliteDataReader row) => new(new NodeName(row.GetString(0)), row.GetString(1),
        Enum.Parse<NodeKind>(row.GetString(2)), row.GetString(3), row.GetString(4), row.GetString(5), row.Time(6), row.TextOrNull(7));
}
