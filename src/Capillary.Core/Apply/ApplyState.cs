using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>Where an attempt stands. Each has an end: a step done or failed, a deadline, or a newer assignment.</summary>
public enum ApplyPhase
{
    /// <summary>Nothing was ever assigned.</summary>
    Idle,

    /// <summary>Shown only: a newer assignment's blobs are on their way; what ran goes on.</summary>
    Fetching,

    /// <summary>Shown only: a newer assignment's blobs are here and a hold keeps it from beginning; what ran goes on.</summary>
    Held,

    /// <summary>Steps towards the assigned bundle.</summary>
    Applying,

    /// <summary>All steps done; waiting for every app to be healthy, each until its deadline.</summary>
    Verifying,

    /// <summary>The assigned bundle runs and every app was healthy when last asked.</summary>
    Healthy,

    /// <summary>The assigned bundle was healthy once and an app is not now. Nothing is reverted; it returns to Healthy by itself.</summary>
    Unhealthy,

    /// <summary>The attempt failed; its on-failure hooks run. What follows is Reverting, or Degraded.</summary>
    Failing,

    /// <summary>The attempt failed; steps towards the fallback.</summary>
    Reverting,

    /// <summary>The fallback's steps are done; waiting for its health.</summary>
    VerifyingFallback,

    /// <summary>The fallback runs. This <c>since</c> is not tried again.</summary>
    Reverted,

    /// <summary>
    /// The attempt failed and there is no fallback, or it failed too. It stays until a greater <c>since</c>, or until the assigned bundle,
    /// wholly in place, turns out healthy after all.
    /// </summary>
    Degraded,
}

/// <summary>
/// All that apply knows. What is durable is the JSON of this record (version 1, <c>apply.json</c>); members marked
/// <see cref="JsonIgnoreAttribute"/> are lost in a crash, and <see cref="ApplyEvent.Restarted"/> brings them back.
/// </summary>
public sealed record ApplyState
{
    /// <summary>The version written and read; another is an error.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The state of a site that has never seen an assignment.</summary>
    public static ApplyState Initial { get; } = new();

    /// <summary>The format's version.</summary>
    public int V { get; init; } = CurrentVersion;

    /// <summary>The newest assignment accepted; its <c>since</c> only grows.</summary>
    public DesiredBundle? Desired { get; init; }

    /// <summary>The assignment being applied, or the last one; older than <see cref="Desired"/> while blobs are fetched.</summary>
    public DesiredBundle? Attempt { get; init; }

    /// <summary>Where <see cref="Attempt"/> stands.</summary>
    public ApplyPhase Phase { get; init; }

    /// <summary>The bundle that the last step belonged to; drift is repaired towards it.</summary>
    public Digest? Target { get; init; }

    /// <summary>The bundle that is wholly in place; null while none is.</summary>
    public Digest? Actual { get; init; }

    /// <summary>What is ours, in ordinal order of key.</summary>
    public ImmutableArray<OwnedObject> Owned { get; init; } = [];

    /// <summary>Apps whose list in the cluster may not say what is owned.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ImmutableArray<string> ListsDue { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>
    /// The holds that stand, in the order they began, at most <see cref="Hold.MostHolds"/>. A state of before there were any has none.
    /// </summary>
    public ImmutableArray<Hold> Holds { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>In the order raised.</summary>
    public ImmutableArray<ApplyCondition> Conditions { get; init; } = [];

    /// <summary>The objects of the bundle being worked on, once loaded.</summary>
    [JsonIgnore]
    public DesiredObjects? Objects { get; init; }

    /// <summary>The blobs of <see cref="Desired"/> are here.</summary>
    [JsonIgnore]
    public bool FetchReady { get; init; }

    /// <summary>Fetches that failed in a row.</summary>
    [JsonIgnore]
    public int FetchFailures { get; init; }

    /// <summary>When to fetch again.</summary>
    [JsonIgnore]
    public DateTimeOffset? FetchAt { get; init; }

    /// <summary>The step that the host has.</summary>
    [JsonIgnore]
    public Step? InFlight { get; init; }

    /// <summary>What is to be done after it.</summary>
    [JsonIgnore]
    public ImmutableArray<Step> Steps { get; init; } = [];

    /// <summary>Steps that failed in a row.</summary>
    [JsonIgnore]
    public int Retries { get; init; }

    /// <summary>When to plan again after a failure.</summary>
    [JsonIgnore]
    public DateTimeOffset? RetryAt { get; init; }

    /// <summary>When verifying began; a restart begins it anew, for the services may have too.</summary>
    [JsonIgnore]
    public DateTimeOffset? VerifySince { get; init; }

    /// <summary>What the steps under way repair.</summary>
    [JsonIgnore]
    public ImmutableArray<Drift> Repairing { get; init; } = [];

    /// <summary>Health as last told.</summary>
    [JsonIgnore]
    public ImmutableArray<AppHealth> Health { get; init; } = [];

    /// <summary>An attempt is under way, forward or back; it is finished whatever is held.</summary>
    [JsonIgnore]
    public bool IsUnderWay => Phase is ApplyPhase.Applying or ApplyPhase.Verifying or ApplyPhase.Failing or ApplyPhase.Reverting
        or ApplyPhase.VerifyingFallback;

    /// <summary>A newer assignment could begin, and a hold keeps it from that.</summary>
    [JsonIgnore]
    public bool IsHeldBack => Pending && FetchReady && !Holds.IsEmpty;

    /// <summary>True while a newer assignment waits: for its blobs, a step in flight or a hold.</summary>
    [JsonIgnore]
    public bool Pending => Desired is { } desired && (Attempt is not { } attempt || desired.Since > attempt.Since);

    /// <summary>The bundle whose objects the current phase needs; null when there is none.</summary>
    [JsonIgnore]
    public Digest? Wanted => Phase switch
    {
        ApplyPhase.Applying or ApplyPhase.Verifying or ApplyPhase.Failing => Attempt?.Bundle,
        ApplyPhase.Reverting or ApplyPhase.VerifyingFallback => Attempt?.Fallback,
        ApplyPhase.Idle => null,
        _ => Target,
    };
}

/// <summary>Whether an app works.</summary>
public enum HealthState
{
    /// <summary>Not known yet.</summary>
    Unknown,

    Healthy,

    Unhealthy,
}

/// <summary>The health of one app: the worst of its services.</summary>
/// <param name="App">The app.</param>
/// <param name="State">Its health.</param>
/// <param name="Reason">Why it is not healthy, or null.</param>
public sealed record AppHealth(string App, HealthState State, string? Reason);

/// <summary>Something of ours is not as we left it.</summary>
/// <param name="Seen">The object as it stood in the inventory when this was found; if it changed since, the finding is void.</param>
/// <param name="Text">What is wrong with it.</param>
public sealed record Drift(OwnedObject Seen, string Text);

/// <summary>What a site tells about apply: the source of its report.</summary>
/// <param name="Phase">Of the attempt, or Fetching or Held.</param>
/// <param name="Bundle">The bundle that is wholly in place; null while none is.</param>
/// <param name="Since">Of the newest assignment that is fetched or attempted; null before the first.</param>
/// <param name="AttemptedBundle">The bundle of that assignment.</param>
/// <param name="Apps">Health of each app of what runs.</param>
/// <param name="Conditions">What holds now.</param>
public sealed record ApplyStatus(
    ApplyPhase Phase,
    Digest? Bundle,
    long? Since,
    Digest? AttemptedBundle,
    ImmutableArray<AppHealth> Apps,
    ImmutableArray<ApplyCondition> Conditions)
{
    /// <summary>The status that this state shows.</summary>
    public static ApplyStatus Of(ApplyState state)
    {
        var waits = state.Pending && !state.IsUnderWay;
        var phase = !waits ? state.Phase : state.IsHeldBack ? ApplyPhase.Held : ApplyPhase.Fetching;
        var subject = waits ? state.Desired : state.Attempt;
        var apps = state.Objects is null ? state.Health : [.. state.Objects.Apps.Select(app => HealthOf(state, app))];
        return new ApplyStatus(phase, state.Actual, subject?.Since, subject?.Bundle, apps, state.Conditions);
    }

    /// <summary>An app with nothing that has a health is healthy; one that nobody has told about is unknown.</summary>
    internal static AppHealth HealthOf(ApplyState state, DesiredApp app)
    {
        if (app.Services.IsEmpty && app.Objects.IsEmpty) return new AppHealth(app.Name, HealthState.Healthy, null);
        foreach (var health in state.Health)
        {
            if (health.App == app.Name) return health;
        }
        return new AppHealth(app.Name, HealthState.Unknown, "not asked yet");
    }

    /// <summary>Equal in everything that a report would carry.</summary>
    public bool SameAs(ApplyStatus other) => (Phase, Bundle, Since, AttemptedBundle)
        == (other.Phase, other.Bundle, other.Since, other.AttemptedBundle)
        && Apps.AsSpan().SequenceEqual(other.Apps.AsSpan()) && Conditions.AsSpan().SequenceEqual(other.Conditions.AsSpan());
}

/// <summary>The JSON of <see cref="ApplyState"/>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ApplyState))]
public sealed partial class ApplyJson : JsonSerializerContext;
