using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>The hub's machine.</summary>
internal sealed class SimHub : SimNode
{
    public SimHub(World world) : base(world, "hub")
    {
        Key = world.Authority.HubKey;
        Disk.Kept = OnKept;
    }

    public HubProcess? Process => (HubProcess?)Running;

    /// <summary>What a person sees of a site now; null while the hub is down and shows nothing.</summary>
    public SiteState? View(SiteId site) => Process?.View(site);

    protected override Process NewProcess() => new HubProcess(World, this);

    private void OnKept(string name, byte[] content)
    {
        if (name.StartsWith(HubProcess.Plans, StringComparison.Ordinal))
            World.Safety.Published(JsonSerializer.Deserialize<KeptPlan>(content)!);
    }
}

/// <summary>One site's line of a plan, as the hub keeps it.</summary>
internal sealed record KeptPlanLine(string Region, ProvenLine Line);

/// <summary>A plan as the hub keeps it: one document, durable as a whole before anybody is offered anything of it.</summary>
internal sealed record KeptPlan(Envelope Checkpoint, long Release, IReadOnlyList<KeptPlanLine> Lines);

/// <summary>A report as the hub keeps it.</summary>
internal sealed record KeptReport(Envelope Report, DateTimeOffset? HeardAt, string? Healthy);
