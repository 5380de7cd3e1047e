using System.Globalization;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>
/// A rollout as a script a support engineer could write: lines that begin with <c>&gt;</c> are commands, what follows is what the planner
/// says.
/// </summary>
internal sealed class RolloutScript
{
    private readonly Dictionary<SiteId, CurrentLine> lines = [];
    private readonly Dictionary<SiteId, SiteEvidence> evidence = [];
    private readonly Dictionary<Digest, string> names = [];
    private readonly Dictionary<long, TargetRelease> releases = [];
    private readonly Dictionary<string, HostAnswer> answers = [];
    private readonly Dictionary<string, string> groups = [];
    private readonly Dictionary<string, string> zones = [];
    private readonly Dictionary<string, string> apps = [];
    private readonly SortedDictionary<string, RolloutPolicy> policies = new(StringComparer.Ordinal);
    private readonly StringBuilder output = new();
    private TargetRelease? release;
    private RolloutState? state;
    private long generation;
    private long seq;
    private DateTimeOffset now = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);
    private DateTimeOffset listening = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);

    public static string Run(string script)
    {
        var run = new RolloutScript();
        foreach (var line in script.Split('\n').Where(line => line.StartsWith("> ", StringComparison.Ordinal) || line.StartsWith('#')))
        {
            run.output.Append(line).Append('\n');
            if (line[0] == '>') run.Command(line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
        return run.output.ToString();
    }

    private void Command(string[] words)
    {
        switch (words[0])
        {
            case "waves": policies["default"] = new RolloutPolicy("default", [.. words[1..].Select(name => new Wave(name))]); break;
            case "policy": Policy(words[1], words[2..]); break;
            case "wave": Wave(words[1].Split('/'), words[2..]); break;
            case "app": apps[words[1]] = words[2]; break;
            case "group": groups[words[1]] = words[2]; break;
            case "zone": zones[words[1]] = words[2]; break;
            case "release": Release(words[1..]); break;
            case "plan": Plan(); break;
            case "report": Report(new SiteId(words[1]), words[2], words.Length > 3 ? Number(words[3]) : null); break;
            case "hear": Hear(new SiteId(words[1])); break;
            case "wait": now += DurationText.TryParse(words[1], out var time) ? time : TimeSpan.FromMinutes(Number(words[1])); break;
            case "revoke": evidence[new SiteId(words[1])] = Known(new SiteId(words[1])) with { Revoked = true }; break;
            case "restart": listening = now; break;
            case "answer": answers[words[1]] = new(words[2] == "yes", $"it answered {(words[2] == "yes" ? 200 : 503)}"); break;
            default: Say(words); break;
        }
    }

    private void Say(string[] words)
    {
        switch (words[0])
        {
            case "pause": Take(RolloutControl.Pause(state, words[1], "asked for", now)); break;
            case "resume": Take(RolloutControl.Resume(state)); break;
            case "abort": Take(RolloutControl.Abort(state, words[1], "asked for", now)); break;
            case "approve":
                Take(RolloutControl.Approve(state, releases[state?.Release ?? 1].Policies, words.Length > 3 ? words[3] : null, words[1], words[2], now));
                break;
            case "start":
                state = Planner.Start(Inputs(), new(words[1], words.Length > 2 ? words[2] : null, words.Contains("emergency")), now);
                if (state.Overtook is { } overtook) output.Append($"it {overtook}\n");
                Plan();
                break;
            case "rollback": state = Planner.Back(Inputs(), releases[Number(words[2])], words[1], now); break;
            default: throw new ArgumentException($"no such command: {words[0]}");
        }
    }

    private void Take(ControlOutcome outcome)
    {
        if (outcome is ControlOutcome.Done done) state = done.State;
        output.Append(outcome switch
        {
            ControlOutcome.Done one => one.Text,
            ControlOutcome.Refused refused => $"refused: {refused.Reason}",
            _ => "",
        }).Append('\n');
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static Share Share(string text) => new((int)Number(text.TrimEnd('%')), text.EndsWith('%'));

    private static TimeSpan Time(string text) => DurationText.TryParse(text, out var time) ? time : throw new ArgumentException(text);

    private void Policy(string name, string[] settings)
    {
        var policy = policies.GetValueOrDefault(name) ?? new RolloutPolicy(name, []);
        foreach (var setting in settings)
        {
            var (key, value) = (setting.Split('=')[0], setting.Split('=').Last());
            policy = key switch
            {
                "concurrent" => policy with { MaxConcurrent = Share(value) },
                "failures" => policy with { MaxFailures = Share(value) },
                "soak" => policy with { SoakTime = Time(value) },
                "deadline" => policy with { Deadline = Time(value) },
                "group" => policy with { GroupBy = value },
                "rollback" => policy with { OnFailure = FailureAnswer.Rollback },
                "manual" => policy with { StartsByHand = true },
                "priority" => policy with { Priority = (int)Number(value) },
                "emergency" => policy with { IsEmergency = true },
                "window" => policy with { Windows = [new(value.Replace('_', ' '), TimeSpan.FromHours(6), null)] },
                "freeze" => policy with
                {
                    Freezes = [new(DateTime.Parse(value.Split(',')[0], CultureInfo.InvariantCulture),
                        DateTime.Parse(value.Split(',')[1], CultureInfo.InvariantCulture), "holidays", null)],
                },
                _ => policy with { Waves = [.. policy.Waves, new Wave(setting)] },
            };
        }
        policies[name] = policy;
    }

    private void Wave(string[] path, string[] settings)
    {
        var policy = policies[path.Length > 1 ? path[0] : "default"];
        policies[policy.Name] = policy with
        {
            Waves = [.. policy.Waves.Select(wave => wave.Name == path[^1] ? settings.Aggregate(wave, Set) : wave)],
        };
    }

    private static Wave Set(Wave wave, string setting)
    {
        var (key, value) = (setting.Split('=')[0], setting.Split('=').Last());
        return key switch
        {
            "size" => wave with { Size = Share(value) },
            "concurrent" => wave with { MaxConcurrent = Share(value) },
            "failures" => wave with { MaxFailures = Share(value) },
            "soak" => wave with { SoakTime = Time(value) },
            "atleast" => wave with { AtLeast = Share(value) },
            "approval" => wave with { Approval = new(value.Split(','), TimeSpan.FromHours(24)) },
            "http" => wave with { Http = new(value, TimeSpan.FromHours(1)) },
            _ => throw new ArgumentException(setting),
        };
    }

    /// <summary>Words are site=bundle or site=bundle@wave; a bundle may be app:version+app:version.</summary>
    private void Release(string[] words)
    {
        var sites = new Dictionary<SiteId, ReleasedSite>();
        foreach (var word in words)
        {
            var parts = word.Split('=', '@');
            var digest = Digest.Of(Encoding.UTF8.GetBytes(parts[1]));
            names[digest] = parts[1];
            var choices = string.Join(';', policies.Keys.Select(policy => SiteChoices.Of(policy,
                parts.Length > 2 ? (int)Number(parts[2]) - 1 : null, groups.GetValueOrDefault(parts[0])).Text));
            sites[new SiteId(parts[0])] = new(digest, new RegionId("eu"))
            {
                Choices = new SiteChoices(choices),
                TimeZone = zones.GetValueOrDefault(parts[0]),
            };
        }
        release = new((release?.Number ?? 0) + 1, new PolicySet("default", new Dictionary<string, RolloutPolicy>(policies),
            new Dictionary<string, string>(apps)), sites);
        releases[release.Number] = release;
    }

    private PlannerInputs Inputs() => new(release, state, generation, lines, evidence, Freshness.Default, listening)
    {
        Target = state is null ? null : releases[state.Release],
        Answers = answers,
        ChangedApps = (before, after) =>
        {
            var (old, next) = (before is { } digest ? names[digest].Split('+') : [], names[after].Split('+'));
            return old.Except(next).Concat(next.Except(old)).Select(app => app.Split(':')[0]).Distinct();
        },
    };

    private void Plan() => Show(Planner.Next(Inputs(), now));

    private void Show(PlanDecision decision)
    {
        state = decision.State;
        if (decision is PlanDecision.NewPlan { Plan: var plan })
        {
            output.Append($"generation {plan.Generation} (after {plan.Parent}) towards release {plan.Release}\n");
            foreach (var line in plan.Changes)
            {
                var fallback = line.Fallback is { } bundle ? names[bundle] : "none";
                output.Append($"  {line.Site} -> {names[line.Bundle]} since {line.Since}, fallback {fallback}: {line.Reason}\n");
                lines[line.Site] = new(line.Since, line.Bundle);
            }
            generation = plan.Generation;
        }
        var status = decision.Status;
        output.Append($"{status.Phase}: {status.Reason}\n");
        if (status.Next is { } next) output.Append($"  release {next.Release} waits: {next.Reason}\n");
        foreach (var wave in status.Waves)
        {
            var policy = status.Waves.Any(other => other.Policy != wave.Policy) ? $"{wave.Policy}/" : "";
            output.Append($"  {policy}{wave.Name}: {(wave.Started ? "started" : "closed")}, {wave.Count(GateVerdict.Met)}/{wave.Sites.Count} met, "
                + $"{wave.Count(GateVerdict.Absent)} absent\n");
            foreach (var site in wave.Open) output.Append($"    {site.Site} {site.Verdict}: {site.Text}\n");
        }
        if (status.Orphaned.Count > 0) output.Append($"  orphaned: {string.Join(' ', status.Orphaned)}\n");
        if (decision is not PlanDecision.Wait { RollsBackTo: { } older }) return;
        output.Append($"  too many failed: back to release {older}\n");
        state = Planner.Back(Inputs(), releases[older], "policy", now);
    }

    private SiteEvidence Known(SiteId site) => evidence.GetValueOrDefault(site) ?? SiteEvidence.None;

    private void Hear(SiteId site) => evidence[site] = Known(site) with { HeardAt = now };

    private void Report(SiteId site, string phase, long? since)
    {
        var line = lines[site];
        var at = since ?? line.Since;
        var report = Reporting.Of(site, ++seq, generation, at, line.Bundle, Enum.Parse<ReportPhase>(phase, ignoreCase: true));
        var healthy = report.Phase == ReportPhase.Healthy ? line.Bundle : Known(site).LastHealthy;
        evidence[site] = Known(site) with { Report = report, HeardAt = now, LastHealthy = healthy };
    }
}

internal static class Reporting
{
    public static Report Of(SiteId site, long seq, long generation, long since, Digest bundle, ReportPhase phase) =>
        new(1, new FleetName("fleet"), site, 1, seq, default, generation, since, null, bundle, phase == ReportPhase.Healthy ? since : 0,
            phase, [], [], "test");
}
