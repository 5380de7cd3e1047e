using System.Collections.Concurrent;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Hosting;

namespace Capillary.Node.Child;

/// <summary>
/// What waits for a session, of this node and of those below it. It holds one report, one succession and one batch of events per node, so
/// it cannot grow beyond the nodes below. A thing leaves only when the parent said that it is kept; a new session sends again what was not
/// acknowledged.
/// </summary>
public sealed class Outbox
{
    private readonly ConcurrentDictionary<SiteId, Envelope> reports = new();
    private readonly ConcurrentDictionary<NodeName, Envelope> successions = new();
    private readonly ConcurrentDictionary<SiteId, EventBatchWaiting> events = new();
    private readonly WakeSignal changed = new(atOnce: false);

    private sealed record EventBatchWaiting(Envelope Batch, long Incarnation, long LastSeq);

    /// <summary>Reports that wait now.</summary>
    public int Count => reports.Count;

    /// <summary>The newest report of a site replaces the one that waits.</summary>
    public void Put(SiteId site, Envelope report)
    {
        reports[site] = report;
        changed.Wake();
    }

    /// <summary>A node's succession; the newest replaces the one that waits.</summary>
    public void PutSuccession(NodeName node, Envelope succession)
    {
        successions[node] = succession;
        changed.Wake();
    }

    /// <summary>
    /// A site's next batch of events, which replaces the one that waits: a site sends the next only when the one before is kept.
    /// </summary>
    public void PutEvents(SiteId site, Envelope batch, long incarnation, long lastSeq)
    {
        events[site] = new(batch, incarnation, lastSeq);
        changed.Wake();
    }

    /// <summary>Every report that waits; call at the start of a session.</summary>
    public IReadOnlyList<(SiteId Site, Envelope Report)> All => [.. reports.Select(item => (item.Key, item.Value))];

    /// <summary>Every succession that waits.</summary>
    public IReadOnlyList<Envelope> Successions => [.. successions.Values];

    /// <summary>Every batch of events that waits.</summary>
    public IReadOnlyList<Envelope> Events => [.. events.Values.Select(item => item.Batch)];

    /// <summary>The parent keeps this report or succession (or refused it for good).</summary>
    public void Acknowledge(Digest digest)
    {
        foreach (var (site, envelope) in reports)
        {
            if (envelope.Digest == digest) reports.TryRemove(new(site, envelope));
        }
        foreach (var (node, envelope) in successions)
        {
            if (envelope.Digest == digest) successions.TryRemove(new(node, envelope));
        }
    }

    /// <summary>The hub keeps a site's events up to this number.</summary>
    public void EventsKept(SiteId site, long incarnation, long seq)
    {
        if (events.TryGetValue(site, out var waiting) && waiting.Incarnation <= incarnation
            && (waiting.Incarnation < incarnation || waiting.LastSeq <= seq))
            events.TryRemove(new(site, waiting));
    }

    /// <summary>Something else that is told upward changed.</summary>
    public void Wake() => changed.Wake();

    /// <summary>Returns after something was put in.</summary>
    public Task WaitForChangeAsync(CancellationToken stop) => changed.WaitAsync(stop);
}
