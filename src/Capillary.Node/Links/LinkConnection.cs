using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Capillary.Core.Protocol;
using Capillary.Node.Keys;

namespace Capillary.Node.Links;

/// <summary>
/// One child's connection to one parent: TLS 1.3 with both keys, HTTP/2. Any key is let through the handshake and then held fast: the
/// session proves it against a signed record, and a second connection must show the same.
/// </summary>
public sealed class LinkConnection : IDisposable
{
    private readonly HttpClient client;
    private readonly X509Certificate2 certificate;
    private readonly Lock gate = new();

    /// <param name="parent">Host and port.</param>
    /// <param name="identity">This node's key.</param>
    public LinkConnection(DnsEndPoint parent, SigningKey identity)
    {
        Parent = parent;
        certificate = identity.ToCertificate();
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            // 10 MB a second at a round trip of 100 ms; it does not grow (Directory.Build.targets says why).
            InitialHttp2StreamWindowSize = 1 << 20,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificates = [certificate],
                LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
                RemoteCertificateValidationCallback = (_, shown, _, _) => HoldFast(shown),
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            },
        };
        client = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{parent.Host}:{parent.Port}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public DnsEndPoint Parent { get; }

    /// <summary>Id of the key the parent proved in TLS; null before the first handshake.</summary>
    public string? ParentKeyId { get; private set; }

    /// <summary>Opens the session stream.</summary>
    /// <exception cref="HttpRequestException">No parent there, or it is not one.</exception>
    public async Task<LinkSession> OpenSessionAsync(CancellationToken stop)
    {
        var content = new DuplexContent();
        // The request is not disposed here: that would end its body, and with it the session.
        var request = NewRequest(HttpMethod.Post, LinkProtocol.SessionPath);
        request.Content = content;
        HttpResponseMessage? response = null;
        try
        {
            response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new HttpRequestException($"the parent answered {(int)response.StatusCode} to a session", null, response.StatusCode);
            var frames = new FrameStream(await response.Content.ReadAsStreamAsync(stop), await content.Opened.WaitAsync(stop));
            return new LinkSession(frames, content, response);
        }
        catch
        {
            response?.Dispose();
            content.Dispose();
            throw;
        }
    }

    /// <summary>Asks for content, from <paramref name="offset"/> on.</summary>
    public Task<HttpResponseMessage> GetAsync(string path, long offset, CancellationToken stop)
    {
        var request = NewRequest(HttpMethod.Get, path);
        if (offset > 0) request.Headers.Range = new System.Net.Http.Headers.RangeHeaderValue(offset, null);
        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    /// <summary>Asks to enroll, or passes a child's request on.</summary>
    /// <exception cref="HttpRequestException">No answer.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    public async Task<EnrollAnswer> EnrollAsync(EnrollRequest message, CancellationToken stop)
    {
        using var request = NewRequest(HttpMethod.Post, LinkProtocol.EnrollPath);
        request.Content = new ByteArrayContent(message.ToBytes());
        return await AnswerAsync(request, stop);
    }

    /// <summary>Asks which fleet the parent serves.</summary>
    /// <exception cref="HttpRequestException">No answer.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    public async Task<EnrollAnswer> AskFleetAsync(CancellationToken stop)
    {
        using var request = NewRequest(HttpMethod.Get, LinkProtocol.EnrollPath);
        return await AnswerAsync(request, stop);
    }

    public void Dispose()
    {
        client.Dispose();
        certificate.Dispose();
    }

    private async Task<EnrollAnswer> AnswerAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        using var response = await client.SendAsync(request, limit.Token);
        response.EnsureSuccessStatusCode();
        return EnrollAnswer.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token));
    }

    private static HttpRequestMessage NewRequest(HttpMethod method, string path) =>
        new(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private bool HoldFast(X509Certificate? shown)
    {
        if (SigningKey.KeyOf(shown) is not { } key) return false;
        lock (gate)
        {
            ParentKeyId ??= key.Id;
            return ParentKeyId == key.Id;
        }
    }
}

/// <summary>One open session stream.</summary>
public sealed class LinkSession : IDisposable
{
    private readonly HttpContent content;
    private readonly HttpResponseMessage response;

    internal LinkSession(FrameStream frames, HttpContent content, HttpResponseMessage response) =>
        (Frames, this.content, this.response) = (frames, content, response);

    public FrameStream Frames { get; }

    public void Dispose()
    {
        content.Dispose();
        response.Dispose();
        Frames.Dispose();
    }
}
