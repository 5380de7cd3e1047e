using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Links;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Child;

/// <summary>One session at work: reading, ticking and sending reports, one decision at a time.</summary>
internal sealed partial class CarriedSession(ChildSession session, FrameStream frames, ChildHandlers handlers, Outbox outbox,
    Action<TrustState> keepTrust, TimeProvider time, ILogger log)
{
    private readonly SemaphoreSlim turn = new(1);
    private readonly TaskCompletionSource live = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<string>? onLive;
    private volatile string? failure;
    private volatile bool successionsAgain;

    /// <summary>Returns why the session ended; cancels <paramref name="ended"/> then.</summary>
    public async Task<string> RunAsync(Action<string> onceLive, CancellationTokenSource ended)
    {
        onLive = onceLive;
        var stop = ended.Token;
        await DecideAsync(() => session.Start(time.GetUtcNow()), stop);
        var others = Task.WhenAll(TickAsync(ended), SendReportsAsync(ended));
        try
        {
            while (failure is null && await frames.ReadAsync(stop) is { } frame)
                await DecideAsync(() => session.OnFrame(frame, time.GetUtcNow()), stop);
            return failure ?? "the parent ended the session";
        }
        catch (OperationCanceledException) when (failure is not null)
        {
            return failure;
        }
        finally
        {
            await ended.CancelAsync();
            await others;
        }
    }

    private async Task TickAsync(CancellationTokenSource ended)
    {
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
            while (failure is null && await timer.WaitForNextTickAsync(ended.Token))
                await DecideAsync(() => session.OnTick(time.GetUtcNow()), ended.Token);
            await ended.CancelAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            await ended.CancelAsync();
        }
    }

    private async Task SendReportsAsync(CancellationTokenSource ended)
    {
        try
        {
            await live.Task.WaitAsync(ended.Token);
            var sent = new HashSet<Digest>();
            var successions = new HashSet<Digest>();
            var events = new HashSet<Envelope>(ReferenceEqualityComparer.Instance);
            IReadOnlyList<CloneSighting> sightings = [];
            while (true)
            {
                var waiting = outbox.All;
                var fresh = waiting.Where(item => !sent.Contains(item.Report.Digest)).ToList();
                // A relayed report proves no life, as it may be old; the region's word for those that live comes before it.
                await SendAliveAsync(handlers.Alive().Intersect(fresh.Select(item => item.Site)), ended.Token);
                foreach (var (_, report) in fresh) await frames.WriteAsync(new Frame.ReportUp(report), ended.Token);
                sent = [.. waiting.Select(item => item.Report.Digest)];
                if (successionsAgain) successions.Clear();
                successionsAgain = false;
                foreach (var succession in outbox.Successions.Where(item => successions.Add(item.Digest)))
                    await frames.WriteAsync(new Frame.SuccessionUp(succession), ended.Token);
                if (handlers.Clones() is { Count: > 0 } clones && !clones.SequenceEqual(sightings))
                {
                    await frames.WriteAsync(new Frame.CloneUp(clones), ended.Token);
                    sightings = [.. clones];
                }
                await SendEventsAsync(events, ended.Token);
                await outbox.WaitForChangeAsync(ended.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            await ended.CancelAsync();
        }
    }

    private async Task DecideAsync(Func<IEnumerable<ChildOutput>> decide, CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            foreach (var output in decide()) await CarryOutAsync(output, stop);
        }
        finally
        {
            turn.Release();
        }
    }

    private async ValueTask CarryOutAsync(ChildOutput output, CancellationToken stop)
    {
        switch (output)
        {
            case ChildOutput.Send send:
                await frames.WriteAsync(send.Frame, stop);
                if (send.Frame is Frame.Beat) await SendAliveAsync(handlers.Alive(), stop);
                break;
            case ChildOutput.KeepTrust keep:
                // A region may have lost, or been refused, what it acknowledged: at each beacon a succession that waits is said again.
                successionsAgain = true;
                handlers.KeepTrust(keep.Trust, keep.NewRoots);
                keepTrust(keep.Trust);
                break;
            case ChildOutput.Live proven:
                onLive?.Invoke(proven.Parent.Node.Value);
                handlers.Live(new LinkStatus(true, time.GetUtcNow(), null));
                await SendAliveAsync(handlers.Alive(), stop);
                live.TrySetResult();
                break;
            case ChildOutput.Lines lines:
                handlers.Lines(lines.Checkpoint, lines.Items, lines.Complete);
                break;
            case ChildOutput.Records records:
                handlers.Records(records.Items, records.Full, records.Complete);
                break;
            case ChildOutput.RecordsAsked:
                await SendRecordsAsync(handlers.AllRecords(), stop);
                break;
            case ChildOutput.EventsKept kept:
                outbox.EventsKept(kept.Site, kept.Incarnation, kept.Seq);
                handlers.EventsKept(kept);
                break;
            case ChildOutput.Acked acked:
                outbox.Acknowledge(acked.Report);
                if (acked.Refused is { } reason) ReportRefused(log, acked.Report.Text, reason);
                break;
            case ChildOutput.Fail fail:
                failure = $"{fail.Code}: {fail.Reason}";
                break;
        }
    }

    private async Task SendAliveAsync(IEnumerable<SiteId> sites, CancellationToken stop)
    {
        foreach (var chunk in sites.Chunk(LinkProtocol.SitesPerFrame)) await frames.WriteAsync(new Frame.Alive(chunk), stop);
    }

    private async Task SendRecordsAsync(IReadOnlyList<Envelope> records, CancellationToken stop)
    {
        foreach (var frame in Frame.RecordSet.Split(records, full: true)) await frames.WriteAsync(frame, stop);
    }

    /// <summary>
    /// Each batch that was put in, once in a session. The same one may be put in again: signed with a newer key, or because the word that
    /// the hub keeps it was lost below. So it is the batch as it was put in that counts, and not its digest.
    /// </summary>
    private async Task SendEventsAsync(HashSet<Envelope> sent, CancellationToken stop)
    {
        var waiting = outbox.Events;
        foreach (var batch in waiting.Where(item => !sent.Contains(item))) await frames.WriteAsync(new Frame.EventsUp(batch), stop);
        sent.Clear();
        sent.UnionWith(waiting);
    }

    [LoggerMessage(1203, LogLevel.Warning, "the parent refused report {Report}: {Reason}")]
    private static partial void ReportRefused(ILogger log, string report, string reason);
}
