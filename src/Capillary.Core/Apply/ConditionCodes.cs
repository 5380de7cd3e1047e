namespace Capillary.Core.Apply;

/// <summary>How much a condition asks of a person.</summary>
public enum ConditionSeverity
{
    /// <summary>Worth knowing; nothing to do.</summary>
    Info,

    /// <summary>The site runs, but not as it should.</summary>
    Warning,

    /// <summary>What was assigned does not run.</summary>
    Error,
}

/// <summary>A typed fact about applying at one site, shown until it no longer holds.</summary>
/// <param name="Code">One of <see cref="ConditionCodes"/>.</param>
/// <param name="Severity">Follows from the code.</param>
/// <param name="Subject">What it is about: an app, <c>app/service</c>, a path; "" for the site. One condition per code and subject.</param>
/// <param name="Text">For a person: what happened and why. Holds no content of files or logs.</param>
/// <param name="At">When it was last raised, by the site's clock (which may be wrong).</param>
public sealed record ApplyCondition(string Code, ConditionSeverity Severity, string Subject, string Text, DateTimeOffset At);

/// <summary>The conditions that applying can raise: the one list that the site, the hub, the console and the tests share.</summary>
public static class ConditionCodes
{
    /// <summary>A step could not be done.</summary>
    public const string ApplyFailed = "ApplyFailed";

    /// <summary>The attempt failed and the fallback runs again, healthy.</summary>
    public const string Reverted = "Reverted";

    /// <summary>The fallback failed too; the site stopped there.</summary>
    public const string RevertFailed = "RevertFailed";

    /// <summary>An app did not become healthy within its deadline, or is no longer healthy.</summary>
    public const string HealthCheckFailed = "HealthCheckFailed";

    /// <summary>Somebody changed or ended what we own, and it was put back. Kept for ten minutes.</summary>
    public const string DriftRepaired = "DriftRepaired";

    /// <summary>Too little space; what ran goes on, and the attempt is made again by itself.</summary>
    public const string DiskFull = "DiskFull";

    /// <summary>Little space is left where bundles are kept; what runs goes on.</summary>
    public const string DiskLow = "DiskLow";

    /// <summary>A path lies outside the site's root folders, or a link or device is in its way.</summary>
    public const string PathNotAllowed = "PathNotAllowed";

    /// <summary>A user is not on the site's own list, or is root where root is not allowed.</summary>
    public const string UserNotAllowed = "UserNotAllowed";

    /// <summary>A privileged port is not on the site's own list.</summary>
    public const string PortNotAllowed = "PortNotAllowed";

    /// <summary>A service ended several times in a row.</summary>
    public const string ServiceCrashLooping = "ServiceCrashLooping";

    /// <summary>The bundle's bytes break a rule of the format.</summary>
    public const string BundleInvalid = "BundleInvalid";

    /// <summary>The site's clock differs from the hub's signed time by more than five minutes; nothing is decided by it.</summary>
    public const string ClockWrong = "ClockWrong";

    /// <summary>No newer beacon for so long that what is desired may be newer than what is known here.</summary>
    public const string DesiredStateUnconfirmed = "DesiredStateUnconfirmed";

    /// <summary>Blobs of the bundle or its fallback are not here yet.</summary>
    public const string BlobsMissing = "BlobsMissing";

    /// <summary>Big blobs of the bundle or its fallback wait for the end of the site's quiet hours.</summary>
    public const string BlobsWait = "BlobsWait";

    /// <summary>The site's own durable state was unreadable and was put aside.</summary>
    public const string StateLost = "StateLost";

    /// <summary>The cluster's API server does not answer; what runs there goes on, and what is to be done is done when it does.</summary>
    public const string ClusterUnreachable = "ClusterUnreachable";

    /// <summary>The agent's service account may not do what the bundle needs.</summary>
    public const string NotPermitted = "NotPermitted";

    /// <summary>The cluster does not serve a kind that the bundle has.</summary>
    public const string KindUnknown = "KindUnknown";

    /// <summary>Another field manager owned a field that the bundle sets; it was taken over, or left, as the app's policy says.</summary>
    public const string FieldConflict = "FieldConflict";

    /// <summary>A field must change that cannot, and the object does not ask to be replaced.</summary>
    public const string FieldImmutable = "FieldImmutable";

    /// <summary>A hook failed, or did not end in time.</summary>
    public const string HookFailed = "HookFailed";

    /// <summary>More of the site's objects left the bundle than may be removed without a confirmation; they stay until then.</summary>
    public const string PruneNeedsConfirm = "PruneNeedsConfirm";

    /// <summary>An object that left the bundle was not removed, as it is guarded; it is ours no longer.</summary>
    public const string PruneSkipped = "PruneSkipped";

    /// <summary>A hold keeps the newest assignment from beginning; the subject is the hold's name.</summary>
    public const string Held = "Held";

    /// <summary>A hold stands past its max: an operator may override it. It does not end by itself.</summary>
    public const string HoldOverdue = "HoldOverdue";

    /// <summary>The severity of a code; unknown codes are errors.</summary>
    public static ConditionSeverity SeverityOf(string code) => code switch
    {
        DriftRepaired or BlobsWait or FieldConflict or PruneSkipped or Held => ConditionSeverity.Info,
        ClusterUnreachable or PruneNeedsConfirm or HoldOverdue or DiskLow => ConditionSeverity.Warning,
        BlobsMissing or ClockWrong or DesiredStateUnconfirmed or DiskFull or ServiceCrashLooping or StateLost => ConditionSeverity.Warning,
        _ => ConditionSeverity.Error,
    };

    /// <summary>A condition with the severity of its code.</summary>
    public static ApplyCondition Create(string code, string subject, string text, DateTimeOffset at) =>
        new(code, SeverityOf(code), subject, text, at);

    /// <summary>True for what an attempt raised and the next attempt makes void.</summary>
    internal static bool BelongsToAttempt(string code) =>
        code is not (DriftRepaired or ServiceCrashLooping or StateLost or ClusterUnreachable or Held or HoldOverdue);
}
