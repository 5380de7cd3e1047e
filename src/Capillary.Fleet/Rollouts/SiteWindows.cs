using System.Globalization;
using Capillary.Fleet.Documents;
using Cronos;

namespace Capillary.Fleet.Rollouts;

/// <summary>When a policy lets a site start, each by its own clock on the wall.</summary>
internal sealed class SiteWindows(RolloutPolicy policy)
{
    private readonly List<(CronExpression Cron, TimeWindow Window)> windows =
        [.. policy.Windows.Select(window => (CronExpression.Parse(window.Cron), window))];
    private readonly Dictionary<string, string?> known = new(StringComparer.Ordinal);

    /// <summary>Whether it ever keeps anything.</summary>
    public bool AreAlwaysOpen => windows.Count == 0 && policy.Freezes.Count == 0;

    /// <summary>Why a site may not start now; null: it may. The same for every site of one zone.</summary>
    public string? Closed(string? siteZone, DateTimeOffset now)
    {
        if (AreAlwaysOpen) return null;
        var name = siteZone ?? "UTC";
        if (!known.TryGetValue(name, out var closed)) known[name] = closed = Look(Zone(name), now);
        return closed;
    }

    private string? Look(TimeZoneInfo siteZone, DateTimeOffset now)
    {
        foreach (var freeze in policy.Freezes)
        {
            var there = TimeZoneInfo.ConvertTime(now, freeze.TimeZone is { } zone ? Zone(zone) : siteZone).DateTime;
            if (there >= freeze.From && there < freeze.To)
                return string.Create(CultureInfo.InvariantCulture, $"frozen until {freeze.To:yyyy-MM-dd HH:mm}: {freeze.Reason}");
        }
        if (windows.Count == 0) return null;
        DateTimeOffset? next = null;
        foreach (var (cron, window) in windows)
        {
            var zone = window.TimeZone is { } own ? Zone(own) : siteZone;
            // The window that began last: still open if it began less than its duration ago.
            if (cron.GetOccurrences(now - window.Duration, now, zone, fromInclusive: false, toInclusive: true).Any()) return null;
            if (cron.GetNextOccurrence(now, zone) is { } begins && (next is null || begins < next)) next = begins;
        }
        if (next is not { } opens) return "no window ever opens: see the policy's windows";
        var local = TimeZoneInfo.ConvertTime(opens, siteZone);
        return string.Create(CultureInfo.InvariantCulture, $"its window opens {local:yyyy-MM-dd HH:mm zzz}");
    }

    // A zone that was known when the commit was compiled may be missing from another machine's time zone database.
    private static TimeZoneInfo Zone(string name) => TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : TimeZoneInfo.Utc;
}
