using Capillary.Core.Protocol;
using Capillary.Node.Links;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Parent;

/// <summary>
/// Carries out what one <see cref="ParentSession"/> decides: one task reads frames, one waits for a newer state; the session sees one at
/// a time.
/// </summary>
internal sealed partial class ServedSession(string keyId, FrameStream frames, DesiredStateCell cell, ParentHandlers handlers,
    Attendance attendance, Action heard, TimeProvider time, ILogger log) : IDisposable
{
    private static readonly TimeSpan LastWordWithin = TimeSpan.FromSeconds(5);
    private readonly long opened = attendance.Opened();
    private long? attending;
    private CancellationTokenSource? ending;
    private readonly ParentSession session = new(keyId);
    private readonly SemaphoreSlim turn = new(1);
    private Action? onJoined;

    /// <summary>
    /// Returns when the child left, broke the protocol, was refused or fell silent. Cancels <paramref name="ended"/> then.
    /// </summary>
    public async Task RunAsync(Action joined, CancellationTokenSource ended)
    {
        onJoined = joined;
        ending = ended;
        var watching = WatchStateAsync(ended.Token);
        try
        {
            await ReadFramesAsync(ended.Token);
        }
        catch (ProtocolException e)
        {
            BrokeProtocol(log, session.Child?.Node.Value ?? keyId[..16], e.Code, e.Message);
        }
        finally
        {
            if (attending is { } mine)
            {
                attendance.Left(mine);
                handlers.Left(session.Child!);
            }
            await ended.CancelAsync();
            await watching;
        }
    }

    public void Dispose() => turn.Dispose();

    private async Task ReadFramesAsync(CancellationToken stop)
    {
        while (await frames.ReadAsync(stop) is { } frame)
        {
            heard();
            if (attending is { } mine) attendance.Heard(mine, frame);
            if (!await InTurnAsync(state => session.OnFrame(frame, state), stop)) return;
        }
    }

    private async Task WatchStateAsync(CancellationToken stop)
    {
        try
        {
            var seen = cell.Value;
            while (await InTurnAsync(session.OnState, stop)) seen = await cell.WaitForOtherThanAsync(seen, stop);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ProtocolException)
        {
            // The reading side ends the session and says why.
        }
    }

    /// <summary>False when the session ended.</summary>
    private async Task<bool> InTurnAsync(Func<DesiredState, IEnumerable<ParentOutput>> decide, CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            foreach (var output in decide(cell.Value).ToList())
            {
                if (!await CarryOutAsync(output, stop)) return false;
            }
            return true;
        }
        finally
        {
            turn.Release();
        }
    }

    private async ValueTask<bool> CarryOutAsync(ParentOutput output, CancellationToken stop)
    {
        switch (output)
        {
            case ParentOutput.Send send:
                await frames.WriteAsync(send.Frame, stop);
                return true;
            case ParentOutput.Joined joined:
                onJoined?.Invoke();
                attending = opened;
                attendance.Joined(opened, joined.Child.Node, keyId, joined.Boot, (code, text) => _ = EndAsync(code, text),
                    number => _ = TellAsync(new Frame.Probe(number)));
                handlers.Joined(joined);
                ChildJoined(log, joined.Child.Node.Value, joined.Agent);
                return true;
            case ParentOutput.Take take:
                var refused = await handlers.TakeReport(take.Report, take.From, stop);
                return await CarryOutAsync(ParentSession.OnTaken(take.Report, refused), stop);
            case ParentOutput.HeardOf heard:
                handlers.HeardOf(heard.Sites);
                return true;
            case ParentOutput.Succeed succeed:
                var kept = handlers.Succeed(succeed.Succession, succeed.From);
                return await CarryOutAsync(ParentSession.OnTaken(succeed.Succession, kept), stop);
            case ParentOutput.TakeEvents events:
                await handlers.TakeEvents(events.Batch, events.From, ack => _ = TellAsync(ack), stop);
                return true;
            case ParentOutput.OldKeyShown shown:
                attendance.RefusedOldKey(opened, shown.Record.Node, keyId, shown.Record.IdentityKey.Id);
                return true;
            case ParentOutput.RootAhead ahead:
                handlers.RootAhead(ahead);
                return true;
            case ParentOutput.Knocked knocked:
                handlers.Knocked(knocked);
                return true;
            case ParentOutput.Sighted sighted:
                handlers.SightedBelow(sighted.Sightings, sighted.From);
                return true;
            case ParentOutput.TakeRecords records:
                handlers.TakeRecords(records.Items, records.From, records.Complete);
                return true;
            case ParentOutput.Close close:
                ChildRefused(log, session.Child?.Node.Value ?? keyId[..16], close.Reason);
                return false;
            default:
                throw new InvalidOperationException($"unknown output {output}");
        }
    }

    /// <summary>Another session of this node stays; this one is told why it ends.</summary>
    private async Task EndAsync(string code, string text)
    {
        ChildRefused(log, session.Child?.Node.Value ?? keyId[..16], $"{code}: {text}");
        // A copy that reads nothing more must end too.
        try
        {
            await TellAsync(new Frame.Refusal(code, text)).WaitAsync(LastWordWithin, time);
        }
        catch (TimeoutException)
        {
            // It hears of it when it dials again.
        }
        if (ending is { } ended) await ended.CancelAsync();
    }

    /// <summary>Sends a frame that nobody waits for; a session that is over takes none.</summary>
    private async Task TellAsync(Frame frame)
    {
        try
        {
            await frames.WriteAsync(frame, ending!.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The child says it again in its next session, or asks again.
        }
    }

    [LoggerMessage(1101, LogLevel.Information, "child {Child} joined, agent {Agent}")]
    private static partial void ChildJoined(ILogger log, string child, string agent);

    [LoggerMessage(1102, LogLevel.Warning, "child {Child} refused: {Reason}")]
    private static partial void ChildRefused(ILogger log, string child, string reason);

    [LoggerMessage(1103, LogLevel.Warning, "child {Child} broke the protocol: {Code}: {Reason}")]
    private static partial void BrokeProtocol(ILogger log, string child, string code, string reason);
}
