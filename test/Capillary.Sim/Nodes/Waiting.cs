using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>
/// What waits for a session, as <c>Outbox</c> holds it and <c>CarriedSession</c> sends it: one report, one succession and one batch of
/// events per node; a new session sends again what was not acknowledged.
/// </summary>
internal sealed class Waiting
{
    private readonly SortedDictionary<SiteId, Envelope> reports = [];
    private readonly SortedDictionary<string, Envelope> successions = new(StringComparer.Ordinal);
    private readonly SortedDictionary<SiteId, (Envelope Batch, long Incarnation, long LastSeq)> events = [];
    private readonly HashSet<Digest> sent = [];
    private readonly HashSet<Envelope> sentEvents = new(ReferenceEqualityComparer.Instance);
    private IReadOnlyList<CloneSighting> told = [];

    public int Reports => reports.Count;

    /// <summary>The newest report of a site replaces the one that waits.</summary>
    public void Put(SiteId site, Envelope report) => reports[site] = report;

    public void PutSuccession(NodeName node, Envelope succession) => successions[node.Value] = succession;

    public void PutEvents(SiteId site, Envelope batch, long incarnation, long lastSeq) => events[site] = (batch, incarnation, lastSeq);

    /// <summary>A new session begins.</summary>
    public void Again()
    {
        sent.Clear();
        sentEvents.Clear();
        told = [];
    }

    public void SuccessionsAgain()
    {
        foreach (var succession in successions.Values) sent.Remove(succession.Digest);
    }

    /// <summary>What this session has not been sent.</summary>
    public IEnumerable<Frame> Unsent(IReadOnlyList<CloneSighting> sightings)
    {
        foreach (var report in reports.Values.Where(item => sent.Add(item.Digest))) yield return new Frame.ReportUp(report);
        foreach (var succession in successions.Values.Where(item => sent.Add(item.Digest))) yield return new Frame.SuccessionUp(succession);
        if (sightings.Count > 0 && !sightings.SequenceEqual(told))
        {
            told = [.. sightings];
            yield return new Frame.CloneUp(told);
        }
        foreach (var (batch, _, _) in events.Values.Where(item => sentEvents.Add(item.Batch)))
            yield return new Frame.EventsUp(batch);
    }

    /// <summary>The parent keeps this report or succession, or refused it for good.</summary>
    public void Acknowledge(Digest digest)
    {
        foreach (var site in reports.Where(item => item.Value.Digest == digest).Select(item => item.Key).ToList()) reports.Remove(site);
        foreach (var node in successions.Where(item => item.Value.Digest == digest).Select(item => item.Key).ToList())
            successions.Remove(node);
    }

    /// <summary>The hub keeps a site's events up to this number.</summary>
    public void EventsKept(ChildOutput.EventsKept kept)
    {
        if (events.TryGetValue(kept.Site, out var waiting) && waiting.Incarnation <= kept.Incarnation
            && (waiting.Incarnation < kept.Incarnation || waiting.LastSeq <= kept.Seq))
            events.Remove(kept.Site);
    }
}
