using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>What the hub's disk says of nodes and keys: the truth that others are compared with.</summary>
internal sealed class HubWord
{
    private readonly Dictionary<NodeName, NodeRecord> records = [];

    public HubWord(Authority genesis)
    {
        Roots = [.. genesis.TrustRoots];
        Root = genesis.Root;
        foreach (var item in genesis.State.Records.Values) records[item.Record.Node] = item.Record;
    }

    /// <summary>Every trust root that was ever signed.</summary>
    public List<Envelope> Roots { get; }

    /// <summary>The newest of them.</summary>
    public TrustRoot Root { get; private set; }

    public NodeRecord this[NodeName node] => records[node];

    public bool IsRevoked(NodeName node) => records[node].State == RecordState.Revoked;

    /// <summary>A change became durable: nothing goes back, and what was revoked stays revoked.</summary>
    public void Take(KeptTrust change)
    {
        if (change.Root is { } envelope)
        {
            Root = TrustChain.Extend(Root, [envelope]);
            Roots.Add(envelope);
        }
        foreach (var record in change.Records.Select(item => NodeRecord.Verify(item, Root)))
        {
            var before = records.GetValueOrDefault(record.Node);
            Safety.Require(record.Version == (before?.Version ?? 0) + 1, "records",
                $"version {record.Version} of {record.Node} follows {before?.Version}");
            Safety.Require(before?.State != RecordState.Revoked || record.State == RecordState.Revoked, "records",
                $"{record.Node} was revoked and is active again");
            records[record.Node] = record;
        }
    }
}
