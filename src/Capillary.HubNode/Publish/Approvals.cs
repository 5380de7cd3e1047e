using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Publish;

/// <summary>How the wish of a node that proved its join code stands.</summary>
internal enum ApprovalState
{
    Waiting,
    Approved,
    Denied,

    /// <summary>Enough others wait under this name.</summary>
    TooMany,
}

/// <summary>What came of an operator's answer.</summary>
internal abstract record ApprovalOutcome
{
    private ApprovalOutcome() { }

    /// <summary>It is durable; the node is let in, or told, when it asks next.</summary>
    public sealed record Done(WaitingNode Node) : ApprovalOutcome;

    public sealed record Refused(string Reason) : ApprovalOutcome;
}

/// <summary>Enrollments that wait for a person (<c>spec.enrollment.approval: manual</c>). The answer is for one key, not for a
/// name.</summary>
internal sealed class Approvals(HubDatabase database, TimeProvider time)
{
    /// <summary>Digits of a key's id that people compare.</summary>
    public const int ShownDigits = 16;

    private readonly Lock gate = new();

    /// <summary>Nodes that nobody answered, oldest first.</summary>
    public IReadOnlyList<WaitingNode> Open => database.Read(WaitingTable.Open);

    /// <summary>This key proved this code before and is remembered.</summary>
    public bool IsKnown(StoredJoinCode code, EnrollRequest request) =>
        database.Read(db => WaitingTable.Find(db, code.Node, request.Key.Id))?.CodeId == code.Id;

    /// <summary>A node proved its code: may it come in? Who asks first is kept.</summary>
    public ApprovalState Ask(StoredJoinCode code, EnrollRequest request, string via)
    {
        lock (gate)
        {
            var wish = new WaitingNode(code.Node, request.Key.Id, code.Kind, request.SealingKey.Id, code.Id, via, time.GetUtcNow(), null);
            if (database.Read(db => WaitingTable.Find(db, code.Node, wish.KeyId)) is not { } known)
            {
                return database.Write(db => WaitingTable.Add(db, wish)) ? ApprovalState.Waiting : ApprovalState.TooMany;
            }
            // The operator saw one pair of keys; another sealing key beside the same identity key is another node.
            if (known.SealingKeyId != wish.SealingKeyId) return ApprovalState.Denied;
            return known.Answer switch
            {
                WaitingTable.Approved => ApprovalState.Approved,
                WaitingTable.Denied => ApprovalState.Denied,
                _ => ApprovalState.Waiting,
            };
        }
    }

    /// <summary>An operator's answer.</summary>
    /// <param name="node">The name.</param>
    /// <param name="kind">Region or site.</param>
    /// <param name="key">The first digits of the key's id, at least 8; null: whoever waits, if it is one.</param>
    /// <param name="approve">Let it in, or refuse it.</param>
    /// <param name="actor">For the journal.</param>
    public ApprovalOutcome Answer(NodeName node, NodeKind kind, string? key, bool approve, string actor)
    {
        lock (gate)
        {
            var all = database.Read(db => WaitingTable.Of(db, node)).FindAll(one => one.Kind == kind && one.Answer is null);
            var fits = all.FindAll(one => key is null || one.KeyId.StartsWith(key, StringComparison.OrdinalIgnoreCase));
            if (all.Count == 0) return new ApprovalOutcome.Refused($"nobody waits as '{node}'; see: capillary site list --waiting");
            if (fits.Count == 0) return new ApprovalOutcome.Refused($"the node that waits as '{node}' has key {Keys(all)}, not {key}: "
                + $"compare it "
                + "at the site with: capillary-edge status");
            if (fits.Count > 1) return new ApprovalOutcome.Refused($"{fits.Count} nodes wait as '{node}', with keys {Keys(fits)}: "
                + $"compare them at "
                + "the site, and name the right one with --key");
            database.Write(db =>
            {
                WaitingTable.Answer(db, fits[0], approve ? WaitingTable.Approved : WaitingTable.Denied);
                JournalTable.Append(db, time.GetUtcNow(), actor, approve ? "node.approve" : "node.deny", null,
                    new { node = node.Value, kind, key = fits[0].KeyId, via = fits[0].Via });
            });
            return new ApprovalOutcome.Done(fits[0]);
        }
    }

    private static string Keys(List<WaitingNode> nodes) => string.Join(", ", nodes.Select(one => one.KeyId[..ShownDigits]));
}
