using System.Collections.Immutable;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Protocol;

/// <summary>A record with the envelope it came in.</summary>
public sealed record SignedRecord(NodeRecord Record, Envelope Envelope);

/// <summary>One site's newest line with the checkpoint it was proven by.</summary>
public sealed record OfferedLine(Assignment Assignment, RegionId Region, ProvenLine Line, VerifiedCheckpoint Checkpoint)
{
    /// <summary>The generation whose checkpoint proves it; never before the line's `since`.</summary>
    public long ProvenAt => Checkpoint.Checkpoint.Generation;
}

/// <summary>
/// All that a parent offers its children, as one immutable value: the hub makes it from its plans, a region from what it mirrored. Sessions
/// compare what they sent with the newest value; nobody counts on having seen a change.
/// </summary>
/// <param name="TrustRoots">Every trust root from version 1, in order.</param>
/// <param name="OwnRecord">This parent's record.</param>
/// <param name="Beacon">The newest beacon; null before the first.</param>
/// <param name="Records">Records of the nodes below, by node.</param>
/// <param name="Lines">The newest line of each site below.</param>
/// <param name="Generation">The newest generation that is complete here.</param>
/// <param name="Revocations">Key ids that no longer count.</param>
public sealed record DesiredState(
    IReadOnlyList<Envelope> TrustRoots,
    SignedRecord OwnRecord,
    Envelope? Beacon,
    ImmutableDictionary<NodeName, SignedRecord> Records,
    ImmutableDictionary<SiteId, OfferedLine> Lines,
    long Generation,
    ImmutableHashSet<string> Revocations)
{
    /// <summary>
    /// Nodes whose records count here and are not sent: no child could verify them before it is led to a newer trust root. None at a hub.
    /// </summary>
    public ImmutableHashSet<NodeName> Withheld { get; init; } = [];

    /// <summary>
    /// The region nodes whose generation and records this hub has compared with its own since its start. To the others it sends nothing: it
    /// may have come back from a backup, and would undo what they have. Null: a parent that is no hub, and compares nothing.
    /// </summary>
    public ImmutableHashSet<NodeName>? Met { get; init; }

    /// <summary>
    /// Versions of the trust root whose release keys this hub never had: they came into force after the backup that it is from. What they
    /// signed is newer than all that it knows.
    /// </summary>
    public ImmutableHashSet<long> Foreign { get; init; } = [];

    /// <summary>Nothing may be sent to this node now.</summary>
    public bool IsHeldBack(NodeName node) => Met is not null && !Met.Contains(node)
        && Records.TryGetValue(node, out var found) && found.Record.Kind == NodeKind.Region;

    /// <summary>The record of the node whose identity key this is, if it is active and not revoked.</summary>
    public SignedRecord? ActiveRecord(NodeName node, string keyId) =>
        Records.TryGetValue(node, out var found) && found.Record.IdentityKey.Id == keyId
        && found.Record.State == RecordState.Active && !Revocations.Contains(keyId) ? found : null;

    /// <summary>
    /// Lines a child must have: its own, or those of its region; proven after <paramref name="generation"/>. A line is proven when it
    /// changes, and again when its region or the key that proves it does.
    /// </summary>
    public IEnumerable<OfferedLine> LinesFor(NodeRecord child, long generation)
    {
        if (child.Kind == NodeKind.Site)
            return Lines.TryGetValue(new SiteId(child.Node.Value), out var own) && own.ProvenAt > generation ? [own] : [];
        return Lines.Values.Where(line => line.Region == child.Region && line.ProvenAt > generation);
    }

    /// <summary>
    /// Records a child must have: its own; a region also those of its sites, and of those that were moved away from it, so that it can tell
    /// them.
    /// </summary>
    public IEnumerable<SignedRecord> RecordsFor(NodeRecord child)
    {
        var own = Sendable(child.Node) is { } found ? [found] : Enumerable.Empty<SignedRecord>();
        return child.Kind == NodeKind.Site ? own : own.Concat(Records.Values.Where(item => item.Record.Kind == NodeKind.Site
            && item.Record.IsKnownIn(child.Region) && !Withheld.Contains(item.Record.Node)));
    }

    /// <summary>A node's record, if children can verify it.</summary>
    public SignedRecord? Sendable(NodeName node) => Withheld.Contains(node) ? null : Records.GetValueOrDefault(node);

    /// <summary>
    /// The newest generation that a child proves with a checkpoint. Null when it proves none. The child may not have walked to the newest
    /// trust root, so an older one's release key will do, but only for a generation that is known here: whoever retired that key signed
    /// nothing with it since, and a thief must not put this parent in the wrong.
    /// </summary>
    public VerifiedCheckpoint? Proven(Envelope? checkpoint)
    {
        if (checkpoint is null) return null;
        try
        {
            var proven = TrustChain.UnderAny(TrustRoots, root => (Checkpoint: VerifiedCheckpoint.Verify(checkpoint, root), root.Version));
            return proven.Version == TrustRoots.Count || Foreign.Contains(proven.Version)
                || proven.Checkpoint.Checkpoint.Generation <= Generation ? proven.Checkpoint : null;
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    /// <summary>One digest over (node, version) of records, so that two sides can compare them.</summary>
    public static Digest DigestOf(IEnumerable<SignedRecord> records)
    {
        var text = new StringBuilder();
        foreach (var item in records.OrderBy(item => item.Record.Node.Value, StringComparer.Ordinal))
            text.Append(item.Record.Node.Value).Append(' ').Append(item.Record.Version).Append('\n');
        return Digest.Of(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
