using System.Diagnostics;
using System.Globalization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;

namespace Capillary.Benchmarks;

/// <summary>The planner's looks at a rollout of 10,000 sites in three waves, from its begin to its end; sites answer between two looks.</summary>
internal static class PlannerBench
{
    private const int Sites = 10_000;
    private const int AnswersBetweenLooks = 500;

    private static readonly RolloutPolicy Policy =
        new("default", [new Wave("first") { Size = new(20, true) }, new Wave("second") { Size = new(30, true) }, new Wave("third") { Size = new(50, true) }])
        {
            MaxConcurrent = new(50, true),
        };

    public static async IAsyncEnumerable<Row> Run()
    {
        await Task.CompletedTask;
        var now = DateTimeOffset.UnixEpoch;
        var (before, after) = (Digest.Of([1]), Digest.Of([2]));
        var ids = Enumerable.Range(0, Sites).Select(i => new SiteId($"site-{i.ToString("d5", CultureInfo.InvariantCulture)}")).ToList();
        var lines = ids.ToDictionary(id => id, _ => new CurrentLine(1, before));
        var evidence = ids.ToDictionary(id => id, id => Healthy(id, 1, before, now));
        var release = new TargetRelease(1, PolicySet.Only(Policy), ids.ToDictionary(id => id, _ => new ReleasedSite(after, new RegionId("eu"))));
        var waiting = new Queue<SiteId>();
        var looks = new List<double>();
        var (state, generation) = ((RolloutState?)null, 1L);
        while (true)
        {
            var start = Stopwatch.GetTimestamp();
            var decision = Planner.Next(new(release, state, generation, lines, evidence, Freshness.Default, now), now);
            looks.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            state = decision.State;
            if (decision.Status.Phase == RolloutPhase.Complete) break;
            if (decision is PlanDecision.NewPlan { Plan: var plan })
            {
                generation = plan.Generation;
                foreach (var line in plan.Changes)
                {
                    lines[line.Site] = new(line.Since, line.Bundle);
                    waiting.Enqueue(line.Site);
                }
            }
            else if (waiting.Count == 0)
            {
                throw new InvalidOperationException($"nobody moves: {decision.Status.Reason}");
            }
            for (var i = 0; i < AnswersBetweenLooks && waiting.TryDequeue(out var site); i++)
                evidence[site] = Healthy(site, lines[site].Since, after, now);
        }
        yield return new Row("planner, one look at a rollout of 10,000 sites", Benchmark.Median(looks), "ms", 50);
        yield return new Row("the longest of its looks", looks.Max(), "ms", null);
        yield return new Row("looks of the whole rollout", looks.Count, "", null);
    }

    private static SiteEvidence Healthy(SiteId site, long since, Digest bundle, DateTimeOffset now) => new(new Core.Reports.Report(1, new FleetName("fleet"),
        site, 1, since, now, since, since, null, bundle, since, ReportPhase.Healthy, [], [], "bench"), now, bundle, false);
}
