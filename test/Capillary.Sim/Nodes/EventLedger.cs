using System.Globalization;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Parent;

namespace Capillary.Sim.Nodes;

/// <summary>Events as the hub keeps them, with the cursor after them: durable as a whole.</summary>
internal sealed record KeptEvents(string Site, EventCursor Next, IReadOnlyList<NumberedEvent> Events);

/// <summary>Takes events in as <c>HubNode.EventBook</c> does, with the real <see cref="EventCursor"/>.</summary>
internal sealed class EventLedger(HubProcess owner, SimHub hub)
{
    public const string Folder = "events/";
    private readonly Dictionary<SiteId, EventCursor> cursors = [];

    public void Restore()
    {
        foreach (var (_, content) in hub.Disk.Under(Folder))
        {
            var kept = JsonSerializer.Deserialize<KeptEvents>(content)!;
            cursors[new SiteId(kept.Site)] = kept.Next;
        }
    }

    public EventCursor CursorOf(SiteId site) => cursors.GetValueOrDefault(site) ?? EventCursor.None;

    public void Take(Envelope envelope, EventsAnswer answer)
    {
        if (EventBatch.ClaimedSite(envelope) is not { } site || owner.State.Records.GetValueOrDefault(new(site.Value)) is not { } record)
            return;
        try
        {
            Keep(EventBatch.Verify(envelope, record.Record), answer);
        }
        catch (TrustFormatException)
        {
            owner.Note($"refuses events of {site}");
        }
    }

    private void Keep(EventBatch batch, EventsAnswer answer)
    {
        var cursor = CursorOf(batch.Site);
        try
        {
            if (Fresh(cursor, batch) is { } fresh)
            {
                var name = string.Create(CultureInfo.InvariantCulture,
                    $"{Folder}{batch.Site}/{fresh.Next.Incarnation:d4}/{fresh.Next.Seq:d8}");
                hub.Disk.Replace(name, JsonSerializer.SerializeToUtf8Bytes(new KeptEvents(batch.Site.Value, fresh.Next, fresh.Events)));
                cursors[batch.Site] = cursor = fresh.Next;
            }
        }
        catch (IOException) when (hub.World.Broken == Mutation.HubTakesHoles)
        {
            cursor = new EventCursor(batch.Incarnation, batch.Last);
        }
        catch (IOException)
        {
            owner.After(TimeSpan.FromSeconds(1), () => Keep(batch, answer));
            return;
        }
        var seq = cursor.Incarnation == batch.Incarnation ? cursor.Seq : cursor.Incarnation > batch.Incarnation ? batch.Last : 0;
        answer(new Frame.EventsAck(batch.Site, batch.Incarnation, seq));
    }

    private EventsTaken.Fresh? Fresh(EventCursor cursor, EventBatch batch) => cursor.Take(batch) switch
    {
        EventsTaken.Fresh fresh => fresh,
        EventsTaken.Hole when hub.World.Broken == Mutation.HubTakesHoles =>
            new EventsTaken.Fresh(new EventCursor(batch.Incarnation, batch.Last), [.. batch.Numbered()]),
        _ => null,
    };
}
