using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Reports;

namespace Capillary.Fleet.Rollouts;

/// <summary>Promise 7: what one site's evidence means for the gate of its wave.</summary>
internal static class WaveGate
{
    public static SiteVerdict Judge(SiteId site, CurrentLine line, PlannerInputs inputs, DateTimeOffset now)
    {
        var evidence = inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None;
        if (Absence(evidence, inputs, now) is { } absence) return new(site, GateVerdict.Absent, absence);
        if (evidence.Report is not { } report) return new(site, GateVerdict.Waiting, "it lives and has not reported yet");
        // Whether it is heard of was decided above; what remains is what its newest report says of exactly this line.
        var facts = new SiteFacts(evidence.Revoked, report, now, line.Since, line.Bundle, inputs.Generation);
        return SiteStatus.Derive(facts, inputs.Freshness, now) switch
        {
            SiteState.Healthy => new(site, GateVerdict.Met, "healthy"),
            // An error that is left from the attempt before does not fail this one.
            SiteState.Degraded when report.Since >= line.Since && report.Phase is ReportPhase.Degraded or ReportPhase.Reverted
                => new(site, GateVerdict.Failed, Failure(report)),
            SiteState.Conflict => new(site, GateVerdict.Failed,
                $"it accepted generation {report.Generation}, which this hub does not know"),
            SiteState.Held when report.Since >= line.Since => new(site, GateVerdict.Held, HoldOf(report)),
            _ when report.Since < line.Since => new(site, GateVerdict.Waiting,
                $"it has not accepted since {line.Since} yet (is at {report.Since})"),
            _ => new(site, GateVerdict.Waiting, $"it is applying since {line.Since}"),
        };
    }

    /// <summary>True when the site was heard of lately enough to count.</summary>
    public static bool IsHeard(SiteEvidence evidence, PlannerInputs inputs, DateTimeOffset now) =>
        evidence.HeardAt is { } heard && Silence(heard, inputs, now) <= inputs.Freshness.OfflineAfter;

    public static string? Absence(SiteEvidence evidence, PlannerInputs inputs, DateTimeOffset now)
    {
        if (evidence.Revoked) return "its record is revoked";
        if (evidence.HeardAt is not { } heard) return "never seen";
        return IsHeard(evidence, inputs, now) ? null : $"offline: silent for {(long)Silence(heard, inputs, now).TotalMinutes} min";
    }

    // A hub that was down was deaf itself: a site is silent only while somebody listens.
    private static TimeSpan Silence(DateTimeOffset heard, PlannerInputs inputs, DateTimeOffset now) =>
        now - (heard > inputs.ListeningSince ? heard : inputs.ListeningSince);

    /// <summary>Why it says "not now", in its own words.</summary>
    public static string HoldOf(Report report) =>
        report.Conditions.FirstOrDefault(condition => condition.Code == ConditionCodes.Held)?.Text ?? "a hold keeps it from applying";

    /// <summary>Why it is not healthy.</summary>
    public static string Failure(Report report)
    {
        if (report.Phase is ReportPhase.Reverted) return "it reverted to its fallback";
        var error = report.Conditions.FirstOrDefault(condition => condition.Severity == Severity.Error);
        return error is null ? "it is degraded" : $"{error.Code}: {error.Text}";
    }
}
