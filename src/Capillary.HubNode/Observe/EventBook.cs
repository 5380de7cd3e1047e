using System.Threading.Channels;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Observe;

/// <summary>
/// Takes sites' events in (promise 3): verified with the site's record, each once and in order, events and cursor durable in one commit
/// before anything is acknowledged.
/// </summary>
internal sealed partial class EventBook(HubDatabase database, DesiredStateCell cell, HubConditions conditions, EventGaps gaps,
    TimeProvider time, ILogger<EventBook> log)
{
    /// <summary>The most events that are kept; the oldest leave.</summary>
    public const int MostEvents = 1_000_000;

    // A batch may be 256 KiB; a site waits, with its events on its own disk, until there is room.
    private const int MostWaiting = 64;
    private const int MostPerCommit = 32;

    private readonly Channel<Waiting> queue =
        Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    private sealed record Waiting(EventBatch Batch, EventsAnswer Answer);

    /// <summary>Tells what was kept before the start.</summary>
    public void Restore()
    {
        foreach (var (site, cursor) in database.Read(EventTables.Cursors)) gaps.Kept(site, cursor);
    }

    /// <summary><see cref="ParentHandlers.TakeEvents"/>.</summary>
    public async ValueTask TakeAsync(Envelope envelope, NodeRecord from, EventsAnswer answer, CancellationToken stop)
    {
        if (EventBatch.ClaimedSite(envelope) is not { } site || !cell.Value.Records.TryGetValue(new NodeName(site.Value), out var record)
            || (from.Kind == NodeKind.Site ? from.Node != record.Record.Node : from.Region != record.Record.Region))
            return;
        try
        {
            await queue.Writer.WriteAsync(new Waiting(EventBatch.Verify(envelope, record.Record), answer), stop);
        }
        catch (TrustFormatException e)
        {
            LogRefused(site, e.Message);
        }
    }

    /// <summary>Writes what came in until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (await queue.Reader.WaitToReadAsync(stop))
        {
            var batches = new List<Waiting>();
            while (batches.Count < MostPerCommit && queue.Reader.TryRead(out var next)) batches.Add(next);
            List<Frame.EventsAck>? kept;
            while ((kept = TryKeep(batches)) is null) await Task.Delay(TimeSpan.FromSeconds(1), time, stop);
            foreach (var ack in kept) gaps.Kept(ack.Site, new(ack.Incarnation, ack.Seq));
            for (var i = 0; i < batches.Count; i++) batches[i].Answer(kept[i]);
        }
    }

    private List<Frame.EventsAck>? TryKeep(List<Waiting> batches)
    {
        try
        {
            var kept = database.Write(db => batches.ConvertAll(waiting => Keep(db, waiting.Batch)));
            conditions.Clear(HubConditions.EventsNotKept);
            return kept;
        }
        catch (SqliteException e)
        {
            if (conditions.Raise(HubConditions.EventsNotKept, $"events cannot be written: {e.Message}; make space on the hub's disk"))
                LogNotKept(e.Message);
            return null;
        }
    }

    private Frame.EventsAck Keep(SqliteConnection db, EventBatch batch)
    {
        var cursor = EventTables.Cursor(db, batch.Site);
        if (cursor.Take(batch) is EventsTaken.Fresh fresh)
        {
            EventTables.Add(db, batch.Site, batch.Incarnation, fresh.Events, time.GetUtcNow());
            EventTables.Keep(db, batch.Site, fresh.Next);
            EventTables.Trim(db, MostEvents);
            cursor = fresh.Next;
        }
        // After a hole the site hears what is kept and goes on from there; of an incarnation that is over, nothing is wanted any more.
        var seq = cursor.Incarnation == batch.Incarnation ? cursor.Seq : cursor.Incarnation > batch.Incarnation ? batch.Last : 0;
        return new(batch.Site, batch.Incarnation, seq);
    }

    [LoggerMessage(EventId = 2311, Level = LogLevel.Warning, Message = "events of {Site} refused: {Problem}")]
    private partial void LogRefused(SiteId site, string problem);

    [LoggerMessage(EventId = 2312, Level = LogLevel.Error, Message = "events cannot be written: {Problem}")]
    private partial void LogNotKept(string problem);
}
