using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>Random lives of a small fleet with operators' wishes and restored hubs; waves and budgets: <see cref="ExplorerTests"/>.</summary>
public sealed class PlannerProperties
{
    [Fact]
    public void A_wish_is_for_its_site_alone_and_never_fights_what_is_declared() =>
        Prop.ForAll<int>(seed => new RandomRollout(seed).Wishes(80)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void A_restored_hub_goes_on_above_everything_and_changes_no_sites_bundle_but_to_what_it_runs() =>
        Prop.ForAll<int>(seed => new RandomRollout(seed).GoesOn(40)).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void The_same_inputs_give_the_same_plan() => Prop.ForAll<int>(seed =>
        new RandomRollout(seed).Transcript(60) == new RandomRollout(seed).Transcript(60)).Check(Config.QuickThrowOnFailure.WithMaxTest(50));
}

internal sealed class RandomRollout(int seed)
{
    private const int SiteCount = 7;
    private readonly Random random = new(seed);
    private readonly Dictionary<SiteId, CurrentLine> lines = [];
    private readonly Dictionary<SiteId, SiteEvidence> evidence = [];
    private readonly StringBuilder transcript = new();
    private TargetRelease? release;
    private readonly Dictionary<long, TargetRelease> releases = [];
    private RolloutState? state;
    private long generation;
    private long seq;
    private DateTimeOffset now = DateTimeOffset.UnixEpoch;
    private DateTimeOffset listening = DateTimeOffset.UnixEpoch;

    public bool Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            Disturb();
            Look();
        }
        return true;
    }

    public string Transcript(int steps)
    {
        Run(steps);
        return transcript.ToString();
    }

    private static readonly Digest Nothing = Digest.Of("nothing"u8);

    /// <summary>Operators retire, call off and replace at random, while commits and reports go on.</summary>
    public bool Wishes(int steps)
    {
        var wishes = new Dictionary<SiteId, LineWish>();
        for (var step = 0; step < steps; step++)
        {
            Disturb();
            var site = Pick();
            var after = lines.GetValueOrDefault(site)?.Since ?? 0;
            Digest? bundle = random.Next(3) switch { 0 => Nothing, 1 => Digest.Of([(byte)random.Next(4)]), _ => null };
            if (random.Next(3) == 0) wishes[site] = new(new RegionId("eu"), bundle, after, "wanted");
            var without = Planner.Next(Inputs(), now);
            if (Planner.Next(Inputs() with { Wishes = wishes }, now) is not PlanDecision.NewPlan { Plan: var plan } taken) continue;
            foreach (var change in plan.Changes)
            {
                if (without is PlanDecision.NewPlan { Plan.Changes: var planned } && planned.Contains(change)) continue;
                Require(wishes.TryGetValue(change.Site, out var wish) && lines.TryGetValue(change.Site, out var line) && change.Fallback is null,
                    "only a wish changes what the release does not");
                Require(change.Bundle == (wishes[change.Site].Bundle ?? lines[change.Site].Bundle), "a wish is done to the letter");
                Require(wishes[change.Site].Bundle is null || !release!.Sites.ContainsKey(change.Site), "a commit wins over a wish");
            }
            foreach (var change in plan.Changes) lines[change.Site] = new(change.Since, change.Bundle);
            generation = plan.Generation;
            state = taken.State;
            Require(Planner.Next(Inputs() with { Wishes = wishes }, now) is not PlanDecision.NewPlan { Plan.Changes: var again }
                || again.All(change => release!.Sites.ContainsKey(change.Site)), "a wish that is done is not done again");
        }
        return true;
    }

    public bool GoesOn(int steps)
    {
        Run(steps);
        if (release is null) return true;
        var highest = generation + random.Next(5);
        var plan = Planner.Anew(Inputs(), lines.Keys.ToDictionary(site => site, _ => new RegionId("eu")), highest);
        Require(plan.Generation == highest + 1 && plan.Parent == generation, "it comes after everything that was signed");
        Require(plan.Changes.Select(change => change.Site).Order().SequenceEqual(lines.Keys.Order()), "every line is made anew");
        foreach (var change in plan.Changes)
        {
            Require(change.Since == plan.Generation && change.Fallback != change.Bundle, "since is the plan's generation");
            Require(change.Bundle == lines[change.Site].Bundle || change.Bundle == evidence[change.Site].Report!.Bundle, "nothing is rolled out");
        }
        return true;
    }

    private PlannerInputs Inputs() => new(release, state, generation, lines, evidence, Freshness.Default, listening)
    {
        Target = state is null ? null : releases[state.Release],
    };

    private SiteId Pick() => new($"s{random.Next(SiteCount)}");

    private void Disturb()
    {
        var site = Pick();
        switch (random.Next(9))
        {
            case 0 or 1: NewRelease(); break;
            case 2: now += TimeSpan.FromMinutes(random.Next(12)); break;
            case 3: Hear(site); break;
            case 4: if (random.Next(8) == 0) listening = now; break;
            case 5: Report(site, (ReportPhase)random.Next(6), lines.GetValueOrDefault(site)?.Since - random.Next(3) ?? 0); break;
            default: if (lines.TryGetValue(site, out var line)) Report(site, ReportPhase.Healthy, line.Since); break;
        }
    }

    private void NewRelease()
    {
        var waves = random.Next(3);
        var policy = new RolloutPolicy("waves", [.. Enumerable.Range(1, waves).Select(wave => new Wave($"w{wave}"))]);
        var sites = Enumerable.Range(0, SiteCount).Where(_ => random.Next(6) > 0).ToDictionary(i => new SiteId($"s{i}"),
            i => new ReleasedSite(Digest.Of([(byte)random.Next(4)]), new RegionId("eu"))
            {
                Choices = SiteChoices.Of("waves", i % 3 < waves ? i % 3 : null),
            });
        release = new((release?.Number ?? 0) + 1, PolicySet.Only(policy), sites);
        releases[release.Number] = release;
    }

    private void Hear(SiteId site) => evidence[site] = (evidence.GetValueOrDefault(site) ?? SiteEvidence.None) with { HeardAt = now };

    private void Report(SiteId site, ReportPhase phase, long since)
    {
        Hear(site);
        if (!lines.TryGetValue(site, out var line) || since < 1) return;
        var report = Reporting.Of(site, ++seq, generation, since, line.Bundle, phase);
        var healthy = phase == ReportPhase.Healthy ? line.Bundle : evidence[site].LastHealthy;
        evidence[site] = evidence[site] with { Report = report, LastHealthy = healthy };
    }

    private void Look()
    {
        var decision = Planner.Next(Inputs(), now);
        transcript.Append(decision.Status.Phase).Append(' ').Append(decision.Status.Reason).Append('\n');
        state = decision.State;
        if (decision is not PlanDecision.NewPlan { Plan: var plan }) return;
        Require(plan.Generation == generation + 1 && plan.Parent == generation && plan.Changes.Count > 0, "a plan follows its parent");
        foreach (var change in plan.Changes) Hold(change, plan);
        foreach (var change in plan.Changes) lines[change.Site] = new(change.Since, change.Bundle);
        generation = plan.Generation;
    }

    private void Hold(PlannedLine change, Plan plan)
    {
        Require(change.Since == plan.Generation, "since is the plan's generation");
        Require(change.Bundle == release!.Sites[change.Site].Bundle && lines.GetValueOrDefault(change.Site)?.Bundle != change.Bundle,
            "only changed lines change");
        Require(change.Fallback != change.Bundle, "a fallback is another bundle");
        Require(change.Fallback is null || change.Fallback == evidence[change.Site].LastHealthy, "a fallback was healthy");
    }

    private void Require(bool holds, string what)
    {
        if (!holds) throw new InvalidOperationException($"seed {seed}: {what}");
    }
}
