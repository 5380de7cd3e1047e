using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;

namespace Capillary.Sim.Nodes;

/// <summary>The hub's machine.</summary>
internal sealed class SimHub : SimNode
{
    public SimHub(World world) : base(world, "hub") { }

    public HubProcess? Process => (HubProcess?)Running;

    /// <summary>What a person sees of a site now; null while the hub is down and shows nothing.</summary>
    public SiteState? View(SiteId site) => Process?.View(site);

    protected override Process NewProcess() => new HubProcess(World, this);

    protected override void OnKept(string name, byte[] content)
    {
        if (name.StartsWith(HubProcess.Steps, StringComparison.Ordinal))
            World.Safety.StepKept(JsonSerializer.Deserialize<KeptStep>(content)!);
        if (name.StartsWith(EventLedger.Folder, StringComparison.Ordinal))
            World.Safety.EventsKept(JsonSerializer.Deserialize<KeptEvents>(content)!);
    }
}

/// <summary>One site's line of a plan, as the hub keeps it.</summary>
internal sealed record KeptPlanLine(ProvenLine Line);

/// <summary>A plan as the hub keeps it.</summary>
internal sealed record KeptPlan(Envelope Checkpoint, long Release, IReadOnlyList<KeptPlanLine> Lines);

/// <summary>What the hub decided at once: one document, durable as a whole before anybody is offered anything of it.</summary>
internal sealed record KeptStep(KeptPlan? Plan, KeptTrust? Trust)
{
    /// <summary>What the planner remembers from then on; null: as before.</summary>
    public KeptRollout? Rollout { get; init; }
}

/// <summary>A rollout as the hub keeps it.</summary>
internal sealed record KeptRollout(RolloutState State, IReadOnlyDictionary<string, RolloutMember> Members)
{
    public static KeptRollout Of(RolloutState state) =>
        new(state, state.Members.ToDictionary(member => member.Key.Value, member => member.Value));

    public RolloutState ToState() => State with
    {
        Members = Members.ToImmutableSortedDictionary(member => new SiteId(member.Key), member => member.Value),
    };
}

/// <summary>A report as the hub keeps it.</summary>
internal sealed record KeptReport(Envelope Report, DateTimeOffset? HeardAt, string? Healthy);
