using System.Net;
using System.Security.Cryptography.X509Certificates;
using Capillary.Core.Protocol;
using Capillary.Node.Keys;

namespace Capillary.Node.Links;

/// <summary>
/// One child's connection to one parent: TLS 1.3 with both keys, HTTP/2, through a proxy if there is one. Any key is let through the
/// handshake and then held fast: the session proves it against a signed record, and a second connection must show the same.
/// </summary>
public sealed class LinkConnection : IDisposable
{
    private static readonly TimeSpan DialWithin = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);
    private readonly HttpClient client;
    private readonly X509Certificate2 certificate;
    private readonly LinkDialer dialer;
    private readonly TimeProvider time;
    private readonly string parentText;
    private readonly Lock gate = new();
    private readonly List<Stream> open = [];
    private readonly CancellationTokenSource closed = new();
    private ShownCertificate? shown;

    /// <summary>What may be on its way of one transfer, in bytes: 10 MB a second at a round trip of 100 ms.</summary>
    public const int DefaultWindow = 1 << 20;

    /// <param name="parent">Host and port.</param>
    /// <param name="identity">This node's key.</param>
    /// <param name="proxy">The way there; null: none. It resolves the parent's name then, and is never part of trust.</param>
    /// <param name="time">The clock; null: the system's.</param>
    /// <param name="deadAfter">Silence after which it is given up, of <see cref="LinkProtocol.DeadAfter"/> at most; null: that.</param>
    /// <param name="window">What may be on its way of one transfer, in bytes, 64 KiB to 16 MiB.</param>
    public LinkConnection(DnsEndPoint parent, SigningKey identity, ProxySettings? proxy = null, TimeProvider? time = null,
        TimeSpan? deadAfter = null, int window = DefaultWindow)
    {
        var dead = deadAfter ?? LinkProtocol.DeadAfter;
        (Parent, this.time, parentText) = (parent, time ?? TimeProvider.System, LinkDialer.TextOf(parent));
        certificate = identity.ToCertificate();
        dialer = new LinkDialer(parent, proxy, certificate, HoldFast, this.time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            // It does not grow: Directory.Build.targets says why.
            InitialHttp2StreamWindowSize = window,
            UseProxy = false,
            UseCookies = false,
            // Dialling has limits of its own, and names what it met.
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            ConnectCallback = ConnectAsync,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            // Beats come every 30 s, so that a ping is sent into silence only. An unanswered one ends all that waits on a dead
            // connection, also a write behind which the session's own clock cannot look.
            KeepAlivePingDelay = dead * 7 / 9,
            KeepAlivePingTimeout = dead * 2 / 9,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        client = new HttpClient(handler)
        {
            // A name that no URL can have gets its own error from the dialler.
            BaseAddress = new Uri($"https://{(LinkDialer.IsName(parent.Host) ? parentText : "no.name.invalid")}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public DnsEndPoint Parent { get; }

    /// <summary>Id of the key the parent proved in TLS; null before the first handshake.</summary>
    public string? ParentKeyId { get; private set; }

    /// <summary>Limit of the TCP connection, to the proxy if there is one (default 15 s).</summary>
    public TimeSpan ConnectWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Opens the session stream.</summary>
    /// <exception cref="LinkException">No parent there, or it is not one.</exception>
    public async Task<LinkSession> OpenSessionAsync(CancellationToken stop)
    {
        var content = new DuplexContent();
        // The request is not disposed here: that would end its body, and with it the session.
        var request = NewRequest(HttpMethod.Post, LinkProtocol.SessionPath);
        request.Content = content;
        HttpResponseMessage? response = null;
        try
        {
            response = await SendAsync(request, stop);
            if (response.StatusCode != HttpStatusCode.OK) throw Unexpected(response.StatusCode);
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
    /// <exception cref="LinkException">No answer.</exception>
    public Task<HttpResponseMessage> GetAsync(string path, long offset, CancellationToken stop)
    {
        var request = NewRequest(HttpMethod.Get, path);
        if (offset > 0) request.Headers.Range = new System.Net.Http.Headers.RangeHeaderValue(offset, null);
        return SendAsync(request, stop);
    }

    /// <summary>Asks to enroll, or passes a child's request on.</summary>
    /// <exception cref="LinkException">No answer.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    public async Task<EnrollAnswer> EnrollAsync(EnrollRequest message, CancellationToken stop)
    {
        using var request = NewRequest(HttpMethod.Post, LinkProtocol.EnrollPath);
        request.Content = new ByteArrayContent(message.ToBytes());
        return await AnswerAsync(request, stop);
    }

    /// <summary>Asks which fleet the parent serves.</summary>
    /// <exception cref="LinkException">No answer.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    public async Task<EnrollAnswer> AskFleetAsync(CancellationToken stop)
    {
        using var request = NewRequest(HttpMethod.Get, LinkProtocol.EnrollPath);
        return await AnswerAsync(request, stop);
    }

    /// <summary>The failure of a session that ended with <paramref name="reason"/>, <c>code: text</c>, by its kind.</summary>
    internal LinkException SessionFailure(string reason)
    {
        if (reason.StartsWith("wrong-parent-key", StringComparison.Ordinal))
            return new(LinkProblem.Intercepted, $"wrong-parent-key: {Interception.WrongKey(parentText, shown)}");
        var code = reason.AsSpan(0, Math.Max(0, reason.IndexOf(':')));
        // A code is one word; anything else tells how the stream ended.
        return new(code is "link-dead" ? LinkProblem.NoAnswer : code.IsEmpty || code.Contains(' ') ? LinkProblem.Cut : LinkProblem.Refused,
            reason);
    }

    /// <summary>A session that broke before it was live, if somebody who is no node showed the certificate, broke by their doing.</summary>
    internal LinkException NameInterception(LinkException problem) =>
        problem.Problem is LinkProblem.Cut or LinkProblem.NoAnswer && shown is { SelfMade: false }
            ? Interception.Broken(parentText, shown, $"the link does not come about: {problem.Message}", problem)
            : problem;

    /// <summary>Ends all that is under way: what a dead peer holds must not outlive the link.</summary>
    public void Dispose()
    {
        closed.Cancel();
        client.Dispose();
        lock (gate)
        {
            foreach (var stream in open) stream.Dispose();
            open.Clear();
        }
        certificate.Dispose();
        closed.Dispose();
    }

    private async Task<EnrollAnswer> AnswerAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(AnswerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            using var response = await SendAsync(request, either.Token);
            if (response.StatusCode != HttpStatusCode.OK) throw Unexpected(response.StatusCode);
            await response.Content.LoadIntoBufferAsync(LinkProtocol.MaxFrameBytes, either.Token);
            return EnrollAnswer.Parse(await response.Content.ReadAsByteArrayAsync(either.Token));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new LinkException(LinkProblem.NoAnswer,
                $"{parentText} gives no answer within {AnswerWithin.TotalSeconds:0} s; try again");
        }
        catch (HttpRequestException e)
        {
            throw Named(e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        }
        catch (HttpRequestException e)
        {
            throw Named(e);
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(DialWithin, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, closed.Token, stop);
        try
        {
            var stream = await dialer.DialAsync(ConnectWithin, any.Token);
            lock (gate)
            {
                open.Add(stream);
                if (!closed.IsCancellationRequested) return stream;
            }
            await stream.DisposeAsync();
            throw new OperationCanceledException(closed.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new LinkException(LinkProblem.NoAnswer, $"{parentText} takes the connection and gives no answer in TLS within "
                + $"{DialWithin.TotalSeconds:0} s; a firewall or proxy between may hold it back");
        }
    }

    /// <summary>What happened in this link's words: the dialler's own exception, or one by what the peer has shown.</summary>
    private LinkException Named(HttpRequestException e)
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is LinkException named) return named;
        }
        var text = e.InnerException is null ? e.Message : $"{e.Message} ({e.InnerException.Message})";
        return shown is { SelfMade: false }
            ? Interception.Broken(parentText, shown, $"the link does not come about: {text}", e)
            : new LinkException(LinkProblem.Cut, text, e);
    }

    private LinkException Unexpected(HttpStatusCode status)
    {
        if (shown is { SelfMade: false }) return Interception.Broken(parentText, shown, $"it answers {(int)status}", null);
        return status == HttpStatusCode.ServiceUnavailable
            ? new(LinkProblem.Refused, $"{parentText} has as many sessions as it takes; it is tried again")
            : new(LinkProblem.NotAParent, $"{parentText} answers {(int)status}, which no parent does: check the address and port");
    }

    private static HttpRequestMessage NewRequest(HttpMethod method, string path) =>
        new(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private bool HoldFast(X509Certificate2 peer)
    {
        if (SigningKey.KeyOf(peer) is not { } key) return false;
        lock (gate)
        {
            ParentKeyId ??= key.Id;
            shown ??= ShownCertificate.Of(peer);
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
