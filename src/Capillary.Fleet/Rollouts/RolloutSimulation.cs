using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;

namespace Capillary.Fleet.Rollouts;

/// <summary>What a simulated fleet is like.</summary>
/// <param name="Fails">Share of the sites at which the new bundle fails, 0 to 1.</param>
/// <param name="Offline">Share of the sites that are away when it begins, 0 to 1.</param>
/// <param name="Away">The longest time until one of those is back; each has a time of its own below it.</param>
/// <param name="ApplyLeast">The shortest time from a site's line to its answer.</param>
/// <param name="ApplyMost">The longest.</param>
/// <param name="ApproveAfter">How long people take to say yes.</param>
/// <param name="Until">When the simulation ends at the latest.</param>
/// <param name="Seed">The same one gives the same timeline.</param>
public sealed record SimulatedFleet(double Fails, double Offline, TimeSpan Away, TimeSpan ApplyLeast, TimeSpan ApplyMost,
    TimeSpan ApproveAfter, TimeSpan Until, ulong Seed);

/// <summary>Something that happened in a simulated rollout.</summary>
/// <param name="At">Since its begin.</param>
/// <param name="Text">For a person.</param>
public sealed record SimulatedEvent(TimeSpan At, string Text);

/// <summary>How a simulated rollout went.</summary>
/// <param name="Timeline">What happened, in order.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Took">Until it was complete, halted or aborted, or until time was up.</param>
public sealed record SimulatedRollout(IReadOnlyList<SimulatedEvent> Timeline, RolloutStatus Status, TimeSpan Took);

/// <summary>The planner on a fleet that does not exist: sites answer after some time, fail, are away and come back.</summary>
public sealed class RolloutSimulation
{
    // The longest time without a look: windows open and soaks end by the clock alone.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ever = TimeSpan.FromDays(10_000);

    private readonly TargetRelease release;
    private readonly SimulatedFleet fleet;
    private readonly DateTimeOffset start;
    private readonly Dictionary<SiteId, CurrentLine> lines = [];
    private readonly Dictionary<SiteId, SiteEvidence> evidence = [];
    private readonly PriorityQueue<(SiteId Site, long Since), (TimeSpan At, SiteId Site)> answers = new();
    private readonly PriorityQueue<SiteId, (TimeSpan At, SiteId Site)> returns = new();
    private readonly HashSet<SiteId> away = [];
    private readonly HashSet<SiteId> failing = [];
    private readonly List<SimulatedEvent> timeline = [];
    private readonly Dictionary<string, (bool Started, bool Passed)> told = new(StringComparer.Ordinal);
    private ulong random;
    private RolloutState? state;
    private long generation = 1;
    private TimeSpan now;

    private RolloutSimulation(IReadOnlyDictionary<SiteId, Digest> before, TargetRelease release, SimulatedFleet fleet, DateTimeOffset start)
    {
        (this.release, this.fleet, this.start, random) = (release, fleet, start, fleet.Seed);
        foreach (var (site, released) in release.Sites.OrderBy(site => site.Key))
        {
            var held = before.GetValueOrDefault(site);
            if (before.ContainsKey(site)) lines[site] = new(1, held);
            if (Chance() < fleet.Fails) failing.Add(site);
            if (Chance() < fleet.Offline)
            {
                away.Add(site);
                returns.Enqueue(site, (fleet.Away * Chance(), site));
            }
            if (lines.ContainsKey(site)) Say(site, 1, held, ReportPhase.Healthy);
        }
    }

    /// <summary>Rolls a release out.</summary>
    /// <param name="before">What each site runs, healthy; a site that is missing is new.</param>
    /// <param name="release">What it is to run, and by which policies.</param>
    /// <param name="fleet">How sites behave.</param>
    /// <param name="start">When it begins, for windows and freezes.</param>
    public static SimulatedRollout Run(IReadOnlyDictionary<SiteId, Digest> before, TargetRelease release, SimulatedFleet fleet,
        DateTimeOffset start) => new RolloutSimulation(before, release, fleet, start).Run();

    private SimulatedRollout Run()
    {
        // Whoever simulates a rollout that starts by hand wants to see it started.
        state = Planner.Start(Inputs(), new(RolloutStart.ByPolicy, null, false), start);
        while (true)
        {
            var decision = Look();
            Tell(decision.Status);
            if (decision.Status.Phase is RolloutPhase.Complete or RolloutPhase.Halted or RolloutPhase.Aborted || now >= fleet.Until)
                return new(timeline, decision.Status, now);
            Approve(decision.Status);
            if (decision is PlanDecision.NewPlan { Plan: var plan }) Take(plan);
            Pass();
        }
    }

    private PlanDecision Look()
    {
        var decision = Planner.Next(Inputs(), start + now);
        state = decision.State;
        return decision;
    }

    // Who is away has been for longer than anybody counts; the others are heard all the time.
    private PlannerInputs Inputs() => new(release, state, generation, lines, evidence, new(Ever, Ever), start - 3 * Ever)
    {
        Answers = release.Policies.All.Values
            .SelectMany(policy => policy.Waves.Select(wave => RolloutState.KeyOf(policy.Name, wave.Name)))
            .ToDictionary(key => key, _ => new HostAnswer(true, "simulated")),
    };

    /// <summary>Where people are asked for nothing but their yes, and had their time, they say it.</summary>
    private void Approve(RolloutStatus status)
    {
        foreach (var wave in status.Waves)
        {
            var key = RolloutState.KeyOf(wave.Policy, wave.Name);
            var gate = release.Policies.Of(wave.Policy).Waves.FirstOrDefault(one => one.Name == wave.Name)?.Approval;
            if (gate is null || state!.MemoryOf(key) is not { ReadyAt: { } since } || start + now - since < fleet.ApproveAfter) continue;
            foreach (var role in gate.Roles)
            {
                var said = RolloutControl.Approve(state, release.Policies, key, $"simulated-{role}", role, start + now);
                if (said is ControlOutcome.Done done) state = done.State;
            }
        }
    }

    private void Take(Plan plan)
    {
        generation = plan.Generation;
        foreach (var line in plan.Changes)
        {
            lines[line.Site] = new(line.Since, line.Bundle);
            if (!away.Contains(line.Site)) Begin(line.Site, line.Since);
        }
    }

    private void Begin(SiteId site, long since)
    {
        var takes = fleet.ApplyLeast + (fleet.ApplyMost - fleet.ApplyLeast) * Chance();
        answers.Enqueue((site, since), (now + takes, site));
    }

    /// <summary>On to the next thing that happens, and to all that happens at the same time.</summary>
    private void Pass()
    {
        var next = now + LookEvery;
        if (answers.TryPeek(out _, out var answer) && answer.At < next) next = answer.At;
        if (returns.TryPeek(out _, out var back) && back.At < next) next = back.At;
        // As a hub: at most one plan a second.
        if (next < now + BetweenLooks) next = now + BetweenLooks;
        now = next < fleet.Until ? next : fleet.Until;
        while (returns.TryPeek(out var site, out var at) && at.At <= now)
        {
            returns.Dequeue();
            away.Remove(site);
            if (!lines.TryGetValue(site, out var line)) continue;
            evidence[site] = evidence.GetValueOrDefault(site, SiteEvidence.None) with { HeardAt = start };
            if (evidence[site].Report?.Since != line.Since) Begin(site, line.Since);
        }
        while (answers.TryPeek(out var one, out var at) && at.At <= now)
        {
            answers.Dequeue();
            if (lines[one.Site].Since != one.Since) continue;
            var fails = failing.Contains(one.Site);
            Say(one.Site, one.Since, lines[one.Site].Bundle, fails ? ReportPhase.Reverted : ReportPhase.Healthy);
        }
    }

    private void Say(SiteId site, long since, Digest bundle, ReportPhase phase)
    {
        var report = new Report(1, new FleetName("simulated"), site, 1, since, start, since, since, null, bundle,
            phase == ReportPhase.Healthy ? since : 0, phase, [], [], "simulated");
        var healthy = phase == ReportPhase.Healthy ? bundle : evidence.GetValueOrDefault(site)?.LastHealthy;
        evidence[site] = new(report, away.Contains(site) ? start - 2 * Ever : start, healthy, false);
    }

    private void Tell(RolloutStatus status)
    {
        foreach (var wave in status.Waves)
        {
            var key = RolloutState.KeyOf(wave.Policy, wave.Name);
            var (started, passed) = told.GetValueOrDefault(key);
            var isThrough = wave.Started && wave.Gate is null;
            if (wave.Started && !started) timeline.Add(new(now, $"wave {key} opens: {wave.Sites.Count} sites"));
            if (isThrough && !passed)
            {
                timeline.Add(new(now, $"wave {key} is through: {wave.Count(GateVerdict.Met)} healthy, "
                    + $"{wave.Count(GateVerdict.Failed)} failed, {wave.Count(GateVerdict.Absent)} absent"));
            }
            told[key] = (started || wave.Started, passed || isThrough);
        }
        if (status.Phase is RolloutPhase.Rolling && now < fleet.Until) return;
        timeline.Add(new(now, $"{status.Phase.ToString().ToLowerInvariant()}: {status.Reason}"));
    }

    /// <summary>splitmix64, so that a seed gives the same on every machine and version.</summary>
    private double Chance()
    {
        random += 0x9E3779B97F4A7C15;
        var mixed = (random ^ random >> 30) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
        return ((mixed ^ mixed >> 31) >> 11) / (double)(1UL << 53);
    }
}
