using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Rollouts;

namespace Capillary.Tests.Fleet.Rollouts;

/// <content>What is required of each plan, by a reading of the promises that does not ask the planner.</content>
internal sealed partial class RolloutWorld
{
    private void Check(Plan plan)
    {
        Require(plan.Generation == generation + 1 && plan.Parent == generation, "a generation does not follow the one before");
        var starting = plan.Changes.Select(line => Index(line.Site)).ToHashSet();
        foreach (var line in plan.Changes)
        {
            var site = Index(line.Site);
            Require(line.Since == plan.Generation, "since is not the plan's generation");
            Require(BundleOf(line.Bundle) > places[site].AtHub.Bundle, $"s{site} goes back, or gets what it has");
            Require(BundleOf(line.Bundle) == Given(site, plan.Release), $"s{site} gets another release's bundle");
            // Who has not said that it took its line may skip it.
            var hasBegun = places[site].Known!.Since >= places[site].AtHub.Since;
            Require(!hasBegun || !IsBusy(site), $"s{site} is interrupted in generation {places[site].AtHub.Since}");
            CheckWaves(site, (int)plan.Release);
        }
        CheckBudget(starting, (int)plan.Release);
    }

    /// <summary>Promise 7: every site of the waves before was really healthy on exactly its line of this release, or cannot be heard, or
    /// holds.</summary>
    private void CheckWaves(int site, int release)
    {
        for (var other = 0; other < places.Length; other++)
        {
            if (shape.WaveOf(other) > shape.WaveOf(site) || !IsHeard(other)) continue;
            var place = places[other];
            var hasLine = place.AtHub.Bundle == Given(other, release);
            var hasFailed = hasLine && place.Known is { Phase: ReportPhase.Reverted } said && said.Since == place.AtHub.Since;
            Require(!hasFailed, $"s{site} starts after s{other} failed");
            if (shape.WaveOf(other) == shape.WaveOf(site)) continue;
            if (hasLine && place.Known is { Phase: ReportPhase.Held } held && held.Since == place.AtHub.Since) continue;
            Require(hasLine && place.Vouched == place.AtHub, $"s{site} starts before s{other} of an earlier wave was healthy on it");
        }
    }

    private void CheckBudget(HashSet<int> starting, int release)
    {
        foreach (var wave in starting.GroupBy(shape.WaveOf))
        {
            var limit = shape.Policy.Waves.ElementAtOrDefault(wave.Key)?.MaxConcurrent ?? shape.Policy.MaxConcurrent;
            if (limit is null) continue;
            var all = Enumerable.Range(0, places.Length).Count(i => shape.WaveOf(i) == wave.Key);
            var busy = Enumerable.Range(0, places.Length).Count(IsBusy);
            // A site that skips to a newer line, while it has an earlier one to take, is one of them already.
            var fresh = wave.Count(site => IsHeard(site) && !IsBusy(site));
            Require(fresh == 0 || busy + fresh <= Math.Max(1, limit.Of(all)), $"{busy} sites are busy and {fresh} start (release {release})");
        }
    }

    /// <summary>As far as the hub can know: it has a line that it has not answered, and is heard.</summary>
    private bool IsBusy(int site) => IsHeard(site) && places[site] is var place && place.Known is { } said
        && (said.Since < place.AtHub.Since || said.Phase == ReportPhase.Progressing)
        && !(shape.Policy.Deadline < Now - Start && IsLate(site));

    private bool IsLate(int site) => rollout!.Members.GetValueOrDefault(new SiteId(Names[site]))?.WaitingSince is { } since
        && Now - since > shape.Policy.Deadline;

    private void Require(bool holds, string what)
    {
        if (!holds) throw new BrokenPromiseException(what);
    }
}
