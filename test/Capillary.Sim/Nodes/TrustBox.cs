using System.Globalization;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>Whom a node trusts, on its disk as <c>NodeHome</c> keeps it: every trust root, and the newest beacon.</summary>
internal sealed class TrustBox(SimDisk disk)
{
    private const string Roots = "root/";
    private const string Beacon = "beacon";

    /// <summary>What a join brings.</summary>
    public void Install(IReadOnlyList<Envelope> roots)
    {
        foreach (var root in roots) disk.Install(NameOf(root), root.ToBytes());
    }

    public (TrustState Trust, IReadOnlyList<Envelope> Roots) Load()
    {
        var roots = disk.Under(Roots).Select(item => Envelope.Parse(item.Value)).ToList();
        var trust = TrustState.Begin(roots[0]).WithChain(roots);
        return (disk.Read(Beacon) is { } beacon ? trust.WithHeldBeacon(Envelope.Parse(beacon), roots) : trust, roots);
    }

    public void Keep(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        foreach (var root in newRoots) disk.Replace(NameOf(root), root.ToBytes());
        if (trust.BeaconEnvelope is { } beacon) disk.Replace(Beacon, beacon.ToBytes());
    }

    private static string NameOf(Envelope root) =>
        string.Create(CultureInfo.InvariantCulture, $"{Roots}{TrustRoot.Parse(root).Version:d8}");
}
