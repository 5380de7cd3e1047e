using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Reports;

/// <summary>How much a condition matters.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Severity>))]
public enum Severity
{
    /// <summary>Worth knowing; the site is healthy.</summary>
    [JsonStringEnumMemberName("info")]
    Info,

    /// <summary>Needs a look; the site is healthy.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>The site is degraded.</summary>
    [JsonStringEnumMemberName("error")]
    Error,
}

/// <summary>A typed fact in a report.</summary>
/// <param name="Code">A declared health code.</param>
/// <param name="Severity">Its severity.</param>
/// <param name="Text">One sentence for a person; never patient data, at most 1,024 characters.</param>
public sealed record Condition(string Code, Severity Severity, string Text);

/// <summary>Where the site stands with its newest assignment.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReportPhase>))]
public enum ReportPhase
{
    /// <summary>Nothing assigned yet.</summary>
    [JsonStringEnumMemberName("idle")]
    Idle,

    /// <summary>Fetching, applying or waiting for health.</summary>
    [JsonStringEnumMemberName("progressing")]
    Progressing,

    /// <summary>The assigned bundle runs and is healthy.</summary>
    [JsonStringEnumMemberName("healthy")]
    Healthy,

    /// <summary>The assigned bundle failed; its fallback runs.</summary>
    [JsonStringEnumMemberName("reverted")]
    Reverted,

    /// <summary>What runs is not healthy and the site goes no further by itself.</summary>
    [JsonStringEnumMemberName("degraded")]
    Degraded,

    /// <summary>A hold keeps the site from applying.</summary>
    [JsonStringEnumMemberName("held")]
    Held,
}

/// <summary>One app's health at the site.</summary>
/// <param name="Name">The app.</param>
/// <param name="Healthy">Whether all its services are.</param>
/// <param name="Message">Why not; null when healthy.</param>
public sealed record AppHealth(AppName Name, bool Healthy, string? Message = null);

/// <summary>
/// What a site says of itself, signed by its identity key. Reports are state: within an incarnation a higher <paramref name="Seq"/> replaces a lower one.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site.</param>
/// <param name="Incarnation">Grows when the site's state begins anew (enrollment); the hub's record version at that time.</param>
/// <param name="Seq">From 1; grows by one with each report of an incarnation.</param>
/// <param name="At">The site's own clock; shown, never trusted.</param>
/// <param name="Generation">Highest generation accepted.</param>
/// <param name="Since">`since` of the accepted line; 0 when none.</param>
/// <param name="Leaf">Digest of the accepted line's bytes; null when none.</param>
/// <param name="Bundle">Digest of the bundle that is applied now; null when none.</param>
/// <param name="BundleSince">`since` under which that bundle was applied; 0 when none.</param>
/// <param name="Phase">Where it stands with the accepted line.</param>
/// <param name="Apps">Each app's health.</param>
/// <param name="Conditions">What else is to be said, at most 100.</param>
/// <param name="Agent">The agent's version.</param>
public sealed record Report(int V, FleetName Fleet, SiteId Site, long Incarnation, long Seq, DateTimeOffset At, long Generation, long Since,
    Digest? Leaf, Digest? Bundle, long BundleSince, ReportPhase Phase, IReadOnlyList<AppHealth> Apps, IReadOnlyList<Condition> Conditions,
    string Agent)
{
    private const int MaxConditions = 100;

    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, ReportJson.Default.Report);

    /// <summary>The report, if the site's key in <paramref name="record"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, the record is not an active site's, or it is no report.</exception>
    public static Report Verify(Envelope envelope, NodeRecord record)
    {
        if (record is not { Kind: NodeKind.Site, State: RecordState.Active })
            throw new TrustFormatException($"report: '{record.Node}' is not an active site");
        SignedDocument.RequireSigner(envelope, PayloadTypes.Report, [record.IdentityKey], "report", $"key in the record of '{record.Node}'");
        var report = SignedDocument.Read(envelope, PayloadTypes.Report, ReportJson.Default.Report);
        SignedDocument.RequireVersion(report.V, "report");
        SignedDocument.RequireFleet(report.Fleet, record.Fleet, "report");
        if (report.Site.Value != record.Node.Value) throw new TrustFormatException($"report: of site '{report.Site}', signed by '{record.Node}'");
        if (report.Apps is null || report.Conditions is null || report.Apps.Count > BundleManifest.MaxLayers || report.Conditions.Count > MaxConditions)
            throw new TrustFormatException("report: apps or conditions is missing or too long");
        return report;
    }

    /// <summary>The site a report claims to be of, before any verification; null when it has none. Only to find the record to verify with.</summary>
    public static SiteId? ClaimedSite(Envelope envelope)
    {
        try
        {
            using var json = JsonDocument.Parse(envelope.Payload);
            return json.RootElement.TryGetProperty("site", out var site) && DnsLabel.IsValid(site.GetString()) ? new SiteId(site.GetString()!) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether this report replaces <paramref name="other"/>.</summary>
    public bool IsNewerThan(Report? other) =>
        other is null || Incarnation > other.Incarnation || (Incarnation == other.Incarnation && Seq > other.Seq);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Report))]
internal sealed partial class ReportJson : JsonSerializerContext;
