using Capillary.Core.Identity;
using Capillary.Sim.Faults;

namespace Capillary.Sim.Nodes;

/// <summary>A region's machine.</summary>
internal sealed class SimRegion : SimNode
{
    public SimRegion(World world, string name) : base(world, name)
    {
        Id = new RegionId(name);
        Disk.MayTear = [RegionProcess.Lines, RegionProcess.Records];
    }

    public RegionId Id { get; }

    /// <summary>What it does to what it passes on; null: it is honest.</summary>
    public EvilHand? Evil { get; set; }

    public RegionProcess? Process => (RegionProcess?)Running;

    protected override Process NewProcess() => new RegionProcess(World, this);
}
