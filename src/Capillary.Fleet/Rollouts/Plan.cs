using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Fleet.Rollouts;

/// <summary>One site's line that a plan changes.</summary>
/// <param name="Site">The site.</param>
/// <param name="Region">The region whose nodes serve it.</param>
/// <param name="Since">The plan's generation.</param>
/// <param name="Bundle">What the site is to run.</param>
/// <param name="Fallback">What it returns to when that fails; null when it was never healthy, or was so on this very bundle.</param>
/// <param name="Reason">Why it gets this line, for a person.</param>
public sealed record PlannedLine(SiteId Site, RegionId Region, long Since, Digest Bundle, Digest? Fallback, string Reason)
{
    /// <summary>The assignment's mode: what an operator's word adds to it.</summary>
    public string Mode { get; init; } = Assignment.ApplyMode;
}

/// <summary>
/// The planner's immutable output; it leaves no choice to the one that carries it out. It becomes the newest only if
/// <paramref name="Parent"/> still is.
/// </summary>
/// <param name="Generation">Its number: the parent's plus one.</param>
/// <param name="Parent">Generation of the plan it was made from; 0 for the first.</param>
/// <param name="Release">The release it leads to.</param>
/// <param name="Changes">Lines that change, in site order; every other line stays as it is.</param>
public sealed record Plan(long Generation, long Parent, long Release, IReadOnlyList<PlannedLine> Changes);

/// <summary>How far a rollout is.</summary>
public enum RolloutPhase
{
    /// <summary>No release yet.</summary>
    Idle,

    /// <summary>A wave is open and its gate is not met yet.</summary>
    Rolling,

    /// <summary>A site of an open wave failed; no further wave starts.</summary>
    Halted,

    /// <summary>Every site has its line and all that can be heard run it.</summary>
    Complete,

    /// <summary>Nothing new starts: the hub does not know yet, or cannot know, that it is the newest.</summary>
    Paused,
}

/// <summary>What one site means for the gate of its wave.</summary>
public enum GateVerdict
{
    /// <summary>It reported healthy for exactly this bundle and since.</summary>
    Met,

    /// <summary>It is heard of and has not said so yet: the gate waits.</summary>
    Waiting,

    /// <summary>It failed: the rollout halts.</summary>
    Failed,

    /// <summary>Silent, never seen or revoked: it neither blocks nor skips.</summary>
    Absent,
}

/// <summary>Why a site is not (yet) counted as met.</summary>
public sealed record SiteVerdict(SiteId Site, GateVerdict Verdict, string Text);

/// <summary>Where one wave stands.</summary>
/// <param name="Name">The policy's name for it; <c>rest</c> for sites that no wave chooses, <c>all</c> without waves.</param>
/// <param name="Started">Its sites have their lines.</param>
/// <param name="Sites">How many sites it has.</param>
/// <param name="Met">How many are healthy on their line.</param>
/// <param name="Absent">How many are silent, never seen or revoked.</param>
/// <param name="Open">Sites that are not met, in site order: what the gate waits for, and who is absent.</param>
public sealed record WaveStatus(string Name, bool Started, int Sites, int Met, int Absent, IReadOnlyList<SiteVerdict> Open);

/// <summary>How far the newest release's rollout is, and why it is no further.</summary>
/// <param name="Release">The release; 0 before the first.</param>
/// <param name="Phase">In one word.</param>
/// <param name="Reason">In one sentence.</param>
/// <param name="Waves">In order.</param>
/// <param name="Orphaned">Sites that hold a line and are no longer declared.</param>
public sealed record RolloutStatus(long Release, RolloutPhase Phase, string Reason, IReadOnlyList<WaveStatus> Waves,
    IReadOnlyList<SiteId> Orphaned);

/// <summary>What the planner says.</summary>
public abstract record PlanDecision(RolloutStatus Status)
{
    /// <summary>Make this the newest plan.</summary>
    public sealed record NewPlan(Plan Plan, RolloutStatus Status) : PlanDecision(Status);

    /// <summary>Nothing is to be changed now; the status says why.</summary>
    public sealed record Wait(RolloutStatus Status) : PlanDecision(Status);
}
