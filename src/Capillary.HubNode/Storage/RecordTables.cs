using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>Trust roots and records, as signed.</summary>
internal static class RecordTables
{
    public static void AddTrustRoot(SqliteConnection db, Envelope envelope, DateTimeOffset at) =>
        db.Execute("INSERT INTO trust_roots VALUES($version, $envelope, $at)",
            ("$version", TrustRoot.Parse(envelope).Version), ("$envelope", envelope.ToBytes()), ("$at", at));

    /// <summary>When each trust root came into force, in order; the beginning of time where that is not known.</summary>
    public static List<DateTimeOffset> TrustRootTimes(SqliteConnection db) =>
        db.Query("SELECT at FROM trust_roots ORDER BY version", row => row.Time(0));

    /// <summary>From version 1, in order.</summary>
    public static List<Envelope> TrustRoots(SqliteConnection db) =>
        db.Query("SELECT envelope FROM trust_roots ORDER BY version", row => Envelope.Parse(row.Bytes(0)));

    /// <summary>The version must be new for this node; a reused one throws and nothing is written.</summary>
    public static void AddRecord(SqliteConnection db, SignedRecord signed, DateTimeOffset at)
    {
        db.Execute("INSERT INTO records VALUES($node, $version, $envelope, $at)", ("$node", signed.Record.Node.Value),
            ("$version", signed.Record.Version), ("$envelope", signed.Envelope.ToBytes()), ("$at", at));
        KeyTables.Remember(db, signed.Record, at);
    }

    /// <summary>
    /// The newest record of each node. Their signatures are not verified again: this hub made them, and the file stands beside its keys.
    /// </summary>
    public static List<SignedRecord> Newest(SqliteConnection db, TrustRoot root) =>
        db.QueryAll("SELECT node, MAX(version), envelope FROM records GROUP BY node", row => row.Bytes(2), bytes =>
        {
            var envelope = Envelope.Parse(bytes);
            return new SignedRecord(NodeRecord.Parse(envelope, root), envelope);
        });

    /// <summary>Ids of all keys that ever signed a record of a node.</summary>
    public static IReadOnlySet<string> Signers(SqliteConnection db, NodeName node) =>
        db.Query("SELECT envelope FROM records WHERE node = $node", row => Envelope.Parse(row.Bytes(0)), ("$node", node.Value))
            .SelectMany(envelope => envelope.Signatures).Select(signature => signature.Keyid).ToHashSet();

    /// <summary>Every record of a node, newest first; older ones may be signed by release keys that were retired since.</summary>
    public static List<NodeRecord> History(SqliteConnection db, NodeName node, IReadOnlyList<Envelope> roots) =>
        db.Query("SELECT envelope FROM records WHERE node = $node ORDER BY version DESC", row =>
        {
            var envelope = Envelope.Parse(row.Bytes(0));
            return TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root));
        }, ("$node", node.Value));
}
