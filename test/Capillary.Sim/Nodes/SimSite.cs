using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>A site: its machine and what stands on it.</summary>
internal sealed class SimSite : SimNode
{
    public SimSite(World world, string name, RegionId region) : base(world, name)
    {
        (Id, Region) = (new SiteId(name), region);
        Host = new SimHost(world, this, new Machine.Prng(world.Options.Seed, name + "/host"));
        Disk.Kept = OnKept;
    }

    public SiteId Id { get; }
    public RegionId Region { get; }
    public SimHost Host { get; }
    public SiteProcess? Agent => (SiteProcess?)Running;

    /// <summary>What is durable of <see cref="AcceptedLine"/>.</summary>
    public AcceptedLine Accepted { get; private set; } = AcceptedLine.None;

    /// <summary>What is durable of apply.</summary>
    public ApplyState Applied { get; private set; } = ApplyState.Initial;

    protected override Process NewProcess() => new SiteProcess(World, this);

    protected override void OnCrash(bool power) => Host.Interrupt(power);

    // The checks read what the disk holds, never what the process believes.
    private void OnKept(string name, byte[] content)
    {
        if (name == SiteProcess.AcceptedDocument)
        {
            var next = JsonSerializer.Deserialize<AcceptedLine>(content)!;
            World.Safety.AcceptedKept(this, Accepted, next);
            Accepted = next;
        }
        else if (name == SiteProcess.ApplyDocument)
        {
            Applied = JsonSerializer.Deserialize(content, ApplyJson.Default.ApplyState)!;
            World.Safety.ApplyKept(this);
        }
    }
}
