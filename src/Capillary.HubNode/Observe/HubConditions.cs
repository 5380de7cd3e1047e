using System.Collections.Concurrent;

namespace Capillary.HubNode.Observe;

/// <summary>A problem of the hub itself that stands until it is solved.</summary>
/// <param name="Code">One of <see cref="HubConditions"/>' constants.</param>
/// <param name="Since">From when.</param>
/// <param name="Text">What is wrong and what to do.</param>
internal sealed record HubCondition(string Code, DateTimeOffset Since, string Text);

/// <summary>What is wrong with the hub now. The loop that owns the work raises a condition when it fails and clears it when it
/// succeeds.</summary>
internal sealed class HubConditions(TimeProvider time)
{
    public const string GitUnreachable = "GitUnreachable";
    public const string CommitFailed = "CommitFailed";
    public const string ReleaseNotKept = "ReleaseNotKept";
    public const string PlanNotPublished = "PlanNotPublished";
    public const string HubBehind = "HubBehind";
    public const string TrustRootBehind = "TrustRootBehind";
    public const string SiteLifeWaits = "SiteLifeWaits";
    public const string ReportsNotKept = "ReportsNotKept";
    public const string EventsNotKept = "EventsNotKept";
    public const string KeyCopied = "KeyCopied";

    private readonly ConcurrentDictionary<string, HubCondition> standing = new();

    /// <summary>In order of code.</summary>
    public IReadOnlyList<HubCondition> All => [.. standing.Values.OrderBy(condition => condition.Code, StringComparer.Ordinal)];

    /// <summary>True when it did not stand before.</summary>
    public bool Raise(string code, string text)
    {
        var fresh = new HubCondition(code, time.GetUtcNow(), text);
        return ReferenceEquals(standing.AddOrUpdate(code, fresh, (_, old) => old with { Text = text }), fresh);
    }

    /// <summary>True when it stood.</summary>
    public bool Clear(string code) => standing.TryRemove(code, out _);
}
