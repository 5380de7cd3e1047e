using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Api;

/// <summary>A wave with the first of its open sites.</summary>
/// <param name="Policy">The policy it belongs to.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Started">Its sites get their lines.</param>
/// <param name="Gate">What its gates wait for; null: they are met.</param>
/// <param name="Sites">How many sites the rollout changes in it.</param>
/// <param name="Met">How many of them are healthy on their line.</param>
/// <param name="Waiting">How many have their line and have not answered it.</param>
/// <param name="Failed">How many failed.</param>
/// <param name="Held">How many say "not now".</param>
/// <param name="Absent">How many cannot be heard.</param>
/// <param name="Closed">How many were not given their line yet.</param>
/// <param name="Open">Sites that are not met, failed ones first.</param>
/// <param name="MoreOpen">How many of them are not listed.</param>
internal sealed record WaveView(string Policy, string Name, bool Started, string? Gate, int Sites, int Met, int Waiting, int Failed,
    int Held, int Absent, int Closed, IReadOnlyList<SiteVerdict> Open, int MoreOpen)
{
    // What a person looks for first.
    private static readonly GateVerdict[] Order =
        [GateVerdict.Failed, GateVerdict.Waiting, GateVerdict.Held, GateVerdict.Absent, GateVerdict.Closed, GateVerdict.Met];

    public static WaveView Of(WaveStatus wave, int most)
    {
        var open = wave.Open.OrderBy(site => Array.IndexOf(Order, site.Verdict)).ThenBy(site => site.Site).ToList();
        return new(wave.Policy, wave.Name, wave.Started, wave.Gate, wave.Sites.Count, wave.Count(GateVerdict.Met),
            wave.Count(GateVerdict.Waiting), wave.Count(GateVerdict.Failed), wave.Count(GateVerdict.Held), wave.Count(GateVerdict.Absent),
            wave.Count(GateVerdict.Closed), [.. open.Take(most)], Math.Max(0, open.Count - most));
    }
}

/// <summary>How far the newest rollout is.</summary>
internal sealed record RolloutView(long Rollout, RolloutKind Kind, long Release, RolloutPhase Phase, string Reason,
    IReadOnlyList<WaveView> Waves, WaitingRelease? Next)
{
    /// <summary>So many open sites are listed where nobody asked for them.</summary>
    public const int Glance = 20;

    public static RolloutView Of(RolloutStatus status, int most) => new(status.Rollout, status.Kind, status.Release, status.Phase,
        status.Reason, [.. status.Waves.Select(wave => WaveView.Of(wave, most))], status.Next);
}

/// <summary>A rollout in a listing.</summary>
/// <param name="Rollout">Its number.</param>
/// <param name="Kind">Which way it goes.</param>
/// <param name="Release">The release it leads to.</param>
/// <param name="Phase">Where it is, or how it ended: complete, aborted or superseded.</param>
/// <param name="Sites">How many sites it is for.</param>
/// <param name="StartedAt">When.</param>
/// <param name="StartedBy">By whom.</param>
/// <param name="CompletedAt">When its last gate was met first; null: never.</param>
/// <param name="EndedAt">When another took its place; null: it is the newest.</param>
/// <param name="Overtook">What it did to the one before.</param>
internal sealed record RolloutRow(long Rollout, RolloutKind Kind, long Release, string Phase, int Sites, DateTimeOffset StartedAt,
    string StartedBy, DateTimeOffset? CompletedAt, DateTimeOffset? EndedAt, string? Overtook)
{
    public static RolloutRow Of(StoredRollout stored, RolloutStatus newest)
    {
        var state = stored.State;
        var phase = state.Id == newest.Rollout ? newest.Phase.ToString().ToLowerInvariant()
            : state.Aborted is not null ? "aborted" : state.CompletedAt is not null ? "complete" : "superseded";
        return new(state.Id, state.Kind, state.Release, phase, stored.Sites, state.StartedAt, state.StartedBy, state.CompletedAt,
            stored.EndedAt, state.Overtook);
    }
}

/// <summary>What is remembered of a wave of any rollout.</summary>
/// <param name="Wave">POLICY/NAME.</param>
/// <param name="OpenedAt">When its first site was given its line; null: never.</param>
/// <param name="PassedAt">When its gates were met at last; null: they were not when the rollout ended.</param>
/// <param name="Approvals">Who said yes.</param>
internal sealed record WaveRow(string Wave, DateTimeOffset? OpenedAt, DateTimeOffset? PassedAt, IReadOnlyList<Approval> Approvals);

/// <summary>A rollout of any age.</summary>
internal sealed record RolloutDetail(RolloutRow Summary, IReadOnlyList<WaveRow> Waves)
{
    public static RolloutDetail Of(StoredRollout stored, RolloutStatus newest) => new(RolloutRow.Of(stored, newest),
        [.. stored.State.Waves.Select(wave => new WaveRow(wave.Key, wave.Value.OpenedAt, wave.Value.PassedAt, wave.Value.Approvals))]);
}

/// <summary>What an operator says of rollouts.</summary>
/// <param name="Reason">Why; stands in the journal.</param>
/// <param name="Policy">Start: this policy for every site.</param>
/// <param name="Emergency">Start: windows, freezes and sites at an earlier release keep nothing waiting.</param>
/// <param name="Wave">Approve: which wave.</param>
/// <param name="Release">Rollback: to this release.</param>
/// <param name="Preview">Start: id of the preview that was seen.</param>
internal sealed record RolloutWish(string? Reason = null, string? Policy = null, bool? Emergency = null, string? Wave = null,
    long? Release = null, string? Preview = null);

/// <summary>What was done.</summary>
internal sealed record RolloutAnswer(long Rollout, long Release, string Text);
