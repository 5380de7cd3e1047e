using Microsoft.AspNetCore.Connections;

namespace Capillary.Node.Parent;

/// <summary>
/// Lets few TLS handshakes be made at once. When thousands of children return together, all of them at once would each be slow, run out of
/// its time and begin anew; in turns, those that are begun are also ended. Who has hung up meanwhile costs nothing.
/// </summary>
internal sealed class HandshakeTurns(TimeProvider time)
{
    private const int AtOnce = 64;

    // A slow or evil peer makes the others wait no longer; its own handshake goes on.
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim free = new(AtOnce);

    /// <summary>Kestrel's middleware before TLS.</summary>
    public async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        try
        {
            await free.WaitAsync(connection.ConnectionClosed);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        var turn = new Turn(free);
        connection.Features.Set(turn);
        turn.EndAfter(Most, time);
        try
        {
            await next(connection);
        }
        finally
        {
            turn.End();
        }
    }

    /// <summary>One place; given back once.</summary>
    internal sealed class Turn(SemaphoreSlim free)
    {
        private ITimer? timer;
        private int ended;

        public void EndAfter(TimeSpan most, TimeProvider time)
        {
            timer = time.CreateTimer(static turn => ((Turn)turn!).End(), this, most, Timeout.InfiniteTimeSpan);
            if (Volatile.Read(ref ended) == 1) timer.Dispose();
        }

        public void End()
        {
            if (Interlocked.Exchange(ref ended, 1) == 1) return;
            timer?.Dispose();
            timer = null;
            free.Release();
        }
    }
}
