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
    /// <summary>No rollout yet.</summary>
    Idle,

    /// <summary>A wave is open and its gate is not met yet.</summary>
    Rolling,

    /// <summary>More sites of a wave failed than may; no further site starts.</summary>
    Halted,

    /// <summary>Every gate is met; a site that cannot be heard gets its line when it comes back.</summary>
    Complete,

    /// <summary>Nothing new starts: an operator said so, or the hub does not know yet, or cannot know, that it is the newest.</summary>
    Paused,

    /// <summary>Nothing more starts until a newer commit, or until an operator starts one.</summary>
    Aborted,
}

/// <summary>What one site means for the gate of its wave.</summary>
public enum GateVerdict
{
    /// <summary>It reported healthy for exactly this bundle and since.</summary>
    Met,

    /// <summary>It is heard of and has not said so yet: the gate waits.</summary>
    Waiting,

    /// <summary>It failed, or took longer than the policy's deadline.</summary>
    Failed,

    /// <summary>Silent, never seen or revoked: it neither blocks nor skips.</summary>
    Absent,

    /// <summary>It says "not now": it neither blocks nor fails.</summary>
    Held,

    /// <summary>It is heard of and was not given its line yet.</summary>
    Closed,
}

/// <summary>Where one site stands and why, for a person.</summary>
public sealed record SiteVerdict(SiteId Site, GateVerdict Verdict, string Text);

/// <summary>Where one wave stands.</summary>
/// <param name="Policy">The policy it belongs to.</param>
/// <param name="Name">The policy's name for it; <c>rest</c> for sites that no wave chooses, <c>all</c> without waves.</param>
/// <param name="Started">It is open, so that its sites get their lines, or was.</param>
/// <param name="Gate">What its gates wait for; null: they are met.</param>
/// <param name="Sites">Each of its sites that the rollout changes, in site order.</param>
public sealed record WaveStatus(string Policy, string Name, bool Started, string? Gate, IReadOnlyList<SiteVerdict> Sites)
{
    /// <summary>How many sites have this verdict.</summary>
    public int Count(GateVerdict verdict)
    {
        var count = 0;
        foreach (var site in Sites)
        {
            if (site.Verdict == verdict) count++;
        }
        return count;
    }

    /// <summary>Sites that are not met, in site order.</summary>
    public IEnumerable<SiteVerdict> Open => Sites.Where(site => site.Verdict != GateVerdict.Met);

    /// <summary>The URL that is to be asked now; null: none.</summary>
    public string? Asks { get; init; }
}

/// <summary>A release that no rollout leads to yet, and why.</summary>
public sealed record WaitingRelease(long Release, string Reason);

/// <summary>How far the newest rollout is, and why it is no further.</summary>
/// <param name="Release">The release it leads to; 0 before the first.</param>
/// <param name="Phase">In one word.</param>
/// <param name="Reason">In one sentence.</param>
/// <param name="Waves">In order, policy by policy.</param>
/// <param name="Orphaned">Sites that hold a line and are no longer declared.</param>
public sealed record RolloutStatus(long Release, RolloutPhase Phase, string Reason, IReadOnlyList<WaveStatus> Waves,
    IReadOnlyList<SiteId> Orphaned)
{
    /// <summary>The rollout's number; 0 before the first.</summary>
    public long Rollout { get; init; }

    /// <summary>Which way it goes.</summary>
    public RolloutKind Kind { get; init; }

    /// <summary>A newer release that waits; null: there is none.</summary>
    public WaitingRelease? Next { get; init; }
}

/// <summary>What the planner says.</summary>
/// <param name="Status">For people.</param>
/// <param name="State">What is to be remembered from now on, together with the plan if there is one; null before the first rollout.</param>
public abstract record PlanDecision(RolloutStatus Status, RolloutState? State)
{
    /// <summary>Make this the newest plan.</summary>
    public sealed record NewPlan(Plan Plan, RolloutStatus Status, RolloutState? State) : PlanDecision(Status, State);

    /// <summary>No line is to be changed now; the status says why.</summary>
    public sealed record Wait(RolloutStatus Status, RolloutState? State) : PlanDecision(Status, State)
    {
        /// <summary>Too many sites failed, and the policy says that they go back to this release; null: no.</summary>
        public long? RollsBackTo { get; init; }
    }
}
