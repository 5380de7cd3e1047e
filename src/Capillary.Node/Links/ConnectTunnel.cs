using System.Globalization;
using System.Text;

namespace Capillary.Node.Links;

/// <summary>
/// Asks an HTTP proxy for a tunnel to the parent: CONNECT (RFC 9110 section 9.3.6), with Basic authentication (RFC 7617) if the settings
/// have a user. What the proxy answers is worth an error text at most.
/// </summary>
internal static class ConnectTunnel
{
    private const int MostHeadBytes = 8192;
    private const int MostShown = 80;

    /// <summary>Returns when <paramref name="stream"/> is the tunnel: not one byte beyond the proxy's answer was read.</summary>
    /// <exception cref="LinkException">The proxy opens no tunnel.</exception>
    /// <exception cref="IOException">The connection to the proxy broke.</exception>
    public static async Task OpenAsync(Stream stream, string parent, ProxySettings proxy, CancellationToken stop)
    {
        await stream.WriteAsync(Request(parent, proxy), stop);
        var head = await ReadHeadAsync(stream, proxy, stop);
        var lines = head.Split("\r\n");
        var words = lines[0].Split(' ', 3);
        if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal)
            || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            throw NoProxy(proxy, null);
        if (status is >= 200 and < 300) return;
        throw Refusal(status, words.Length > 2 ? Shown(words[2]) : "", lines, parent, proxy);
    }

    private static byte[] Request(string parent, ProxySettings proxy)
    {
        var request = new StringBuilder($"CONNECT {parent} HTTP/1.1\r\nHost: {parent}\r\n");
        if (proxy.User is { } user)
        {
            var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{proxy.Password}"));
            request.Append($"Proxy-Authorization: Basic {credentials}\r\n");
        }
        return Encoding.ASCII.GetBytes(request.Append("\r\n").ToString());
    }

    /// <summary>Byte by byte, for what follows the head is the tunnel's; one short answer per connection costs little.</summary>
    private static async Task<string> ReadHeadAsync(Stream stream, ProxySettings proxy, CancellationToken stop)
    {
        var head = new byte[MostHeadBytes];
        for (var length = 0; length < MostHeadBytes;)
        {
            if (await stream.ReadAsync(head.AsMemory(length, 1), stop) == 0)
                throw length == 0 ? Closed(proxy) : NoProxy(proxy, null);
            length++;
            if (head.AsSpan(0, length).EndsWith("\r\n\r\n"u8)) return Encoding.Latin1.GetString(head, 0, length - 4);
            // A server that is no HTTP proxy may send anything, and wait for us then.
            if (length == 5 && !head.AsSpan(0, length).SequenceEqual("HTTP/"u8)) throw NoProxy(proxy, null);
        }
        throw NoProxy(proxy, $"its answer is longer than {MostHeadBytes} bytes");
    }

    private static LinkException Refusal(int status, string reason, string[] lines, string parent, ProxySettings proxy) => status switch
    {
        // tinyproxy answers a wrong password with 401, which is a server's to say.
        401 or 407 => Unauthenticated(status, lines, proxy),
        403 or 405 => new(LinkProblem.ProxyRefused, $"the proxy {proxy} forbids a tunnel to {parent} ({status} {reason}): "
            + $"ask the network's people to allow CONNECT to {parent}"),
        500 or 502 or 503 or 504 => new(LinkProblem.ProxyFailed, $"the proxy {proxy} does not reach {parent} ({status} {reason}): "
            + "check the parent's name and port, and whether the proxy may go there"),
        _ => new(LinkProblem.ProxyFailed, $"the proxy {proxy} answered {status} {reason} to CONNECT {parent}: "
            + "check that this is the HTTP proxy's address, and ask the network's people"),
    };

    private static LinkException Unauthenticated(int status, string[] lines, ProxySettings proxy)
    {
        const string Header = "Proxy-Authenticate:";
        var offered = lines.Where(line => line.StartsWith(Header, StringComparison.OrdinalIgnoreCase))
            .Select(line => Shown(line[Header.Length..].Trim().Split(' ')[0])).ToList();
        if (offered.Count > 0 && !offered.Contains("Basic", StringComparer.OrdinalIgnoreCase))
        {
            return new(LinkProblem.ProxyAuthentication, $"the proxy {proxy} wants {string.Join(" or ", offered)}, and only Basic "
                + "authentication is supported: ask the network's people for a Basic account, or a rule without one for this machine");
        }
        return new(LinkProblem.ProxyAuthentication, proxy.User is { } user
            ? $"the proxy {proxy} does not take the user '{Shown(user)}' with this password ({status}): correct user or password"
            : $"the proxy {proxy} wants a user and password ({status}): set them as http://USER:PASSWORD@{proxy}");
    }

    private static LinkException Closed(ProxySettings proxy) => new(LinkProblem.ProxyFailed,
        $"the proxy {proxy} closed the connection without an answer: check that this machine may use it");

    private static LinkException NoProxy(ProxySettings proxy, string? detail) => new(LinkProblem.ProxyFailed,
        $"what answers at {proxy} is no HTTP proxy{(detail is null ? "" : $" ({detail})")}: check the proxy's address and port");

    /// <summary>Text from outside, short and without control characters.</summary>
    internal static string Shown(string text)
    {
        var clean = string.Concat(text.Take(MostShown).Select(c => char.IsControl(c) ? '?' : c)).Trim();
        return text.Length > MostShown ? clean + "…" : clean;
    }
}
