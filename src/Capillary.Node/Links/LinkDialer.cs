using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Capillary.Node.Keys;

namespace Capillary.Node.Links;

/// <summary>Opens TLS to a parent, through a proxy if there is one, and names what is in the way.</summary>
/// <param name="parent">Whom to dial. With a proxy its name is the proxy's to resolve.</param>
/// <param name="proxy">The way there; null: none.</param>
/// <param name="certificate">This node's, shown to whoever asks.</param>
/// <param name="accepts">Whether the parent may show this certificate; called for those with a P-256 key only.</param>
/// <param name="time">The clock.</param>
internal sealed class LinkDialer(DnsEndPoint parent, ProxySettings? proxy, X509Certificate2 certificate,
    Func<X509Certificate2, bool> accepts, TimeProvider time)
{
    // Alerts of RFC 8446 section 6 with which a server says that it has no TLS 1.3, or none of our parameters, or no HTTP/2.
    private const int HandshakeFailure = 40;
    private const int ProtocolVersion = 70;
    private const int InsufficientSecurity = 71;
    private const int NoApplicationProtocol = 120;

    private readonly string parentText = TextOf(parent);

    /// <summary>Host and port as they stand in a URL.</summary>
    public static string TextOf(DnsEndPoint place) =>
        place.Host.Contains(':') ? $"[{place.Host}]:{place.Port}" : $"{place.Host}:{place.Port}";

    /// <summary>Whether it can be a host's name or address: nothing else is written into a request to a proxy.</summary>
    public static bool IsName(string host) => Uri.CheckHostName(host) != UriHostNameType.Unknown;

    /// <summary>TLS 1.3 with HTTP/2, and the peer has shown a P-256 key.</summary>
    /// <param name="connectWithin">For the TCP connection.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="LinkException">It cannot be; says why and what to do.</exception>
    public async Task<SslStream> DialAsync(TimeSpan connectWithin, CancellationToken stop)
    {
        if (!IsName(parent.Host))
            throw new LinkException(LinkProblem.DnsFailed, $"'{ConnectTunnel.Shown(parent.Host)}' is not a host name; correct the address");
        var stream = new NetworkStream(await ConnectAsync(connectWithin, stop), ownsSocket: true);
        try
        {
            if (proxy is not null) await OpenTunnelAsync(stream, proxy, stop);
            return await HandshakeAsync(stream, stop);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task<Socket> ConnectAsync(TimeSpan within, CancellationToken stop)
    {
        var to = proxy is null ? parent : new DnsEndPoint(proxy.Host, proxy.Port);
        try
        {
            return await TcpDial.ConnectAsync(to, within, time, stop);
        }
        catch (SocketException e)
        {
            var noName = e.SocketErrorCode is SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData
                or SocketError.NoRecovery;
            var why = noName ? $"the name {to.Host} cannot be resolved" : Words(e, TextOf(to));
            throw (proxy, noName) switch
            {
                (not null, _) => new LinkException(LinkProblem.ProxyUnreachable,
                    $"the proxy {proxy} is not reached: {why}; check the proxy's address and port", e),
                (null, true) => new LinkException(LinkProblem.DnsFailed,
                    $"{why}; check the address and this machine's DNS, or name the network's proxy if it has one", e),
                _ => new LinkException(LinkProblem.Unreachable,
                    $"{why}; check that the network lets this machine out to it, or name the network's proxy if it has one", e),
            };
        }
    }

    private static string Words(SocketException e, string to) => e.SocketErrorCode switch
    {
        SocketError.TimedOut => $"{to} does not answer",
        SocketError.ConnectionRefused => $"{to} refuses the connection",
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown => $"there is no route to {to}",
        _ => $"no connection to {to} ({e.Message})",
    };

    private async Task OpenTunnelAsync(Stream stream, ProxySettings through, CancellationToken stop)
    {
        try
        {
            await ConnectTunnel.OpenAsync(stream, parentText, through, stop);
        }
        catch (IOException e)
        {
            throw new LinkException(LinkProblem.ProxyFailed, $"the proxy {through} cut the connection ({e.Message}); check that this "
                + "machine may use it", e);
        }
    }

    private async Task<SslStream> HandshakeAsync(Stream stream, CancellationToken stop)
    {
        var came = new FirstBytes(stream);
        var tls = new SslStream(came);
        ShownCertificate? foreign = null;
        var seen = false;
        try
        {
            await tls.AuthenticateAsClientAsync(Options(Look), stop);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            throw foreign is not null ? Interception.Certificate(parentText, foreign, e) : Failure(came, seen, e);
        }
        if (tls.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2) throw Interception.NoHttp2(parentText, null);
        return tls;

        bool Look(X509Certificate? shown)
        {
            seen = true;
            if (shown is X509Certificate2 peer && SigningKey.KeyOf(peer) is not null) return accepts(peer);
            if (shown is X509Certificate2 other) foreign = ShownCertificate.Of(other);
            return false;
        }
    }

    private SslClientAuthenticationOptions Options(Func<X509Certificate?, bool> look) => new()
    {
        TargetHost = parent.Host,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        EnabledSslProtocols = SslProtocols.Tls13,
        ClientCertificates = [certificate],
        LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
        RemoteCertificateValidationCallback = (_, shown, _, _) => look(shown),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    private LinkException Failure(FirstBytes came, bool seen, Exception e)
    {
        if (came.NotTls) return Interception.NotTls(parentText, came.First.StartsWith("HTTP"u8), e);
        if (came.Alert == NoApplicationProtocol) return Interception.NoHttp2(parentText, e);
        if (came.Alert is HandshakeFailure or ProtocolVersion or InsufficientSecurity || (e is AuthenticationException && !seen))
            return Interception.NoTls13(parentText, e);
        return seen
            ? new(LinkProblem.Refused, $"{parentText} shows another key than before on the same link", e)
            : new(LinkProblem.Cut, $"the TLS handshake with {parentText} was cut: a firewall between lets no such TLS through, or the "
                + "parent is going down", e);
    }
}
