using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Rollouts;

/// <summary>What the policies of a rollout say to it before it begins: what it would wait for, and what would vouch for nothing.</summary>
internal sealed class PolicyVerdicts(PlannerInputs inputs, RolloutState state, IReadOnlyList<PreviewWave> waves, Func<string, bool>? mayAsk,
    DateTimeOffset now)
{
    /// <summary>In order of policies.</summary>
    public List<PolicyVerdict> All()
    {
        if (state.Members.IsEmpty) return [];
        var release = inputs.Release!;
        var names = waves.Select(wave => wave.Policy).Distinct().ToList();
        var verdicts = new List<PolicyVerdict>();
        if (Starts() is { } waits) verdicts.Add(new(null, true, waits));
        foreach (var name in names)
        {
            var policy = release.Policies.Of(name);
            verdicts.AddRange(Windows(policy).Concat(Gates(policy)).Concat(Canaries(policy))
                .Select(verdict => new PolicyVerdict(name, verdict.Waits, verdict.Text)));
        }
        return verdicts;
    }

    private string? Starts() => RolloutStart.Keeps(inputs, Planner.StatusOf(inputs, now));

    private IEnumerable<(bool Waits, string Text)> Windows(RolloutPolicy policy)
    {
        if (policy.IsEmergency) yield return (false, "emergency: neither windows nor freezes nor earlier releases keep it waiting");
        var windows = new SiteWindows(policy);
        if (policy.IsEmergency || windows.AreAlwaysOpen) yield break;
        var closed = state.Members.Where(member => member.Value.Policy == policy.Name && inputs.Lines.ContainsKey(member.Key))
            .Select(member => windows.Closed(inputs.Release!.Sites[member.Key].TimeZone, now)).OfType<string>().CountBy(text => text);
        foreach (var (text, count) in closed.OrderBy(one => one.Key, StringComparer.Ordinal))
            yield return (true, $"{count} site{(count == 1 ? " waits" : "s wait")}: {text}");
    }

    private IEnumerable<(bool Waits, string Text)> Gates(RolloutPolicy policy)
    {
        foreach (var wave in policy.Waves)
        {
            if (wave.Approval is { } approval)
                yield return (true, $"after wave {wave.Name}: a yes by {string.Join(" and by ", approval.Roles)} within "
                    + $"{DurationText.Of(approval.Deadline)}");
            if (wave.Http is not { } http) continue;
            var isRefused = mayAsk?.Invoke(http.Url) == false;
            yield return (true, $"after wave {wave.Name}: a yes of {http.Url}"
                + (isRefused ? ", which this hub may not ask: start it with --gate-host" : ""));
        }
    }

    private IEnumerable<(bool Waits, string Text)> Canaries(RolloutPolicy policy)
    {
        var track = waves.Where(wave => wave.Policy == policy.Name).ToList();
        if (track.Count < 2) yield break;
        foreach (var wave in track.SkipLast(1))
        {
            if (wave.Sites == 0) yield return (false, $"wave {wave.Name} has no site that changes: it tries nothing");
            else if (wave.AtRisk == wave.Sites)
                yield return (false, $"every site of wave {wave.Name} is at risk: it may vouch for nothing");
        }
    }
}
