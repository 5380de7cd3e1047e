using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Capillary.Node.Parent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Tests.RedTeam;

/// <summary>
/// The parent's side of a region whose process is somebody's else: it proves the region's key in TLS and then says, in real frames over real
/// TLS, whatever a test wants; and serves whatever bytes.
/// </summary>
internal sealed class EvilParent : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly ServerCertificates certificates;
    private readonly SemaphoreSlim arrivals = new(0);
    private WebApplication? app;
    private volatile EvilSession? newest;

    public EvilParent(SigningKey key) => certificates = new ServerCertificates(new LinkKeys(key));

    /// <summary>The answer to a trust query.</summary>
    public required Func<Frame.TrustQuery, Frame> Greeting { get; set; }

    /// <summary>Serves content; false: not here.</summary>
    public required Func<HttpContext, Digest, Task> Serve { get; set; }

    /// <summary>All that children said, oldest first, of all sessions.</summary>
    public ConcurrentQueue<Frame> Heard { get; } = new();

    public IEnumerable<Envelope> Reports => Heard.OfType<Frame.ReportUp>().Select(frame => frame.Report);

    public IEnumerable<Envelope> Events => Heard.OfType<Frame.EventsUp>().Select(frame => frame.Batch);

    public async Task<IPEndPoint> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddLogging().AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            (kestrel.Limits.MinRequestBodyDataRate, kestrel.Limits.MinResponseDataRate, kestrel.Limits.MaxRequestBodySize) = (null, null, null);
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(new Microsoft.AspNetCore.Server.Kestrel.Https.TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => new(certificates.Newest()),
                });
            });
        });
        app = builder.Build();
        app.Run(ServeAsync);
        await app.StartAsync();
        return new IPEndPoint(IPAddress.Loopback, new Uri(app.Urls.First()).Port);
    }

    /// <summary>The session that is under way, or the next one.</summary>
    public async Task<EvilSession> SessionAsync(CancellationToken wait)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(40);
        while (newest is not { IsOver: false } || !newest.IsGreeted)
        {
            if (DateTime.UtcNow > deadline) throw new TimeoutException("the child does not come back");
            await arrivals.WaitAsync(TimeSpan.FromMilliseconds(50), wait);
        }
        return newest;
    }

    /// <summary>
    /// Says these frames, and then asks for an answer. True when the child answered, and so has dealt with all of them and stays.
    /// </summary>
    public async Task<bool> SayAsync(CancellationToken wait, params Frame[] frames)
    {
        var session = await SessionAsync(wait);
        return await session.SayAsync(frames, wait);
    }

    /// <summary>Ends the session, answers the next trust query with this, and returns what the child then did.</summary>
    public async Task<GreetingOutcome> GreetAsync(Func<Frame.TrustQuery, Frame> greeting, CancellationToken wait)
    {
        var honest = Greeting;
        var before = newest;
        Greeting = greeting;
        before?.Cut();
        while (newest == before || newest is not { Decided: true }) await Task.Delay(5, wait);
        Greeting = honest;
        var outcome = newest.IsGreeted ? GreetingOutcome.Greeted : GreetingOutcome.Left;
        newest.Cut();
        return outcome;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        newest?.Cut();
        if (app is not null)
        {
            using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await app.StopAsync(grace.Token);
            await app.DisposeAsync();
        }
        certificates.Dispose();
        stop.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == LinkProtocol.SessionPath) await ServeSessionAsync(context);
        else if (ContentEndpoint.TryParse(path, out var digest)) await Serve(context, digest);
        else context.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    private async Task ServeSessionAsync(HttpContext context)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.StartAsync(stop.Token);
        await context.Response.Body.FlushAsync(stop.Token);
        using var session = new EvilSession(context, Heard, stop.Token);
        newest = session;
        try
        {
            if (await session.Frames.ReadAsync(session.Ended) is Frame.TrustQuery query)
            {
                await session.Frames.WriteAsync(Greeting(query), session.Ended);
                await session.ReadAsync(() => arrivals.Release());
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ProtocolException)
        {
            // The child left.
        }
        finally
        {
            session.End();
        }
    }
}

/// <summary>What a child did after the answer to its trust query.</summary>
internal enum GreetingOutcome
{
    /// <summary>It said hello.</summary>
    Greeted,

    /// <summary>It left without another word.</summary>
    Left,
}

/// <summary>One session of a child at an <see cref="EvilParent"/>.</summary>
internal sealed class EvilSession(HttpContext context, ConcurrentQueue<Frame> heard, CancellationToken stop) : IDisposable
{
    private readonly CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(stop, context.RequestAborted);
    private TaskCompletionSource<bool> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FrameStream Frames { get; } = new(context.Request.Body, context.Response.Body);

    public Stream Raw => context.Response.Body;

    public CancellationToken Ended => ended.Token;

    /// <summary>The child said hello.</summary>
    public bool IsGreeted { get; private set; }

    public bool IsOver { get; private set; }

    /// <summary>It said hello or left.</summary>
    public bool Decided => IsGreeted || IsOver;

    public async Task ReadAsync(Action greeted)
    {
        while (await Frames.ReadAsync(ended.Token) is { } frame)
        {
            heard.Enqueue(frame);
            switch (frame)
            {
                case Frame.Hello:
                    IsGreeted = true;
                    greeted();
                    break;
                case Frame.RecordSet:
                    answer.TrySetResult(true);
                    break;
                case Frame.Beat:
                    await Frames.WriteAsync(Frame.Beat.Instance, ended.Token);
                    break;
            }
        }
    }

    public Task<bool> SayAsync(IReadOnlyList<Frame> frames, CancellationToken wait) => SayAsync(async () =>
    {
        foreach (var frame in frames) await Frames.WriteAsync(frame, ended.Token);
    }, wait);

    /// <summary>The child answers frames in their order, so its records come after it has dealt with what was said before.</summary>
    public async Task<bool> SayAsync(Func<Task> say, CancellationToken wait)
    {
        answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await say();
            await Frames.WriteAsync(Frame.RecordQuery.Instance, ended.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            return false;
        }
        if (IsOver) return false;
        return await answer.Task.WaitAsync(wait);
    }

    public void Cut()
    {
        try
        {
            context.Abort();
        }
        catch (Exception e) when (e is ObjectDisposedException or NullReferenceException)
        {
            // It is over already.
        }
    }

    public void End()
    {
        IsOver = true;
        answer.TrySetResult(false);
    }

    public void Dispose()
    {
        Frames.Dispose();
        ended.Dispose();
    }
}
