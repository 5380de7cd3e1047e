using System.Globalization;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>Promise 3: each event is at the hub once and in order, or its number is named as dropped.</summary>
internal sealed class EventRules
{
    // What a site's disk held; null: damaged when it was written.
    private readonly Dictionary<(SiteId Site, long Incarnation, long Number), string?> written = [];
    private readonly Dictionary<SiteId, EventCursor> kept = [];

    /// <summary>Events that the hub keeps, and numbers that were dropped.</summary>
    public (long Kept, long Dropped) Counts { get; private set; }

    public void Written(SimSite site, string name, byte[] content)
    {
        var parts = name.Split('/');
        var incarnation = long.Parse(parts[1], CultureInfo.InvariantCulture);
        written[(site.Id, incarnation, long.Parse(parts[2], CultureInfo.InvariantCulture))] = EventJournal.Parse(content)?.Text;
    }

    public void Kept(KeptEvents batch)
    {
        var site = new SiteId(batch.Site);
        var cursor = kept.GetValueOrDefault(site) ?? EventCursor.None;
        var next = batch.Next.Incarnation == cursor.Incarnation ? cursor.Seq + 1 : 1;
        Require(batch.Next.Incarnation >= cursor.Incarnation, $"events of {site} went back to incarnation {batch.Next.Incarnation}");
        foreach (var one in batch.Events)
        {
            Require(one.First == next, $"event {one.First} of {site} was kept where {next} was expected");
            next = one.Last + 1;
            if (one.Event.Dropped is not null)
            {
                Counts = (Counts.Kept, Counts.Dropped + one.Last - one.First + 1);
                continue;
            }
            Counts = (Counts.Kept + 1, Counts.Dropped);
            var truth = written.GetValueOrDefault((site, batch.Next.Incarnation, one.First));
            Require(truth is not null && truth == one.Event.Text,
                $"event {one.First} of {site} was kept as '{one.Event.Text}', and it was '{truth}'");
        }
        Require(next == batch.Next.Seq + 1, $"the cursor of {site} is at {batch.Next.Seq} after event {next - 1}");
        kept[site] = batch.Next;
    }

    /// <summary>What a site wrote down and the hub neither keeps nor knows as dropped; null when nothing.</summary>
    public string? Missing(SimSite site)
    {
        var cursor = kept.GetValueOrDefault(site.Id) ?? EventCursor.None;
        var last = site.Agent!.Events.Next - 1;
        if (last == 0 || (cursor.Incarnation == site.Incarnation && cursor.Seq >= last)) return null;
        return $"the hub keeps events of {site.Name} up to {cursor.Seq} of incarnation {cursor.Incarnation}, and there are {last}";
    }

    private static void Require(bool holds, string text) => Safety.Require(holds, "promise 3", text);
}
