using System.Net;
using System.Net.Sockets;

namespace Capillary.Node.Links;

/// <summary>A TCP connection to a name or address; each address of a name gets its turn.</summary>
internal static class TcpDial
{
    private const int MostAddresses = 8;

    /// <param name="place">Name or address, and port.</param>
    /// <param name="within">For all addresses together; no address takes the time of those after it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="SocketException">No address, or none that answers: the last one's error.</exception>
    public static async Task<Socket> ConnectAsync(DnsEndPoint place, TimeSpan within, TimeProvider time, CancellationToken stop)
    {
        var begun = time.GetTimestamp();
        var addresses = await AddressesAsync(place.Host, within, time, stop);
        SocketException? failure = null;
        for (var i = 0; i < addresses.Count; i++)
        {
            var left = within - time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero) break;
            try
            {
                return await ConnectAsync(new IPEndPoint(addresses[i], place.Port), left / (addresses.Count - i), time, stop);
            }
            catch (SocketException e)
            {
                failure = e;
            }
        }
        throw failure ?? new SocketException((int)SocketError.TimedOut);
    }

    private static async Task<IReadOnlyList<IPAddress>> AddressesAsync(string host, TimeSpan within, TimeProvider time,
        CancellationToken stop)
    {
        if (IPAddress.TryParse(host, out var address)) return [address];
        // The system's resolver cannot be cancelled; it is left behind.
        var asked = Dns.GetHostAddressesAsync(host, stop);
        try
        {
            var found = await asked.WaitAsync(within, time, stop);
            return found.Length > 0 ? found[..Math.Min(found.Length, MostAddresses)] : throw new SocketException((int)SocketError.NoData);
        }
        catch (TimeoutException)
        {
            throw new SocketException((int)SocketError.TryAgain);
        }
        catch (ArgumentException)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint to, TimeSpan within, TimeProvider time, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(to, either.Token);
            return socket;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
