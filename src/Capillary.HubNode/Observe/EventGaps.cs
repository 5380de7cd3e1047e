using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;

namespace Capillary.HubNode.Observe;

/// <summary>
/// Events that sites have, as their signed reports say, and that this hub does not keep. Whoever is between may tell a site that they are
/// kept, and hold back all that follow; the site's reports he can only hold back as a whole, and then it shows offline.
/// </summary>
internal sealed class EventGaps(TimeProvider time)
{
    /// <summary>A condition's code.</summary>
    public const string EventsMissing = "EventsMissing";

    /// <summary>How long events may be under way while their site is heard of. A full log behind a slow link takes as long.</summary>
    public static TimeSpan Grace { get; } = 2 * LinkProtocol.BeaconEvery;

    private readonly Lock gate = new();
    private readonly Dictionary<SiteId, EventCursor> kept = [];
    private readonly Dictionary<SiteId, EventCursor> said = [];
    private readonly Dictionary<SiteId, Due> gaps = [];

    private sealed record Due(EventCursor Until, DateTimeOffset Since);

    /// <summary>The newest report of a site, that came over a link: by stick come reports without events.</summary>
    public void Said(Report report)
    {
        if (report.Events is not { } newest) return;
        lock (gate)
        {
            said[report.Site] = new(report.Incarnation, newest);
            Settle(report.Site);
        }
    }

    /// <summary>The hub keeps a site's events up to here.</summary>
    public void Kept(SiteId site, EventCursor cursor)
    {
        lock (gate)
        {
            // A batch of an incarnation that is over is answered too.
            if (kept.GetValueOrDefault(site, EventCursor.None).Incarnation > cursor.Incarnation) return;
            kept[site] = cursor;
            Settle(site);
        }
    }

    /// <summary>The condition of a site that was last heard of at <paramref name="heard"/>; null: none stands.</summary>
    public Condition? ConditionOf(SiteId site, DateTimeOffset? heard)
    {
        lock (gate)
        {
            // A site that is silent may not have been able to send them.
            if (!gaps.TryGetValue(site, out var due) || heard is null || heard.Value - due.Since < Grace) return null;
            var (until, have) = (said[site], kept.GetValueOrDefault(site, EventCursor.None));
            return new Condition(EventsMissing, Severity.Warning, $"since {due.Since:u} the site says that it "
                + $"has events up to number {until.Seq}, and this hub keeps them up to "
                + $"{(have.Incarnation == until.Incarnation ? have.Seq : 0)}: its region withholds them, or the link is too slow for them");
        }
    }

    private void Settle(SiteId site)
    {
        if (!said.TryGetValue(site, out var newest)) return;
        var have = kept.GetValueOrDefault(site, EventCursor.None);
        if (Covers(have, newest)) gaps.Remove(site);
        else if (!gaps.TryGetValue(site, out var due) || Covers(have, due.Until)) gaps[site] = new(newest, time.GetUtcNow());
    }

    private static bool Covers(EventCursor have, EventCursor wanted) => wanted.Seq == 0 || have.Incarnation > wanted.Incarnation
        || (have.Incarnation == wanted.Incarnation && have.Seq >= wanted.Seq);
}
