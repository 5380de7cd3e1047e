using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A key and since when a node has it.</summary>
internal sealed record HeldKey(NodeName Node, string KeyId, DateTimeOffset Since);

/// <summary>Every identity key that a record ever named; one key belongs to one node for ever.</summary>
internal static class KeyTables
{
    /// <summary>Remembers the key of a record that is being added; one that it has already keeps its first time.</summary>
    public static void Remember(SqliteConnection db, NodeRecord record, DateTimeOffset at) =>
        db.Execute("INSERT OR IGNORE INTO node_keys VALUES($key, $node, $at)", ("$key", record.IdentityKey.Id),
            ("$node", record.Node.Value), ("$at", at));

    /// <summary>The node whose key this is or was; null: nobody's.</summary>
    public static NodeName? OwnerOf(SqliteConnection db, string keyId) =>
        db.Query("SELECT node FROM node_keys WHERE key = $key", row => row.GetString(0), ("$key", keyId)).SingleOrDefault() is { } node
            ? new NodeName(node) : null;

    /// <summary>Every key that a node ever had.</summary>
    public static List<string> Of(SqliteConnection db, NodeName node) =>
        db.Query("SELECT key FROM node_keys WHERE node = $node", row => row.GetString(0), ("$node", node.Value));

    /// <summary>Since when a node has this key; null: it never had it.</summary>
    public static DateTimeOffset? Since(SqliteConnection db, string keyId) =>
        db.Query("SELECT at FROM node_keys WHERE key = $key", row => (DateTimeOffset?)row.Time(0), ("$key", keyId)).SingleOrDefault();

    /// <summary>Keys, newest or not, that were first named before a time.</summary>
    public static List<HeldKey> OlderThan(SqliteConnection db, DateTimeOffset time) =>
        db.Query("SELECT node, key, at FROM node_keys WHERE at <= $time ORDER BY at",
            row => new HeldKey(new NodeName(row.GetString(0)), row.GetString(1), row.Time(2)), ("$time", time));

    /// <summary>A node is asked for a new key.</summary>
    public static void SuccessionAsked(SqliteConnection db, NodeName node, DateTimeOffset at, string actor) =>
        db.Execute("INSERT OR IGNORE INTO successions_due VALUES($node, $at, $actor)", ("$node", node.Value), ("$at", at),
            ("$actor", actor));

    /// <summary>It has one, or is asked no more.</summary>
    public static void SuccessionOver(SqliteConnection db, NodeName node) =>
        db.Execute("DELETE FROM successions_due WHERE node = $node", ("$node", node.Value));

    /// <summary>Since when a node is asked; null: it is not.</summary>
    public static DateTimeOffset? SuccessionSince(SqliteConnection db, NodeName node) =>
        db.Query("SELECT since FROM successions_due WHERE node = $node", row => (DateTimeOffset?)row.Time(0), ("$node", node.Value))
            .SingleOrDefault();

    /// <summary>How many were asked after a time and have not answered yet.</summary>
    public static long SuccessionsAskedAfter(SqliteConnection db, DateTimeOffset time) =>
        db.Number("SELECT COUNT(*) FROM successions_due WHERE since > $time", ("$time", time));

    /// <summary>A hub that was made before keys were remembered learns them from its records, once.</summary>
    public static void Learn(SqliteConnection db, IReadOnlyList<Envelope> roots)
    {
        if (db.Number("SELECT EXISTS(SELECT 1 FROM node_keys)") > 0) return;
        var all = db.Query("SELECT envelope, signed_at FROM records ORDER BY signed_at",
            row => (Envelope.Parse(row.Bytes(0)), row.Time(1)));
        foreach (var (envelope, at) in all) Remember(db, TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root)), at);
    }
}
