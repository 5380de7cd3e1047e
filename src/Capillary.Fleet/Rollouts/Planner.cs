using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Fleet.Rollouts;

/// <summary>
/// Decides who gets which bundle next: inputs and <c>now</c> in, one decision out. A wave starts only when the gates of every wave before
/// it are met for exactly the lines of this rollout (promise 7); a site whose bundle does not change keeps its line and its since; a site
/// that is no longer declared keeps its line.
/// </summary>
public static class Planner
{
    public static PlanDecision Next(PlannerInputs inputs, DateTimeOffset now)
    {
        if (inputs.Release is not { } newest) return new PlanDecision.Wait(Nothing("no release yet"), inputs.Rollout);
        var turn = Look(inputs, newest, now);
        var status = turn?.Status ?? Nothing("no rollout yet");
        if (newest.Number > (inputs.Rollout?.Considered ?? 0))
        {
            if (RolloutStart.Keeps(inputs, status) is not { } keeps)
                return Begin(inputs, RolloutStart.Forward(inputs, status, new(RolloutStart.ByPolicy, null, false), now), now);
            status = status with { Next = new(newest.Number, keeps), Reason = turn is null ? keeps : status.Reason };
        }
        else if (inputs.Rollout is { Kind: RolloutKind.Back })
        {
            status = status with { Next = new(newest.Number, "it was taken back: commit what mends it, or: capillary rollout start") };
        }
        return Decide(inputs, newest, turn, status);
    }

    /// <summary>The rollout of the newest release that an operator starts.</summary>
    /// <exception cref="ArgumentException">There is no release.</exception>
    public static RolloutState Start(PlannerInputs inputs, StartOrder order, DateTimeOffset now)
    {
        if (inputs.Release is null) throw new ArgumentException("there is no release", nameof(inputs));
        return RolloutStart.Forward(inputs, StatusOf(inputs, now), order, now);
    }

    /// <summary>How far the newest rollout is, with nothing done.</summary>
    internal static RolloutStatus StatusOf(PlannerInputs inputs, DateTimeOffset now) =>
        inputs.Release is { } newest && Look(inputs, newest, now) is { } turn ? turn.Status : Nothing("no rollout yet");

    /// <summary>The rollout that takes the newest one back to an older release.</summary>
    public static RolloutState Back(PlannerInputs inputs, TargetRelease older, string by, DateTimeOffset now) =>
        RolloutStart.Back(inputs, older, by, now);

    private static RolloutTurn? Look(PlannerInputs inputs, TargetRelease newest, DateTimeOffset now) => inputs.Rollout is { } running
        ? new RolloutTurn(inputs, running, inputs.Target ?? newest, IsDeaf(inputs, now), now) : null;

    private static RolloutStatus Nothing(string reason) => new(0, RolloutPhase.Idle, reason, [], []);

    private static PlanDecision Begin(PlannerInputs inputs, RolloutState begun, DateTimeOffset now)
    {
        // What hosts said was said of the rollout before.
        var next = inputs with { Rollout = begun, Target = null, Answers = new Dictionary<string, HostAnswer>() };
        var turn = new RolloutTurn(next, begun, inputs.Release!, IsDeaf(inputs, now), now);
        return Decide(next, inputs.Release!, turn, turn.Status);
    }

    private static PlanDecision Decide(PlannerInputs inputs, TargetRelease newest, RolloutTurn? turn, RolloutStatus status)
    {
        status = status with { Orphaned = Orphaned(inputs, newest) };
        List<PlannedLine> changes = turn?.Changes ?? [];
        AddWishes(changes, inputs, newest);
        var state = turn?.State;
        if (changes.Count == 0) return new PlanDecision.Wait(status, state) { RollsBackTo = turn?.RollsBack == true ? state!.Base : null };
        changes.Sort((left, right) => left.Site.CompareTo(right.Site));
        var plan = new Plan(inputs.Generation + 1, inputs.Generation, state?.Release ?? newest.Number, changes);
        return new PlanDecision.NewPlan(plan, status, state);
    }

    /// <summary>
    /// The plan with which a hub that came back from a backup goes on: every line anew, after every generation that was ever signed. A
    /// site that runs what the release gives it keeps that; every other one keeps what its line said.
    /// </summary>
    /// <param name="inputs">As for <see cref="Next"/>, with a release.</param>
    /// <param name="regions">The region of each site that holds a line.</param>
    /// <param name="highest">The highest generation that any region proved.</param>
    public static Plan Anew(PlannerInputs inputs, IReadOnlyDictionary<SiteId, RegionId> regions, long highest)
    {
        var release = inputs.Release ?? throw new ArgumentException("there is no release", nameof(inputs));
        var generation = Math.Max(inputs.Generation, highest) + 1;
        var changes = new List<PlannedLine>();
        foreach (var (site, region) in regions.OrderBy(item => item.Key))
        {
            var evidence = inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None;
            var released = release.Sites.GetValueOrDefault(site)?.Bundle;
            var runs = released is not null && evidence.Report?.Bundle == released ? released
                : inputs.Lines.GetValueOrDefault(site)?.Bundle;
            if (runs is not { } bundle) continue;
            var fallback = FallbackOf(inputs, site, bundle);
            changes.Add(new(site, region, generation, bundle, fallback, $"the hub went on after a restore, with generation {generation}"));
        }
        return new Plan(generation, inputs.Generation, release.Number, changes);
    }

    private static void AddWishes(List<PlannedLine> changes, PlannerInputs inputs, TargetRelease release)
    {
        foreach (var (site, wish) in inputs.Wishes)
        {
            if (inputs.Lines.GetValueOrDefault(site) is not { } line || changes.Exists(change => change.Site == site)) continue;
            var isOpen = wish.Bundle is { } bundle
                ? !release.Sites.ContainsKey(site) && line.Bundle != bundle
                : line.Since <= wish.After;
            if (!isOpen) continue;
            var bundleNow = wish.Bundle ?? line.Bundle;
            // Else no fallback: what is left behind, or what other hardware ran, is nothing to return to.
            var fallback = wish.KeepsFallback ? FallbackOf(inputs, site, bundleNow) : null;
            changes.Add(new(site, wish.Region, inputs.Generation + 1, bundleNow, fallback, wish.Reason)
            {
                Mode = wish.Mode,
            });
        }
    }

    /// <summary>What a site returns to when <paramref name="bundle"/> fails; null when there is nothing.</summary>
    internal static Digest? FallbackOf(PlannerInputs inputs, SiteId site, Digest bundle) =>
        (inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None).LastHealthy is { } healthy && healthy != bundle
            && inputs.CanOffer(healthy) ? healthy : null;

    // A silent fleet vouches for nothing: an offline site does not block, but a hub that hears nobody must not take that for consent.
    private static bool IsDeaf(PlannerInputs inputs, DateTimeOffset now) =>
        inputs.Evidence.Values.Any(evidence => evidence is { HeardAt: not null, Revoked: false })
        && !inputs.Evidence.Values.Any(evidence => !evidence.Revoked && WaveGate.IsHeard(evidence, inputs, now));

    private static List<SiteId> Orphaned(PlannerInputs inputs, TargetRelease release) =>
        [.. inputs.Lines.Keys.Where(site => !release.Sites.ContainsKey(site)).Order()];
}
