using System.Collections.Concurrent;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Microsoft.Extensions.Logging;

namespace Capillary.RegionNode;

/// <summary>
/// The region's copy of what its sites need. A line is durable when it is received, and offered to its site when its blobs are here.
/// </summary>
internal sealed partial class Mirror
{
    private const int BundlesAtOnce = 4;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(60);
    private readonly MirrorStore store;
    private readonly BlobStore blobs;
    private readonly RegionState state;
    private readonly RegionId region;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly ConcurrentDictionary<SiteId, OfferedLine> received = new();
    private readonly WakeSignal work = new(atOnce: true);
    private HashSet<NodeName>? incoming;
    private volatile bool discarded;
    private HashSet<string> told = [];

    public Mirror(MirrorStore store, BlobStore blobs, RegionState state, RegionId region, TimeProvider time, ILogger log)
    {
        (this.store, this.blobs, this.state, this.region, this.time, this.log) = (store, blobs, state, region, time, log);
        foreach (var held in store.LoadLines(state.Held.TrustRoots))
        {
            if (Check(held.Checkpoint, held.Line) is not { } offered) store.PutAside(held.File, "its line does not hold");
            // A power cut may have come between a record and the line that went with it.
            else if (IsServedElsewhere(offered.Assignment.Site)) store.ForgetLine(offered.Assignment.Site);
            else received[offered.Assignment.Site] = offered;
        }
        // After the lines: a file that was put aside makes us ask for everything again.
        Newest = store.LoadNewest(state.Held.TrustRoots);
        if (Newest is not null) state.Complete(Newest);
        blobs.Discarded += _ =>
        {
            discarded = true;
            work.Wake();
        };
    }

    /// <summary>The newest checkpoint whose lines were received to their end; null at first.</summary>
    public VerifiedCheckpoint? Newest { get; private set; }

    /// <summary>Lines received, and how many of them still wait for their blobs.</summary>
    public (int Lines, int Waiting) Progress()
    {
        var offered = state.Held.Lines;
        return (received.Count, received.Count(line => !ReferenceEquals(offered.GetValueOrDefault(line.Key), line.Value)));
    }

    /// <summary>Keeps new lines durably; those that do not hold are left out and named in the log.</summary>
    public void Take(VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> lines, bool complete)
    {
        foreach (var line in lines)
        {
            if (Check(checkpoint, line) is not { } offered) continue;
            // Kept first: what is remembered but not on disk would be lost by a crash, and never be sent again.
            store.Keep(offered.Assignment.Site, new MirroredLine(checkpoint.Envelope, line));
            received[offered.Assignment.Site] = offered;
        }
        if (complete && checkpoint.Checkpoint.Generation > (Newest?.Checkpoint.Generation ?? 0))
        {
            store.KeepNewest(checkpoint);
            Newest = checkpoint;
            // Lines whose blobs are here move on together with the trust root.
            if (state.Held.TrustRoots.Count > state.Cell.Value.TrustRoots.Count) Offer();
            state.Complete(checkpoint);
        }
        work.Wake();
    }

    /// <summary>
    /// Keeps new records durably and lets their nodes in. At the end of a whole set, what is not in it is of another region now.
    /// </summary>
    public void Take(IReadOnlyList<SignedRecord> records, bool full, bool complete)
    {
        var newer = records.Where(item => item.Record.Version > VersionHeld(item.Record.Node)).ToList();
        foreach (var record in newer) store.Keep(record);
        if (full) incoming = [];
        incoming?.UnionWith(records.Select(item => item.Record.Node));
        state.Update(held => held with
        {
            Records = held.Records.SetItems(newer.Select(item => KeyValuePair.Create(item.Record.Node, item))),
        });
        if (complete && incoming is { } whole)
        {
            Forget([.. state.Held.Records.Keys.Where(node => !whole.Contains(node))]);
            incoming = null;
        }
        ForgetLines([.. newer.Where(item => item.Record.Kind == NodeKind.Site).Select(item => new SiteId(item.Record.Node.Value))
            .Where(IsServedElsewhere)]);
    }

    private bool IsServedElsewhere(SiteId site) => state.Held.Records.TryGetValue(new(site.Value), out var held)
        && (held.Record.Region != region || held.Record.State == RecordState.Revoked);

    private long VersionHeld(NodeName node) => state.Held.Records.GetValueOrDefault(node)?.Record.Version ?? 0;

    private void Forget(List<NodeName> nodes)
    {
        foreach (var node in nodes) store.Forget(node);
        state.Update(held => held with { Records = held.Records.RemoveRange(nodes) });
        ForgetLines([.. nodes.Select(node => new SiteId(node.Value))]);
    }

    private void ForgetLines(List<SiteId> sites)
    {
        foreach (var site in sites)
        {
            store.ForgetLine(site);
            received.TryRemove(site, out _);
        }
        if (sites.Count > 0) state.Update(held => held with { Lines = held.Lines.RemoveRange(sites) });
    }

    /// <summary>Brings the blobs of received lines, and offers each line when all of its own are here.</summary>
    public async Task RunAsync(BlobFetcher fetcher, ParentLink link, CancellationToken stop)
    {
        while (true)
        {
            await work.WaitAsync(stop);
            var waiting = Offer();
            if (waiting.Count == 0)
            {
                Collect();
                continue;
            }
            await link.WhenLiveAsync(stop);
            var outcomes = new ConcurrentBag<FetchOutcome>();
            await Parallel.ForEachAsync(waiting, new ParallelOptions { MaxDegreeOfParallelism = BundlesAtOnce, CancellationToken = stop },
                async (bundle, token) =>
            {
                var outcome = await fetcher.FetchBundleAsync(bundle, token);
                if (outcome is FetchOutcome.Complete) Offer();
                outcomes.Add(outcome);
            });
            if (Offer().Count > 0)
            {
                await PauseAsync(outcomes, stop);
                continue;
            }
            told = [];
            Collect();
        }
    }

    private async Task PauseAsync(IEnumerable<FetchOutcome> outcomes, CancellationToken stop)
    {
        var problems = outcomes.Where(outcome => outcome is not FetchOutcome.Complete).Select(Words).ToHashSet();
        // What waits for hours is told once.
        foreach (var problem in problems.Except(told)) MirrorWaits(log, problem);
        told = problems;
        if (outcomes.All(outcome => outcome is FetchOutcome.Complete or FetchOutcome.Waiting)) await WaitForNewsAsync(stop);
        else await Task.Delay(RetryAfter, time, stop);
        work.Wake();
    }

    /// <summary>What waits for an hour of the day needs few looks; new lines are taken at once.</summary>
    private async Task WaitForNewsAsync(CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(LookAgain, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            await work.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // Time for another look.
        }
    }

    private static string Words(FetchOutcome outcome) => outcome switch
    {
        FetchOutcome.Unavailable unavailable => unavailable.Reason,
        FetchOutcome.Waiting waiting => waiting.Reason,
        FetchOutcome.Bad bad => $"blob {bad.Blob} from the parent: {bad.Reason}",
        FetchOutcome.DiskFull full => $"the disk is full: {full.Reason}; the last state stays in force",
        _ => throw new InvalidOperationException($"{outcome} is no problem"),
    };

    /// <summary>Offers every line that is whole; returns bundles still missing.</summary>
    private List<Digest> Offer()
    {
        var missing = new HashSet<Digest>();
        var ready = new List<KeyValuePair<SiteId, OfferedLine>>();
        // A line that is offered was whole once; only a blob that was discarded since makes it worth another look.
        var recheck = discarded;
        discarded = false;
        foreach (var (site, line) in received)
        {
            var offered = ReferenceEquals(state.Held.Lines.GetValueOrDefault(site), line);
            if (offered && !recheck) continue;
            var absent = Needed(line).Where(bundle => !BlobFetcher.IsComplete(blobs, bundle)).ToList();
            if (absent.Count > 0) missing.UnionWith(absent);
            else if (!offered) ready.Add(new(site, line));
        }
        if (recheck && missing.Count > 0) discarded = true;
        if (ready.Count > 0) state.Update(held => held with { Lines = held.Lines.SetItems(ready) });
        return [.. missing];
    }

    /// <summary>Everything is here, so what no line needs any more can go.</summary>
    private void Collect()
    {
        try
        {
            var removed = blobs.Collect(received.Values.SelectMany(Needed));
            if (removed > 0) BlobsCollected(log, removed);
        }
        catch (Exception e) when (e is IOException or BundleFormatException)
        {
            MirrorWaits(log, $"blobs that no line needs are not removed: {e.Message}");
        }
    }

    private static IEnumerable<Digest> Needed(OfferedLine line) =>
        line.Assignment.Fallback is { } fallback ? [line.Assignment.Bundle, fallback] : [line.Assignment.Bundle];

    /// <summary>The line, if it holds and is newer than what was received before.</summary>
    private OfferedLine? Check(VerifiedCheckpoint checkpoint, ProvenLine line)
    {
        try
        {
            var assignment = Assignment.Parse(line.Leaf);
            var before = received.GetValueOrDefault(assignment.Site);
            var accepted = before is null ? AcceptedLine.None
                : new AcceptedLine(before.Checkpoint.Checkpoint.Generation, before.Checkpoint.Digest, before.Assignment.Since,
                    before.Line.Leaf);
            switch (Acceptance.Accept(accepted, assignment.Site, checkpoint, line))
            {
                // A line that is proven anew counts too: after a rotation of keys only the new proof holds.
                case AcceptResult.Accepted accepts when accepts.Acts || checkpoint.Checkpoint.Generation > accepted.Generation:
                    return new OfferedLine(assignment, region, line, checkpoint);
                case AcceptResult.Refused refused:
                    LineRefused(log, assignment.Site.Value, refused.Code, refused.Reason);
                    return null;
                default:
                    return null;
            }
        }
        catch (TrustFormatException e)
        {
            LineRefused(log, "?", RefusalCode.NotForThisSite, e.Message);
            return null;
        }
    }

    [LoggerMessage(3001, LogLevel.Warning, "line of {Site} refused: {Code}: {Reason}")]
    private static partial void LineRefused(ILogger log, string site, RefusalCode code, string reason);

    [LoggerMessage(3004, LogLevel.Information, "removed {Count} blobs that no line needs")]
    private static partial void BlobsCollected(ILogger log, int count);

    [LoggerMessage(3002, LogLevel.Warning, "mirror waits: {Problem}")]
    private static partial void MirrorWaits(ILogger log, string problem);
}
