using System.IO.Pipelines;
using InstrumentGateway.Intake;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace InstrumentGateway.Mllp;

/// <summary>
/// One connection: a message, its acknowledgement, the next. It ends when the sender closes, is idle too long, does not
/// speak MLLP, or when the gateway stops; in the last case a message in hand is finished first.
/// </summary>
internal sealed class MllpConversation(
    ConnectionContext connection, ListenerTally tally, MessageIntake intake, MllpFramer framer, FrameLimits limits,
    TimeSpan idle, TimeProvider time)
{
    private readonly PipeReader input = connection.Transport.Input;
    private volatile bool stopping;

    /// <summary>Runs until it ends, and says why.</summary>
    public async Task<string> RunAsync()
    {
        var stop = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var onStop = stop.Register(() =>
        {
            stopping = true;
            input.CancelPendingRead();
        });
        var never = Timeout.InfiniteTimeSpan;
        await using var idleTimer = time.CreateTimer(_ => input.CancelPendingRead(), null, never, never);
        while (true)
        {
            // What has arrived before the stop counts as in hand.
            if (!input.TryRead(out var read))
            {
                if (stopping && !framer.InMessage)
                    return "gateway stops";
                idleTimer.Change(idle, never);
                read = await input.ReadAsync(CancellationToken.None);
                idleTimer.Change(never, never);
            }

            var end = await TakeAsync(read);
            input.AdvanceTo(read.Buffer.End);
            if (end is not null)
                return end;
            if (read.IsCompleted)
                return framer.InMessage ? "closed by the sender inside a message" : "closed by the sender";
            if (read.IsCanceled && read.Buffer.IsEmpty && !stopping)
                return "idle";
        }
    }

    // The framer takes all it is given, so a sender never waits for room in the pipe.
    private async Task<string?> TakeAsync(ReadResult read)
    {
        foreach (var memory in read.Buffer)
        {
            var rest = memory;
            while (true)
            {
                switch (framer.Next(ref rest))
                {
                    case FrameEvent.Message:
                        await SendAsync(await intake.HandleAsync(tally, framer.Content));
                        if (stopping)
                            return "gateway stops";
                        continue;
                    case FrameEvent.TooLarge:
                        await SendAsync(await intake.HandleTooLargeAsync(tally, framer.Content, limits.MessageBytes));
                        return "message too large";
                    case FrameEvent.TooMuchJunk:
                        return "bytes outside of MLLP blocks";
                    case FrameEvent.Abandoned:
                        continue;
                }

                break;
            }
        }

        return null;
    }

    private async Task SendAsync(byte[] acknowledgement) =>
        await connection.Transport.Output.WriteAsync(MllpFrame.Around(acknowledgement), CancellationToken.None);
}
