using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Publish;

/// <summary>
/// The one place that signs a next record of a node: stores it, writes the journal and offers it. What follows from a record follows here
/// too: a line goes to the site's new region under a new proof, a key that was replaced or revoked goes into the beacons.
/// </summary>
internal sealed class RecordSigner(HubDatabase database, HubKeys keys, DesiredStateCell cell, Publisher publisher, TimeProvider time)
{
    /// <summary>Held while records are signed: who holds it sees records that stay the newest. Before the publisher's own.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Called after a node's key was revoked, or replaced by one that it did not sign itself.</summary>
    public Action<NodeName> Replaced { get; set; } = _ => { };

    /// <summary>
    /// Why no record may be signed now, such as while a restored hub hears which versions there are; null: it may. Asked by successions
    /// and rotations; an enrollment asks for itself.
    /// </summary>
    public Func<string?> Closed { get; set; } = () => null;

    /// <summary>The newest record of a node, or of the hub itself; null: it has none.</summary>
    public NodeRecord? Newest(NodeName node) => Held(node)?.Record;

    /// <summary>Signs the next record of a node. Version, fleet and format are set here.</summary>
    /// <param name="node">The node.</param>
    /// <param name="actor">For the journal.</param>
    /// <param name="action">For the journal, such as <c>node.enroll</c>.</param>
    /// <param name="next">The record that is to follow the newest one (null: it has none); null: leave it as it is.</param>
    /// <param name="also">Written in the same transaction; what it throws undoes all.</param>
    /// <param name="kept">Called once it is durable, before it is offered.</param>
    /// <param name="revokesOld">Every key before goes into the beacons, though this one succeeded them.</param>
    /// <returns>The record, durable and offered; null when <paramref name="next"/> wanted none.</returns>
    /// <exception cref="SqliteException">The disk is full or broken; nothing changed.</exception>
    public SignedRecord? Issue(NodeName node, string actor, string action, Func<NodeRecord?, NodeRecord?> next,
        Action<SqliteConnection, NodeRecord>? also = null, Action? kept = null, bool revokesOld = false)
    {
        lock (Gate)
        {
            var before = Newest(node);
            if (next(before) is not { } wish) return null;
            var fleet = cell.Value.OwnRecord.Record.Fleet;
            var signed = Sign(wish with { V = 1, Fleet = fleet, Node = node, Version = (before?.Version ?? 0) + 1 });
            var now = time.GetUtcNow();
            var revocationsChange = false;
            void Keep(SqliteConnection db)
            {
                also?.Invoke(db, signed.Record);
                RecordTables.AddRecord(db, signed, now);
                if (!signed.Record.SuccessionDue) KeyTables.SuccessionOver(db, node);
                revocationsChange = Revoke(db, before, signed.Record, revokesOld, now);
                JournalTable.Append(db, now, actor, action, before is null ? null : Shown(before), Shown(signed.Record));
            }
            KeepAndOffer(signed, Keep, kept ?? (() => { }));
            if (revocationsChange) publisher.Beat();
            if (revocationsChange && before is not null) Replaced(node);
            return signed;
        }
    }

    /// <summary>Signs a record with the release key; for <see cref="Issue"/> and for a rotation of that key.</summary>
    public SignedRecord Sign(NodeRecord record, SigningKey? key = null) =>
        new(record, (key ?? keys.Release).Sign(PayloadTypes.Record, record.ToPayload()));

    private SignedRecord? Held(NodeName node) =>
        node == HubFolder.HubNode ? cell.Value.OwnRecord : cell.Value.Records.GetValueOrDefault(node);

    private void KeepAndOffer(SignedRecord signed, Action<SqliteConnection> keep, Action kept)
    {
        var site = signed.Record.Kind == NodeKind.Site ? new SiteId(signed.Record.Node.Value) : (SiteId?)null;
        var moves = site is { } id && cell.Value.Lines.TryGetValue(id, out var line) && line.Region != signed.Record.Region;
        if (moves)
        {
            // A region takes only lines that were proven after what it has: a line that comes from another region needs a new proof.
            publisher.Reprove(new Reproof(other => other == site) { Also = keep, Kept = kept, Offer = state => Offered(state, signed) });
            return;
        }
        database.Write(keep);
        kept();
        cell.Update(state => Offered(state, signed));
    }

    private static DesiredState Offered(DesiredState state, SignedRecord signed) => signed.Record.Kind == NodeKind.Hub
        ? state with { OwnRecord = signed }
        : state with { Records = state.Records.SetItem(signed.Record.Node, signed) };

    private static bool Revoke(SqliteConnection db, NodeRecord? before, NodeRecord record, bool revokesOld, DateTimeOffset now)
    {
        var key = record.IdentityKey.Id;
        if (record.State == RecordState.Revoked) Revocations.Add(db, key, now);
        var changed = record.State == RecordState.Revoked || Revocations.Remove(db, key);
        if (before is null || before.IdentityKey.Id == key) return changed;
        // A node's parents see by its record that a key was succeeded.
        if (record.Previous == before.IdentityKey.Id && !revokesOld) return changed;
        // A session may still stand under the key before the one before.
        var ended = revokesOld ? KeyTables.Of(db, record.Node).Where(old => old != key) : [before.IdentityKey.Id];
        foreach (var old in ended) Revocations.Add(db, old, now);
        return true;
    }

    private static object Shown(NodeRecord record) => new
    {
        node = record.Node.Value, kind = record.Kind, region = record.Region?.Value, key = record.IdentityKey.Id, version = record.Version,
        state = record.State, successionDue = record.SuccessionDue ? true : (bool?)null,
        movedFrom = record.MovedFrom?.Select(region => region.Value),
    };
}
