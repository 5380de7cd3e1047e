using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Parent;

namespace Capillary.HubNode.Publish;

/// <summary>
/// Signs records anew that the newest release key did not sign: what a hub held that had lost a rotation, and what its regions gave back.
/// Not before the region has told which versions there are, or its newer records would be undone.
/// </summary>
internal sealed class RecordRenewal(RecordSigner records, DesiredStateCell cell, RestoreCheck restore)
{
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The disk is full or broken; the rest is renewed later.</exception>
    public void Step()
    {
        if (restore.Paused is not null) return;
        var state = cell.Value;
        var keys = TrustRoot.Parse(state.TrustRoots[^1]).ReleaseKeys.Select(key => key.Id).ToHashSet();
        var stale = state.Records.Values.Where(item => !item.Envelope.Signatures.Any(one => keys.Contains(one.Keyid)))
            .Select(item => item.Record).ToList();
        if (stale.Count == 0) return;
        var nodes = state.Records.Values.Select(item => item.Record)
            .Where(one => one is { Kind: NodeKind.Region, State: RecordState.Active }).ToLookup(one => one.Region, one => one.Node);
        foreach (var record in stale.Where(record => IsTold(nodes[record.Region], state)))
            records.Issue(record.Node, "hub", "record.renew", newest => newest);
    }

    /// <summary>A node of the region has told, or it has none.</summary>
    private static bool IsTold(IEnumerable<NodeName> nodes, DesiredState state) =>
        !nodes.Any() || nodes.Any(node => state.Met?.Contains(node) ?? true);
}
