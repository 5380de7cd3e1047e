using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Rollouts;

internal sealed partial class RolloutTurn
{
    /// <summary>One wave in this look.</summary>
    private sealed class Turn(RolloutPolicy policy, Wave? wave, string name, List<Standing> sites)
    {
        public RolloutPolicy Policy => policy;
        public Wave? Wave => wave;
        public string Name => name;
        public List<Standing> Sites => sites;
        public Share? MaxConcurrent => wave?.MaxConcurrent ?? policy.MaxConcurrent;
        public Share MaxFailures => wave?.MaxFailures ?? policy.MaxFailures;
        public TimeSpan SoakTime => wave?.SoakTime ?? policy.SoakTime;

        /// <summary>Sites that were given their line in this look.</summary>
        public int Started { get; set; }

        /// <summary>Nothing but people and hosts keeps it waiting.</summary>
        public bool IsReady { get; set; }

        public bool IsChecked { get; set; }

        public string? Asks { get; set; }

        public int Count(GateVerdict verdict) => sites.Count(one => one.Verdict == verdict);

        /// <summary>The first such site and what it says, and how many others there are.</summary>
        public string? First(GateVerdict verdict)
        {
            var found = sites.Where(one => one.Verdict == verdict).ToList();
            return found.Count == 0 ? null
                : $"site {found[0].Site}: {found[0].Text}{(found.Count == 1 ? "" : $" (and {found.Count - 1} more)")}";
        }
    }

    private static string? TooManyFailed(Turn wave)
    {
        var (failed, most) = (wave.Count(GateVerdict.Failed), wave.MaxFailures.Of(wave.Sites.Count));
        if (failed <= most) return null;
        var allowed = most == 0 ? "" : $" ({failed} failed, at most {most} may)";
        return $"wave {wave.Name} failed: {wave.First(GateVerdict.Failed)}{allowed}";
    }

    /// <summary>What the gates of a wave wait for; null: they are met.</summary>
    private string? Gate(Turn wave)
    {
        if (wave.Sites.Count == 0) return null;
        if (wave.Started > 0) return $"wave {wave.Name} is being started";
        if (Health(wave) is { } health) return $"wave {wave.Name} waits: {health}";
        if (IsBack) return null;
        if (Soak(wave) is { } soak) return $"wave {wave.Name} waits: gate 'soak', {soak}";
        wave.IsReady = true;
        return People(wave) ?? Host(wave);
    }

    private string? Health(Turn wave)
    {
        if (wave.First(GateVerdict.Waiting) is { } waiting) return waiting;
        if (wave.First(GateVerdict.Closed) is { } closed) return closed;
        var met = wave.Count(GateVerdict.Met);
        // Whoever is held vouches for nothing, and where only they are heard nobody does.
        if (met == 0 && wave.First(GateVerdict.Held) is { } held) return held;
        if (wave.Wave?.AtLeast is { } share && met < Least(share, wave))
            return $"gate 'health', {met} sites are healthy of at least {Least(share, wave)}";
        return isDeaf ? "no site is heard at all; the hub may be cut off" : null;
    }

    private static int Least(Share share, Turn wave) => Math.Min(wave.Sites.Count, Math.Max(1, share.Of(wave.Sites.Count)));

    private string? Soak(Turn wave)
    {
        if (wave.SoakTime == TimeSpan.Zero || wave.Sites.Max(one => one.MetAt) is not { } last) return null;
        var left = last + wave.SoakTime - now;
        return left > TimeSpan.Zero ? $"{DurationText.Roughly(left)} left" : null;
    }

    private string? People(Turn wave)
    {
        if (wave.Wave?.Approval is not { } gate) return null;
        var key = RolloutState.KeyOf(wave.Policy.Name, wave.Name);
        var missing = RolloutControl.Missing(state, key, gate.Roles);
        if (missing.Count == 0) return null;
        if (IsOverdue(key, gate.Deadline))
        {
            state = state with
            {
                Aborted = new("hub", now, $"wave {wave.Name} was not approved within {DurationText.Of(gate.Deadline)}"),
            };
        }
        return $"wave {wave.Name} waits: gate 'approval', by {string.Join(" and ", missing)}: capillary rollout approve {wave.Name}";
    }

    private string? Host(Turn wave)
    {
        if (wave.Wave?.Http is not { } gate) return null;
        var key = RolloutState.KeyOf(wave.Policy.Name, wave.Name);
        var answer = inputs.Answers.GetValueOrDefault(key);
        wave.IsChecked = state.MemoryOf(key).CheckedAt is not null || answer?.IsYes == true;
        if (wave.IsChecked) return null;
        wave.Asks = gate.Url;
        isHalted |= IsOverdue(key, gate.Deadline);
        return $"wave {wave.Name} waits: gate 'http', {answer?.Text ?? "its host is being asked"}";
    }

    /// <summary>People or a host were asked for so long; not while an operator keeps it from going on anyway.</summary>
    private bool IsOverdue(string key, TimeSpan deadline) =>
        Stopped is null && now - (state.MemoryOf(key).ReadyAt ?? now) > deadline;
}
