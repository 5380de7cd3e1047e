using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Capillary.Node.Links;

namespace Capillary.Node.Doctor;

/// <summary>How long the doctor waits.</summary>
internal sealed record DoctorLimits
{
    /// <summary>For an address to be looked up, and for a connection to be made. Default: 10 s.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For an answer of a proxy, of TLS or of the parent. Default: 10 s.</summary>
    public TimeSpan Answer { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For a message of one length to be answered, handshake and all. Default: 8 s.</summary>
    public TimeSpan Message { get; init; } = TimeSpan.FromSeconds(8);
}

/// <summary>Connects to a parent as a link does, and says exactly how that ended.</summary>
internal sealed class Dialler(DnsEndPoint parent, ProxySettings? proxy, DoctorLimits limits)
{
    private const int MostHeaderBytes = 8 << 10;

    /// <summary>A connected stream when the finding is <see cref="DialFinding.Open"/>; the caller disposes it.</summary>
    public async Task<(DialFinding Finding, Stream? Stream)> DialAsync(CancellationToken stop)
    {
        var hop = proxy is null ? parent : new DnsEndPoint(proxy.Host, proxy.Port);
        var (finding, stream) = await ConnectAsync(hop, stop);
        if (stream is null || proxy is null) return (finding, stream);
        var said = await AskProxyAsync(stream, stop);
        if (said is null) return (finding, stream);
        await stream.DisposeAsync();
        return (said, null);
    }

    /// <summary>Every address in turn; what is told is the last one's end.</summary>
    private async Task<(DialFinding, Stream?)> ConnectAsync(DnsEndPoint hop, CancellationToken stop)
    {
        DialFinding last = new DialFinding.Silent($"{hop.Host}:{hop.Port}");
        foreach (var address in await AddressesAsync(hop.Host, stop))
        {
            var there = new IPEndPoint(address, hop.Port);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(limits.Connect);
            try
            {
                await socket.ConnectAsync(there, limit.Token);
                return (new DialFinding.Open($"{there}"), new NetworkStream(socket, ownsSocket: true));
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                last = new DialFinding.Silent($"{there}");
            }
            catch (SocketException e)
            {
                last = e.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => new DialFinding.Refused($"{there}"),
                    SocketError.TimedOut => new DialFinding.Silent($"{there}"),
                    var error => new DialFinding.NoRoute($"{there}", error),
                };
            }
            socket.Dispose();
        }
        return (last, null);
    }

    private static async Task<IPAddress[]> AddressesAsync(string host, CancellationToken stop)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host, stop);
        }
        catch (SocketException)
        {
            // It was looked up a moment ago; a name that is gone since has nobody who answers.
            return [];
        }
    }

    /// <summary>CONNECT (RFC 9110 section 9.3.6); null when the proxy said yes.</summary>
    private async Task<DialFinding?> AskProxyAsync(Stream stream, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(limits.Answer);
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(ConnectRequest()), limit.Token);
            return ReadAnswer(await ReadHeaderAsync(stream, limit.Token));
        }
        catch (IOException)
        {
            return new DialFinding.NoProxyThere(null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new DialFinding.NoProxyThere(null);
        }
    }

    private string ConnectRequest()
    {
        var target = parent.Host.Contains(':') ? $"[{parent.Host}]:{parent.Port}" : $"{parent.Host}:{parent.Port}";
        var login = proxy!.User is null ? ""
            : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{proxy.User}:{proxy.Password}"))}\r\n";
        return $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n";
    }

    /// <summary>Byte by byte, so that nothing behind the header is taken from the tunnel.</summary>
    private static async Task<string> ReadHeaderAsync(Stream stream, CancellationToken stop)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (text.Length < MostHeaderBytes && await stream.ReadAsync(one, stop) == 1)
        {
            text.Append((char)one[0]);
            if (one[0] == '\n' && (text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)
                || !text.ToString().StartsWith("HTTP/", StringComparison.Ordinal)))
                break;
        }
        return text.ToString();
    }

    private static DialFinding? ReadAnswer(string header)
    {
        var lines = header.Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || lines[0].Split(' ') is not [_, { Length: 3 } code, ..]
            || !int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status))
        {
            var said = new string([.. lines[0].Where(c => c is >= ' ' and < (char)127).Take(60)]);
            return new DialFinding.NoProxyThere(said.Length == 0 ? null : said);
        }
        if (status is >= 200 and < 300) return null;
        const string Challenge = "Proxy-Authenticate:";
        return new DialFinding.ProxySaid(status, [.. lines.Where(line => line.StartsWith(Challenge, StringComparison.OrdinalIgnoreCase))
            .Select(line => line[Challenge.Length..].Trim().Split(' ')[0]).Where(scheme => scheme.Length > 0)]);
    }
}
