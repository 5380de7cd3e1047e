using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Fleet.Rollouts;

/// <summary>
/// Decides who gets which bundle next: inputs and <c>now</c> in, one decision out. A wave starts only when every site of the waves before
/// it
/// that can be heard reported healthy for exactly its line (promise 7); a site whose bundle does not change keeps its line and its since;
/// a site that is no longer declared keeps its line.
/// </summary>
public static class Planner
{
    public static PlanDecision Next(PlannerInputs inputs, DateTimeOffset now)
    {
        if (inputs.Release is not { } release) return new PlanDecision.Wait(new(0, RolloutPhase.Idle, "no release yet", [], []));
        var waves = new List<WaveStatus>();
        var changes = new List<PlannedLine>();
        var deaf = IsDeaf(inputs, now);
        string? stop = null;
        var failed = false;
        foreach (var wave in Waves(release))
        {
            var changing = wave.Sites.Where(site => inputs.Lines.GetValueOrDefault(site.Key)?.Bundle != site.Value.Bundle).ToList();
            var starts = stop is null || changing.Count == 0;
            if (starts) changes.AddRange(changing.Select(site => Change(site.Key, site.Value, wave.Name, inputs)));
            var verdicts = Judge(wave, inputs, now);
            waves.Add(Status(wave, starts, verdicts));
            failed |= stop is null && verdicts.Any(verdict => verdict.Verdict == GateVerdict.Failed);
            stop ??= Gate(wave.Name, changing.Count, verdicts, deaf);
        }
        var status = new RolloutStatus(release.Number, Phase(waves, stop, failed), Reason(release, waves, stop), waves,
            Orphaned(inputs, release));
        AddWishes(changes, inputs, release);
        if (changes.Count == 0) return new PlanDecision.Wait(status);
        changes.Sort((left, right) => left.Site.CompareTo(right.Site));
        return new PlanDecision.NewPlan(new Plan(inputs.Generation + 1, inputs.Generation, release.Number, changes), status);
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
            var fallback = FallbackOf(evidence, bundle, inputs);
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
            var fallback = wish.KeepsFallback ? FallbackOf(EvidenceOf(site, inputs), bundleNow, inputs) : null;
            changes.Add(new(site, wish.Region, inputs.Generation + 1, bundleNow, fallback, wish.Reason)
            {
                Mode = wish.Mode,
            });
        }
    }

    private sealed record WaveSites(string Name, List<KeyValuePair<SiteId, ReleasedSite>> Sites);

    private static IEnumerable<WaveSites> Waves(TargetRelease release)
    {
        var byWave = release.Sites.ToLookup(site => Math.Min(site.Value.Wave, release.Waves.Count));
        for (var i = 0; i <= release.Waves.Count; i++)
        {
            var name = i < release.Waves.Count ? release.Waves[i] : release.Waves.Count == 0 ? "all" : "rest";
            var sites = byWave[i].ToList();
            if (sites.Count > 0 || i < release.Waves.Count) yield return new(name, sites);
        }
    }

    private static PlannedLine Change(SiteId site, ReleasedSite released, string wave, PlannerInputs inputs)
    {
        var what = inputs.Lines.ContainsKey(site) ? "its bundle changed" : "it is new";
        var fallback = FallbackOf(EvidenceOf(site, inputs), released.Bundle, inputs);
        return new(site, released.Region, inputs.Generation + 1, released.Bundle, fallback,
            $"release {inputs.Release!.Number}: {what}; wave {wave} is open");
    }

    private static Digest? FallbackOf(SiteEvidence evidence, Digest bundle, PlannerInputs inputs) =>
        evidence.LastHealthy is { } healthy && healthy != bundle && inputs.CanOffer(healthy) ? healthy : null;

    private static SiteEvidence EvidenceOf(SiteId site, PlannerInputs inputs) =>
        inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None;

    private static List<SiteVerdict> Judge(WaveSites wave, PlannerInputs inputs, DateTimeOffset now)
    {
        var verdicts = new List<SiteVerdict>(wave.Sites.Count);
        foreach (var (site, released) in wave.Sites)
        {
            // A site without its new line can say nothing of it.
            if (inputs.Lines.GetValueOrDefault(site) is { } line && line.Bundle == released.Bundle)
                verdicts.Add(WaveGate.Judge(site, line, inputs, now));
        }
        // In site order, but for those that met it, which nobody names: sorting them would cost the whole fleet at each look.
        return [.. verdicts.Where(verdict => verdict.Verdict == GateVerdict.Met),
            .. verdicts.Where(verdict => verdict.Verdict != GateVerdict.Met).OrderBy(verdict => verdict.Site)];
    }

    private static string? Gate(string wave, int changing, List<SiteVerdict> verdicts, bool deaf)
    {
        if (changing > 0) return $"wave {wave} is being started";
        if (First(verdicts, GateVerdict.Failed) is { } failed) return $"wave {wave} failed: {failed}";
        if (First(verdicts, GateVerdict.Waiting) is { } waiting) return $"wave {wave} waits: {waiting}";
        return deaf ? $"wave {wave} waits: no site is heard at all; the hub may be cut off" : null;
    }

    private static string? First(List<SiteVerdict> verdicts, GateVerdict which)
    {
        var found = verdicts.Where(verdict => verdict.Verdict == which).ToList();
        if (found.Count == 0) return null;
        var others = found.Count == 1 ? "" : $" (and {found.Count - 1} more)";
        return $"site {found[0].Site}: {found[0].Text}{others}";
    }

    // A silent fleet vouches for nothing: an offline site does not block, but a hub that hears nobody must not take that for consent.
    private static bool IsDeaf(PlannerInputs inputs, DateTimeOffset now) =>
        inputs.Evidence.Values.Any(evidence => evidence is { HeardAt: not null, Revoked: false })
        && !inputs.Evidence.Values.Any(evidence => !evidence.Revoked && WaveGate.IsHeard(evidence, inputs, now));

    private static WaveStatus Status(WaveSites wave, bool starts, List<SiteVerdict> verdicts) => new(
        wave.Name, starts, wave.Sites.Count,
        verdicts.Count(verdict => verdict.Verdict == GateVerdict.Met),
        verdicts.Count(verdict => verdict.Verdict == GateVerdict.Absent),
        [.. verdicts.Where(verdict => verdict.Verdict != GateVerdict.Met)]);

    private static RolloutPhase Phase(List<WaveStatus> waves, string? stop, bool failed)
    {
        if (failed) return RolloutPhase.Halted;
        // Where nobody said that it runs, nothing is complete.
        var vouched = waves.All(wave => wave.Sites == 0) || waves.Any(wave => wave.Met > 0);
        return stop is null && vouched && waves.All(wave => wave.Started) ? RolloutPhase.Complete : RolloutPhase.Rolling;
    }

    private static string Reason(TargetRelease release, List<WaveStatus> waves, string? stop)
    {
        if (stop is not null) return stop;
        var (met, absent) = (waves.Sum(wave => wave.Met), waves.Sum(wave => wave.Absent));
        return $"release {release.Number} is at {met} of {waves.Sum(wave => wave.Sites)} sites" + (absent > 0 ? $"; {absent} absent" : "");
    }

    private static List<SiteId> Orphaned(PlannerInputs inputs, TargetRelease release) =>
        [.. inputs.Lines.Keys.Where(site => !release.Sites.ContainsKey(site)).Order()];
}
