using System.Globalization;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
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
    private readonly StringBuilder output = new();
    private string[] waves = [];
    private TargetRelease? release;
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
            case "waves": waves = words[1..]; break;
            case "release": Release(words[1..]); break;
            case "plan": Plan(); break;
            case "report": Report(new SiteId(words[1]), words[2], words.Length > 3 ? long.Parse(words[3], CultureInfo.InvariantCulture)
                : null); break;
            case "hear": Hear(new SiteId(words[1])); break;
            case "wait": now += TimeSpan.FromMinutes(int.Parse(words[1], CultureInfo.InvariantCulture)); break;
            case "revoke": evidence[new SiteId(words[1])] = Known(new SiteId(words[1])) with { Revoked = true }; break;
            case "restart": listening = now; break;
            default: throw new ArgumentException($"no such command: {words[0]}");
        }
    }

    /// <summary>Words are site=bundle or site=bundle@wave.</summary>
    private void Release(string[] words)
    {
        var sites = new Dictionary<SiteId, ReleasedSite>();
        foreach (var word in words)
        {
            var parts = word.Split('=', '@');
            var digest = Digest.Of(Encoding.UTF8.GetBytes(parts[1]));
            names[digest] = parts[1];
            sites[new SiteId(parts[0])] = new(digest, new RegionId("eu"), parts.Length > 2
                ? int.Parse(parts[2], CultureInfo.InvariantCulture) - 1 : waves.Length);
        }
        release = new((release?.Number ?? 0) + 1, waves, sites);
    }

    private void Plan()
    {
        var decision = Planner.Next(new(release, generation, lines, evidence, Freshness.Default, listening), now);
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
        foreach (var wave in status.Waves)
        {
            output.Append($"  {wave.Name}: {(wave.Started ? "started" : "closed")}, {wave.Met}/{wave.Sites} met, {wave.Absent} absent\n");
            foreach (var site in wave.Open) output.Append($"    {site.Site} {site.Verdict}: {site.Text}\n");
        }
        if (status.Orphaned.Count > 0) output.Append($"  orphaned: {string.Join(' ', status.Orphaned)}\n");
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
