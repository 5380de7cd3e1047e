using System.Runtime.CompilerServices;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>
/// Whom a parent may serve and whom a child may trust: one key per node, no revoked one, and a trust root that proves what goes with it.
/// </summary>
internal sealed class KeyRules(World world)
{
    private readonly ConditionalWeakTable<Envelope, HashSet<long>> proven = [];


    /// <summary>After each durable step of an identity the disk opens: a record, and the key that it names.</summary>
    public void IdentityKept(SimNode node)
    {
        if (node.Disk.Read(Identity.RecordDocument) is not { } kept) return;
        var named = NodeRecord.Parse(Envelope.Parse(kept), world.Authority.Root).IdentityKey;
        var held = world.Keys.On(node.Disk, Identity.KeyDocument)?.Public.Equals(named) == true
            || world.Keys.On(node.Disk, Identity.NextDocument)?.Public.Equals(named) == true;
        Safety.Require(held, "identity", $"{node.Label} would come back without the key that its record names");
    }

    /// <summary>A parent let a child in.</summary>
    public void Joined(SimNode parent, NodeName child, LinkEnd by)
    {
        var state = PortOf(parent)!.State;
        Safety.Require(state.ActiveRecord(child, by.KeyId) is not null, "one key",
            $"{parent.Name} lets {by.Node.Label} in with a key that is not {child}'s");
        if (state.Records[child].Record.Region is { } region && state.Records[child].Record.Kind == NodeKind.Site)
            Safety.Require(parent is SimRegion here && here.Id == region, "one key", $"{parent.Name} lets {child} in, which is elsewhere");
    }

    /// <summary>What a parent offers is proven by the newest trust root that it offers; else children could not take it.</summary>
    public void Offered(SimNode parent, DesiredState state)
    {
        var root = TrustRoot.Parse(state.TrustRoots[^1]);
        var records = state.Records.Values.Where(item => !state.Withheld.Contains(item.Record.Node)).Select(item => item.Envelope)
            .Append(state.OwnRecord.Envelope);
        foreach (var record in records) Proven(parent, record, PayloadTypes.Record, root.ReleaseKeys, root.Version);
        foreach (var line in state.Lines.Values)
            Proven(parent, line.Checkpoint.Envelope, PayloadTypes.Checkpoint, root.ReleaseKeys, root.Version);
        if (state.Beacon is { } beacon) Proven(parent, beacon, PayloadTypes.Beacon, root.BeaconKeys, root.Version);
    }

    /// <summary>Every live session is of the one key in the parent's newest record of its child; a revoked one is over.</summary>
    public void Look()
    {
        foreach (var parent in world.Regions.Append<SimNode>(world.Hub))
        {
            if (PortOf(parent) is not { IsSettled: true } port) continue;
            foreach (var (child, keyId) in port.Live)
                Safety.Require(port.State.ActiveRecord(child, keyId) is not null, "one key",
                    $"{parent.Name} still serves {child} with a key that was succeeded or revoked");
        }
    }

    private static DownPort? PortOf(SimNode parent) => parent switch
    {
        SimRegion region => region.Process?.Port,
        SimHub hub => hub.Process?.Port,
        _ => null,
    };

    private void Proven(SimNode parent, Envelope envelope, string type, IReadOnlyList<PublicKey> keys, long version)
    {
        var under = proven.GetOrCreateValue(envelope);
        if (under.Contains(version)) return;
        Safety.Require(envelope.CountSigners(type, keys) > 0, "trust root",
            $"{parent.Name} leads to trust root {version} and offers a document that it does not prove ({type})");
        under.Add(version);
    }
}
