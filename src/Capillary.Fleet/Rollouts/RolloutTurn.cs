using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Rollouts;

/// <summary>One look at one rollout: judges every site, opens what may open, and says why the rest waits.</summary>
internal sealed partial class RolloutTurn
{
    private readonly PlannerInputs inputs;
    private readonly TargetRelease release;
    private readonly DateTimeOffset now;
    private readonly bool isDeaf;
    private readonly List<PlannedLine> changes = [];
    private readonly List<WaveStatus> waves = [];
    private RolloutState state;
    private string? reason;
    private bool isHalted;
    private bool rollsBack;

    public RolloutTurn(PlannerInputs inputs, RolloutState state, TargetRelease release, bool isDeaf, DateTimeOffset now)
    {
        (this.inputs, this.state, this.release, this.isDeaf, this.now) = (inputs, state, release, isDeaf, now);
        foreach (var track in Standings().GroupBy(one => one.Member.Policy, StringComparer.Ordinal)
            .OrderBy(track => track.Key, StringComparer.Ordinal)) Track(track.Key, [.. track]);
        Keep();
    }

    /// <summary>Lines that change, in site order.</summary>
    public List<PlannedLine> Changes => changes;

    /// <summary>What is to be remembered.</summary>
    public RolloutState State => state;

    /// <summary>Too many sites failed, and the policy says that they all go back.</summary>
    public bool RollsBack => rollsBack;

    public RolloutStatus Status => new(state.Release, Phase, Reason, waves, []) { Rollout = state.Id, Kind = state.Kind };

    private bool IsBack => state.Kind == RolloutKind.Back;

    /// <summary>Why nothing of this rollout starts now, whatever its gates say.</summary>
    private string? Stopped => state.Aborted is { } end ? $"aborted by {end.By}: {end.Reason}"
        : state.Paused is { } pause ? $"paused by {pause.By}: {pause.Reason}" : null;

    private RolloutPhase Phase
    {
        get
        {
            if (state.Aborted is not null) return RolloutPhase.Aborted;
            if (isHalted) return RolloutPhase.Halted;
            // Where nobody said that it runs, nothing is complete.
            var vouched = state.Members.IsEmpty || waves.Exists(wave => wave.Count(GateVerdict.Met) > 0);
            if (reason is null && vouched) return RolloutPhase.Complete;
            return state.Paused is not null ? RolloutPhase.Paused : RolloutPhase.Rolling;
        }
    }

    private string Reason
    {
        get
        {
            if (Phase is RolloutPhase.Aborted or RolloutPhase.Paused) return Stopped!;
            if (reason is not null) return reason;
            if (state.Members.IsEmpty) return $"release {state.Release} changes no site";
            var (met, absent) = (waves.Sum(wave => wave.Count(GateVerdict.Met)), waves.Sum(wave => wave.Count(GateVerdict.Absent)));
            var held = waves.Sum(wave => wave.Count(GateVerdict.Held));
            return $"release {state.Release} is at {met} of {state.Members.Count} sites" + (absent > 0 ? $"; {absent} absent" : "")
                + (held > 0 ? $"; {held} held" : "");
        }
    }

    /// <summary>One site of the rollout.</summary>
    private sealed class Standing(SiteId site, RolloutMember member, ReleasedSite released)
    {
        public SiteId Site => site;
        public RolloutMember Member => member;
        public ReleasedSite Released => released;
        public CurrentLine? Line { get; init; }
        public bool HasLine => Line?.Bundle == released.Bundle;
        public GateVerdict Verdict { get; set; }
        public string Text { get; set; } = "";

        /// <summary>It changes now: towards this release, or still towards an earlier one.</summary>
        public bool IsBusy { get; set; }

        /// <summary>It may change at any time, as soon as nothing holds it.</summary>
        public bool IsArmed => IsBusy || (HasLine && Verdict == GateVerdict.Held);

        public bool WasSeen { get; init; }

        /// <summary>It said that it took its line.</summary>
        public bool HasAccepted { get; init; }

        /// <summary>It has not said that it took its earlier line: as far as anybody knows it has not begun, and need not.</summary>
        public bool MaySkip { get; set; }

        public DateTimeOffset? WaitingSince { get; set; }
        public DateTimeOffset? MetAt { get; set; }
    }

    private IEnumerable<Standing> Standings()
    {
        foreach (var (site, member) in state.Members)
        {
            if (release.Sites.TryGetValue(site, out var released)) yield return Judge(site, member, released);
        }
    }

    private Standing Judge(SiteId site, RolloutMember member, ReleasedSite released)
    {
        var line = inputs.Lines.GetValueOrDefault(site);
        var evidence = inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None;
        var standing = new Standing(site, member, released)
        {
            Line = line,
            WasSeen = evidence.HeardAt is not null,
            HasAccepted = evidence.Report?.Since >= line?.Since,
        };
        var verdict = line is null
            ? WaveGate.Absence(evidence, inputs, now) is { } absence ? new(site, GateVerdict.Absent, absence)
                : new SiteVerdict(site, GateVerdict.Closed, "")
            : WaveGate.Judge(site, line, inputs, now);
        (standing.Verdict, standing.Text) = (verdict.Verdict, verdict.Text);
        if (verdict.Verdict == GateVerdict.Waiting) Wait(standing);
        if (standing.HasLine)
        {
            standing.MetAt = verdict.Verdict == GateVerdict.Met ? member.MetAt ?? now : null;
        }
        else if (verdict.Verdict != GateVerdict.Absent)
        {
            // What it says of its earlier line says nothing of this release.
            standing.Text = standing is { IsBusy: true, MaySkip: false } ? $"finishes generation {line!.Since} first: {verdict.Text}" : "";
            standing.Verdict = GateVerdict.Closed;
        }
        return standing;
    }

    private void Wait(Standing standing)
    {
        var deadline = release.Policies.Of(standing.Member.Policy).Deadline;
        standing.WaitingSince = standing.Member.WaitingSince ?? now;
        standing.IsBusy = now - standing.WaitingSince <= deadline;
        standing.MaySkip = !standing.HasLine && !standing.HasAccepted;
        if (standing.IsBusy) return;
        standing.Verdict = GateVerdict.Failed;
        standing.Text = $"not healthy {DurationText.Of(deadline)} after it began: {standing.Text}";
    }

    /// <summary>The sites of one policy, wave after wave.</summary>
    private void Track(string name, List<Standing> sites)
    {
        var policy = release.Policies.Of(name);
        var windows = new SiteWindows(policy);
        var byWave = sites.ToLookup(one => one.Member.Wave);
        string? stop = null;
        for (var i = 0; i <= policy.Waves.Count; i++)
        {
            var members = byWave[i].ToList();
            if (members.Count == 0 && (i == policy.Waves.Count || IsBack)) continue;
            var wave = new Turn(policy, IsBack || i == policy.Waves.Count ? null : policy.Waves[i],
                IsBack ? "back" : policy.NameOf(i), members);
            var isOpen = stop is null && state.Aborted is null;
            var failed = TooManyFailed(wave);
            if (isOpen && failed is null && Stopped is null) Open(wave, sites, windows);
            if ((Stopped ?? stop) is { } closed) Explain(members, closed);
            var gate = failed ?? Gate(wave);
            isHalted |= isOpen && failed is not null;
            rollsBack |= isOpen && failed is not null && policy.OnFailure == FailureAnswer.Rollback && !IsBack && state.Base > 0
                && state.CompletedAt is null;
            Explain(members, gate ?? "");
            Remember(wave, isOpen, gate);
            var wasOpened = state.MemoryOf(RolloutState.KeyOf(name, wave.Name)).OpenedAt is not null;
            waves.Add(new WaveStatus(name, wave.Name, isOpen || wasOpened, isOpen ? gate : stop ?? gate ?? Stopped,
                [.. members.Select(one => new SiteVerdict(one.Site, one.Verdict, one.Text))]) { Asks = isOpen ? wave.Asks : null });
            stop ??= gate;
        }
        reason = stop is null ? reason : reason is null ? stop : $"{reason}; {stop}";
    }

    /// <summary>What waits for the wave, and for nothing of its own.</summary>
    private static void Explain(List<Standing> members, string why)
    {
        foreach (var one in members)
        {
            if (one is { Verdict: GateVerdict.Closed, Text: "" }) one.Text = why;
        }
    }

    /// <summary>Gives lines to the sites of an open wave, as many as may change at one time.</summary>
    private void Open(Turn wave, List<Standing> track, SiteWindows windows)
    {
        var most = wave.MaxConcurrent is { } share ? Math.Max(1, share.Of(wave.Sites.Count)) : int.MaxValue;
        var busy = track.Count(one => one.IsBusy);
        var groups = wave.Policy.GroupBy is null ? null
            : track.Where(one => one.IsArmed && one.Member.Group is not null).GroupBy(one => one.Member.Group!).ToDictionary(
                group => group.Key, group => group.First().Site, StringComparer.Ordinal);
        var isAlways = IsBack || state.IsEmergency || wave.Policy.IsEmergency;
        var isFree = most == int.MaxValue && groups is null && (isAlways || windows.AreAlwaysOpen);
        foreach (var one in wave.Sites)
        {
            if (one.HasLine) continue;
            // A first install disturbs nobody. Any other site that cannot be heard would begin when it comes back, whatever holds then.
            if (one.Verdict == GateVerdict.Absent && !(isFree || !one.WasSeen)) continue;
            var isHeard = one.Verdict != GateVerdict.Absent;
            var waits = one is { IsBusy: true, MaySkip: false } && !(state.IsEmergency || wave.Policy.IsEmergency) ? one.Text
                : one.Line is not null && isHeard && !isAlways && windows.Closed(one.Released.TimeZone, now) is { } closed ? closed
                : isHeard && one.Member.Group is { } group && groups?.TryGetValue(group, out var other) == true && other != one.Site
                    ? $"{other} of the same {wave.Policy.GroupBy} '{group}' is not done yet"
                : isHeard && !one.IsBusy && busy >= most ? $"{busy} sites are changing, and at most {most} may at one time" : null;
            if (waits is not null)
            {
                one.Text = waits;
                continue;
            }
            changes.Add(Change(one, wave.Name));
            if (!isHeard) continue;
            if (!one.IsBusy) busy++;
            if (one.Member.Group is { } own) groups?.TryAdd(own, one.Site);
            wave.Started++;
            one.IsBusy = true;
            (one.WaitingSince, one.MetAt) = (now, null);
            (one.Verdict, one.Text) = (GateVerdict.Waiting, "it is being given its line");
        }
    }

    private PlannedLine Change(Standing one, string wave)
    {
        var what = one.Line is null ? "it is new" : IsBack ? "it goes back" : "its bundle changed";
        var fallback = Planner.FallbackOf(inputs, one.Site, one.Released.Bundle);
        return new(one.Site, one.Released.Region, inputs.Generation + 1, one.Released.Bundle, fallback,
            $"release {release.Number}: {what}; wave {wave} is open");
    }

    /// <summary>Only what changed becomes a new state.</summary>
    private void Remember(Turn wave, bool isOpen, string? gate)
    {
        var members = state.Members.ToBuilder();
        foreach (var one in wave.Sites)
        {
            if (one.WaitingSince != one.Member.WaitingSince || one.MetAt != one.Member.MetAt)
                members[one.Site] = one.Member with { WaitingSince = one.WaitingSince, MetAt = one.MetAt };
        }
        var key = RolloutState.KeyOf(wave.Policy.Name, wave.Name);
        var before = state.MemoryOf(key);
        var memory = before with
        {
            OpenedAt = before.OpenedAt ?? (isOpen && wave.Sites.Exists(one => one.HasLine || one.IsBusy) ? now : null),
            // While an operator keeps it paused, the deadlines of people and hosts do not run.
            ReadyAt = wave.IsReady && isOpen && Stopped is null ? before.ReadyAt ?? now : null,
            CheckedAt = wave.IsChecked && isOpen ? before.CheckedAt ?? now : before.CheckedAt,
            PassedAt = isOpen && gate is null ? before.PassedAt ?? now : null,
        };
        var kept = members.ToImmutable();
        if (!ReferenceEquals(kept, state.Members)) state = state with { Members = kept };
        if (!memory.Equals(before)) state = state with { Waves = state.Waves.SetItem(key, memory) };
    }

    private void Keep()
    {
        changes.Sort((left, right) => left.Site.CompareTo(right.Site));
        if (Phase == RolloutPhase.Complete && state.CompletedAt is null) state = state with { CompletedAt = now };
    }
}
