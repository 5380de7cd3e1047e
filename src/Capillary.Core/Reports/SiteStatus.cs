using System.Text.Json.Serialization;
using Capillary.Core.Bundles;

namespace Capillary.Core.Reports;

/// <summary>A site's state as people see it; the first that holds, in this order.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SiteState>))]
public enum SiteState
{
    /// <summary>What we owned there was removed, then it was revoked.</summary>
    [JsonStringEnumMemberName("retired")]
    Retired,

    /// <summary>Its record says so; it may not take part.</summary>
    [JsonStringEnumMemberName("revoked")]
    Revoked,

    /// <summary>The site has accepted a generation the hub does not know.</summary>
    [JsonStringEnumMemberName("conflict")]
    Conflict,

    /// <summary>Declared, never seen.</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>Not heard of for longer than the offline time.</summary>
    [JsonStringEnumMemberName("offline")]
    Offline,

    /// <summary>Not heard of for longer than the freshness time.</summary>
    [JsonStringEnumMemberName("stale")]
    Stale,

    /// <summary>It says that something is wrong.</summary>
    [JsonStringEnumMemberName("degraded")]
    Degraded,

    /// <summary>Its assignment is not applied yet, and nothing but time keeps it from that.</summary>
    [JsonStringEnumMemberName("progressing")]
    Progressing,

    /// <summary>Its assignment is not applied yet because it says "not now".</summary>
    [JsonStringEnumMemberName("held")]
    Held,

    /// <summary>It runs what it should, said so itself, and not long ago.</summary>
    [JsonStringEnumMemberName("healthy")]
    Healthy,
}

/// <summary>What a site's state is derived from.</summary>
/// <param name="Revoked">Its record is revoked.</param>
/// <param name="Report">Its newest verified report; null when never seen.</param>
/// <param name="HeardAt">When something of it last reached the hub: a report, or a proof of life.</param>
/// <param name="DesiredSince">`since` of its line; 0 when it has none.</param>
/// <param name="DesiredBundle">Bundle of its line.</param>
/// <param name="Generation">The hub's newest generation.</param>
public sealed record SiteFacts(bool Revoked, Report? Report, DateTimeOffset? HeardAt, long DesiredSince, Digest? DesiredBundle,
    long Generation)
{
    /// <summary>It was retired.</summary>
    public bool Retired { get; init; }
}

/// <summary>The numbers of honest status.</summary>
/// <param name="FreshFor">How long a site counts as heard of (default 90 s).</param>
/// <param name="OfflineAfter">From when it is offline (default 10 min).</param>
public sealed record Freshness(TimeSpan FreshFor, TimeSpan OfflineAfter)
{
    public static Freshness Default { get; } = new(TimeSpan.FromSeconds(90), TimeSpan.FromMinutes(10));
}

/// <summary>
/// Promise 6: status never lies. Silent is never healthy, and what a site ran before says nothing of what it should run now.
/// </summary>
public static class SiteStatus
{
    public static SiteState Derive(SiteFacts facts, Freshness freshness, DateTimeOffset now)
    {
        if (facts.Retired) return SiteState.Retired;
        if (facts.Revoked) return SiteState.Revoked;
        if (facts.Report is not { } report || facts.HeardAt is not { } heard) return SiteState.Pending;
        if (report.Generation > facts.Generation) return SiteState.Conflict;
        var silence = now - heard;
        if (silence > freshness.OfflineAfter) return SiteState.Offline;
        // Heard of in the future: the hub's clock was set back, and how long the silence really lasts is not known.
        if (silence > freshness.FreshFor || silence < -freshness.FreshFor) return SiteState.Stale;
        return FromReport(report, facts);
    }

    private static SiteState FromReport(Report report, SiteFacts facts)
    {
        var broken = report.Phase is ReportPhase.Degraded || report.Conditions.Any(condition => condition.Severity == Severity.Error)
            || (report.Phase is ReportPhase.Healthy && report.Apps.Any(app => !app.Healthy));
        var answersLine = report.Since == facts.DesiredSince;
        if (broken || (answersLine && report.Phase is ReportPhase.Reverted)) return SiteState.Degraded;
        if (report.Phase is ReportPhase.Held) return SiteState.Held;
        var runsIt = answersLine && report.Bundle == facts.DesiredBundle && report.BundleSince == facts.DesiredSince;
        return report.Phase is ReportPhase.Healthy && runsIt && facts.DesiredSince > 0 ? SiteState.Healthy : SiteState.Progressing;
    }
}
