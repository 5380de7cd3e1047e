using System.Net;
using System.Net.Sockets;

namespace Capillary.Benchmarks.Links;

/// <summary>Stands on the wire between a child and its parent and counts the bytes of their TLS records, each way.</summary>
internal sealed class CountingRelay : IDisposable
{
    private readonly TcpListener listener;
    private readonly IPEndPoint parent;
    private long up;
    private long down;

    public CountingRelay(IPEndPoint parent, IPAddress? listen = null)
    {
        (this.parent, listener) = (parent, new TcpListener(listen ?? IPAddress.Loopback, 0));
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public long Up => Volatile.Read(ref up);

    public long Down => Volatile.Read(ref down);

    public void Dispose() => listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The benchmark has ended.
        }
    }

    private async Task CarryAsync(TcpClient child)
    {
        using var other = new TcpClient { NoDelay = true };
        child.NoDelay = true;
        await other.ConnectAsync(parent);
        await Task.WhenAny(CopyAsync(child, other, count => Interlocked.Add(ref up, count)),
            CopyAsync(other, child, count => Interlocked.Add(ref down, count)));
        child.Dispose();
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to, Action<int> count)
    {
        var buffer = new byte[64 << 10];
        while (await from.GetStream().ReadAsync(buffer) is var read and > 0)
        {
            count(read);
            await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
        }
    }
}
