using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Node.Links;

namespace Capillary.Node.Doctor;

/// <summary>Asks a parent, over connections of its own, what anybody may ask. Each question has a fresh connection.</summary>
internal sealed class ParentProbe(DnsEndPoint parent, ProxySettings? proxy, SigningKey key, DoctorLimits limits)
{
    private string? shownKey;

    /// <summary>Which fleet it serves, and what time it says it is.</summary>
    /// <exception cref="HttpRequestException">No answer, or none of a parent.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    public async Task<(FleetName? Fleet, DateTimeOffset? Said)> AskFleetAsync(CancellationToken stop)
    {
        using var limit = Limit(limits.Answer, stop);
        using var client = NewClient();
        using var request = NewRequest(HttpMethod.Get, LinkProtocol.EnrollPath);
        using var response = await client.SendAsync(request, limit.Token);
        response.EnsureSuccessStatusCode();
        var answer = EnrollAnswer.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token));
        return (answer.Fleet, response.Headers.Date);
    }

    /// <summary>
    /// Asks for the trust chain as a session begins, and ends it before the hello: so the parent sees no second agent.
    /// </summary>
    /// <returns>Who it is, and what is trusted then.</returns>
    /// <exception cref="TrustFormatException">It cannot prove itself.</exception>
    /// <exception cref="HttpRequestException">No answer.</exception>
    /// <exception cref="ProtocolException">It said no, or something else.</exception>
    public async Task<(NodeRecord Parent, TrustState Trust)> ProveAsync(NodeName self, TrustState trust, CancellationToken stop)
    {
        using var limit = Limit(limits.Answer, stop);
        using var client = NewClient();
        using var content = new DuplexContent();
        var request = NewRequest(HttpMethod.Post, LinkProtocol.SessionPath);
        request.Content = content;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        response.EnsureSuccessStatusCode();
        using var frames = new FrameStream(await response.Content.ReadAsStreamAsync(limit.Token),
            await content.Opened.WaitAsync(limit.Token));
        await frames.WriteAsync(new Frame.TrustQuery(LinkProtocol.Version, self, trust.Root.Version), limit.Token);
        return await frames.ReadAsync(limit.Token) switch
        {
            Frame.TrustAnswer answer => Verify(answer, trust),
            Frame.Refusal refusal => throw new ProtocolException(refusal.Code, refusal.Text),
            var other => throw new ProtocolException("unexpected-frame",
                $"{other?.GetType().Name ?? "nothing"} in place of its trust chain"),
        };
    }

    /// <summary>
    /// Sends so many bytes where a node enrolls; a parent refuses them politely, whatever they are. False: no answer in time.
    /// </summary>
    /// <exception cref="HttpRequestException">The connection was ended.</exception>
    public async Task<bool> SendAsync(int bytes, CancellationToken stop)
    {
        using var limit = Limit(limits.Message, stop);
        using var client = NewClient();
        using var request = NewRequest(HttpMethod.Post, LinkProtocol.EnrollPath);
        request.Content = new ByteArrayContent(new byte[bytes]);
        try
        {
            using var response = await client.SendAsync(request, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private (NodeRecord, TrustState) Verify(Frame.TrustAnswer answer, TrustState trust)
    {
        var next = trust.WithChain(answer.Chain);
        if (answer.Beacon is not null) next = next.WithBeacon(answer.Beacon);
        var record = NodeRecord.Verify(answer.Record, next.Root);
        if (record.Kind == NodeKind.Site || record.State != RecordState.Active || next.IsRevoked(record.IdentityKey))
            throw new TrustFormatException($"'{record.Node}' may not be a parent");
        if (record.IdentityKey.Id != shownKey) throw new TrustFormatException($"the key on the wire is not that of '{record.Node}'");
        return (record, next);
    }

    private HttpClient NewClient()
    {
        var certificate = key.ToCertificate();
        var options = Handshake.Options(parent.Host, certificate, SslProtocols.Tls13);
        options.RemoteCertificateValidationCallback = (_, peer, _, _) => Remember(peer);
        return new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            SslOptions = options,
            ConnectCallback = async (_, stop) => await new Dialler(parent, proxy, limits).DialAsync(stop) switch
            {
                (_, { } stream) => stream,
                var (finding, _) => throw new IOException($"{finding}"),
            },
        })
        {
            BaseAddress = new UriBuilder("https", parent.Host, parent.Port).Uri,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    private bool Remember(X509Certificate? peer)
    {
        shownKey = SigningKey.KeyOf(peer)?.Id;
        return shownKey is not null;
    }

    private static CancellationTokenSource Limit(TimeSpan within, CancellationToken stop)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(within);
        return limit;
    }

    private static HttpRequestMessage NewRequest(HttpMethod method, string path) =>
        new(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
}
