using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Reports;

/// <summary>How much a condition matters.</summary>
[JsonConverter(typeof(EnumNameJson<Severity>))]
public enum Severity
{
    /// <summary>Worth knowing; the site is healthy.</summary>
    Info,

    /// <summary>Needs a look; the site is healthy.</summary>
    Warning,

    /// <summary>The site is degraded.</summary>
    Error,
}

/// <summary>A typed fact in a report.</summary>
/// <param name="Code">A declared health code, at most 100 characters.</param>
/// <param name="Severity">Its severity.</param>
/// <param name="Text">One sentence for a person; never patient data, at most 1,024 characters.</param>
public sealed record Condition(string Code, [property: JsonRequired] Severity Severity, string Text);

/// <summary>Where the site stands with its newest assignment.</summary>
[JsonConverter(typeof(EnumNameJson<ReportPhase>))]
public enum ReportPhase
{
    /// <summary>Nothing assigned yet.</summary>
    Idle,

    /// <summary>Fetching, applying or waiting for health.</summary>
    Progressing,

    /// <summary>The assigned bundle runs and is healthy.</summary>
    Healthy,

    /// <summary>The assigned bundle failed; its fallback runs.</summary>
    Reverted,

    /// <summary>What runs is not healthy and the site goes no further by itself.</summary>
    Degraded,

    /// <summary>A hold keeps the site from applying.</summary>
    Held,
}

/// <summary>One app's health at the site.</summary>
/// <param name="Name">The app.</param>
/// <param name="Healthy">Whether all its services are.</param>
/// <param name="Message">Why not, at most 1,024 characters; null when healthy.</param>
public sealed record AppHealth(AppName Name, [property: JsonRequired] bool Healthy, string? Message = null);

/// <summary>
/// What a site says of itself, signed by its identity key. Reports are state: within an incarnation a higher <paramref name="Seq"/>
/// replaces a lower one.
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
/// <param name="Agent">The agent's version, at most 1,024 characters.</param>
public sealed record Report(int V, FleetName Fleet, SiteId Site, [property: JsonRequired] long Incarnation, long Seq,
    [property: JsonRequired] DateTimeOffset At, [property: JsonRequired] long Generation, [property: JsonRequired] long Since, Digest? Leaf,
    Digest? Bundle, [property: JsonRequired] long BundleSince, [property: JsonRequired] ReportPhase Phase, IReadOnlyList<AppHealth> Apps,
    IReadOnlyList<Condition> Conditions, string Agent)
{
    /// <summary>
    /// The hub's time of signing of the newest beacon that the site had verified when it signed this; null: of none. It tells how old a
    /// relayed report is at most, in the hub's own time.
    /// </summary>
    public DateTimeOffset? Beacon { get; init; }

    /// <summary>
    /// Number of the newest event of this incarnation, 0 before the first; null: not said. The hub sees by it that events are withheld,
    /// whatever a parent told the site.
    /// </summary>
    public long? Events { get; init; }

    private const int MaxConditions = 100;
    private const int MaxText = 1024;
    private const int MaxCode = 100;

    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, ReportJson.Default.Report);

    /// <summary>The report, if the site's key in <paramref name="record"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, the record is not an active site's, or it is no report.</exception>
    public static Report Verify(Envelope envelope, NodeRecord record)
    {
        if (record is not { Kind: NodeKind.Site, State: RecordState.Active })
            throw new TrustFormatException($"report: '{record.Node}' is not an active site");
        SignedDocument.RequireSigner(envelope, PayloadTypes.Report, [record.IdentityKey], "report", $"key of '{record.Node}'");
        return Parse(envelope, record);
    }

    /// <summary>Reads the report and verifies no signature; as <see cref="NodeRecord.Parse"/>.</summary>
    /// <exception cref="TrustFormatException">It is not of the record's site, or no report.</exception>
    public static Report Parse(Envelope envelope, NodeRecord record)
    {
        var report = SignedDocument.Read(envelope, PayloadTypes.Report, ReportJson.Default.Report);
        SignedDocument.RequireVersion(report.V, "report");
        SignedDocument.RequireFleet(report.Fleet, record.Fleet, "report");
        if (report.Site.Value != record.Node.Value)
            throw new TrustFormatException($"report: of site '{report.Site}', signed by '{record.Node}'");
        report.RequireSense();
        return report;
    }

    // A site's key signs whatever broke into the site writes; the hub reads it all.
    private void RequireSense()
    {
        if (Apps is not { Count: <= BundleManifest.MaxLayers } || Apps.Any(app => app?.Name.Value is null || app.Message?.Length > MaxText))
            throw new TrustFormatException("report: apps is missing, too long or has an app without a name");
        if (Conditions is not { Count: <= MaxConditions }
            || Conditions.Any(item => item is not { Code.Length: <= MaxCode, Text.Length: <= MaxText }))
            throw new TrustFormatException("report: conditions is missing, too long or has one without code and text");
        if (Agent is not { Length: <= MaxText }) throw new TrustFormatException("report: agent is missing or too long");
        if (Incarnation < 0 || Seq < 1 || Generation < 0 || Since < 0 || Since > Generation || BundleSince < 0 || BundleSince > Since)
            throw new TrustFormatException("report: incarnation, seq, generation or since out of range");
        if (Events is < 0 or > EventBatch.MaxNumber) throw new TrustFormatException("report: events is out of range");
    }

    /// <summary>
    /// The site a report claims to be of, before any verification; null when it has none. Only to find the record to verify with.
    /// </summary>
    public static SiteId? ClaimedSite(Envelope envelope)
    {
        try
        {
            using var json = JsonDocument.Parse(envelope.Payload);
            return json.RootElement.TryGetProperty("site", out var site) && site.GetString() is { } name && DnsLabel.IsValid(name)
                ? new SiteId(name)
                : null;
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

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Report))]
internal sealed partial class ReportJson : JsonSerializerContext;
