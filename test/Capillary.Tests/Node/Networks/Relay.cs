using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Capillary.Tests.Node.Networks;

/// <summary>A wire: passes TCP connections on, counts what comes down, and can be cut or frozen.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentBag<Socket> sockets = [];
    private readonly Task accepting;
    private long down;
    private int accepted;
    private volatile bool frozen;

    public Relay(IPEndPoint to)
    {
        To = to;
        listener.Start();
        accepting = AcceptAsync();
    }

    public IPEndPoint At => (IPEndPoint)listener.LocalEndpoint;

    /// <summary>Where new connections lead.</summary>
    public IPEndPoint To { get; set; }

    /// <summary>Bytes that came from the far side.</summary>
    public long Down => Volatile.Read(ref down);

    public int Accepted => Volatile.Read(ref accepted);

    /// <summary>From now on nothing passes, and nobody is told.</summary>
    public void Freeze() => frozen = true;

    public void Cut()
    {
        foreach (var socket in sockets) socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        Cut();
        await accepting;
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync(stop.Token);
                Interlocked.Increment(ref accepted);
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(near);
                sockets.Add(far);
                _ = PassAsync(near, far);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Over: a stopped listener says "Not listening" when it is asked after the stop.
        }
    }

    private async Task PassAsync(Socket near, Socket far)
    {
        try
        {
            await far.ConnectAsync(To, stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            near.Dispose();
            return;
        }
        await Task.WhenAll(PumpAsync(near, far, count: false), PumpAsync(far, near, count: true));
    }

    private async Task PumpAsync(Socket from, Socket into, bool count)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer, stop.Token) is var read and > 0)
            {
                if (frozen) await Task.Delay(Timeout.Infinite, stop.Token);
                if (count) Interlocked.Add(ref down, read);
                for (var sent = 0; sent < read;) sent += await into.SendAsync(buffer.AsMemory(sent, read - sent), stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Cut.
        }
        from.Dispose();
        into.Dispose();
    }
}
