using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Parent;

/// <summary>
/// The parent's side of every link of this node: sessions, content and enrollment on one port, TLS 1.3 with the child's key, HTTP/2 only.
/// </summary>
public sealed class ParentServer(ParentOptions options, LinkKeys keys, DesiredStateCell cell, BlobStore blobs,
    ParentHandlers handlers, TimeProvider time, ILoggerFactory logs)
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, int> live = new();
    private readonly IdentityLimits identities = new(options.Limits, time);
    private readonly SessionWatch watch = new(options.Limits.SessionWithin, time);
    private readonly TaskCompletionSource<IPEndPoint> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger log = logs.CreateLogger<ParentServer>();
    private readonly Attendance attendance = new(options.TwoSessions, handlers.Sighted, time);
    private readonly ServerCertificates certificates = new(keys);
    private int sessions;

    /// <summary>Where it really listens, once it does.</summary>
    public Task<IPEndPoint> Listening => listening.Task;

    /// <summary>Live sessions now.</summary>
    public int Sessions => Volatile.Read(ref sessions);

    /// <summary>Keys and codes that are counted now.</summary>
    internal int Counted => identities.Count;

    /// <summary>Serves until <paramref name="stop"/>.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        options.Validate();
        using var shown = certificates;
        var gate = new ConnectionGate(options.Limits, identities, cell, time, log);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddLogging().AddSingleton(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
            KestrelSettings.Apply(kestrel, options, certificates, gate, time));
        await using var app = builder.Build();
        app.Run(context => ServeAsync(context, stop));
        await app.StartAsync(stop);
        listening.TrySetResult(Bound(app.Urls.First()));
        await WatchAsync(gate, stop);
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(grace.Token);
    }

    /// <summary>Looks at all that may be dead, once a second, until <paramref name="stop"/>.</summary>
    private async Task WatchAsync(ConnectionGate gate, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        var swept = time.GetTimestamp();
        var freed = new FreedMemory(time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                watch.Look();
                gate.Sweep();
                freed.Look(gate.Connections);
                if (time.GetElapsedTime(swept) < SweepEvery) continue;
                identities.Sweep();
                swept = time.GetTimestamp();
            }
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
    }

    private IPEndPoint Bound(string url) => new(options.Listen.Address, new Uri(url).Port);

    private async Task ServeAsync(HttpContext context, CancellationToken stop)
    {
        if (context.Features.Get<ChildConnection>() is not { } child)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        child.Begin();
        try
        {
            await ServeAsync(context, child, stop);
        }
        finally
        {
            child.End(time.GetTimestamp());
        }
    }

    private Task ServeAsync(HttpContext context, ChildConnection child, CancellationToken stop)
    {
        var path = context.Request.Path.Value ?? "";
        return (context.Request.Method, path) switch
        {
            ("POST", LinkProtocol.SessionPath) => ServeSessionAsync(context, child, stop),
            ("GET" or "POST", LinkProtocol.EnrollPath) => EnrollEndpoint.ServeAsync(context, handlers, identities, child.KeyId,
                live.ContainsKey(child.KeyId)),
            ("GET" or "HEAD", _) when ContentEndpoint.TryParse(path, out var digest) => live.ContainsKey(child.KeyId)
                ? ServeContentAsync(context, child.KeyId, path, digest)
                : Answer(context, StatusCodes.Status401Unauthorized),
            _ => Answer(context, StatusCodes.Status404NotFound),
        };
    }

    private static Task Answer(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private async Task ServeContentAsync(HttpContext context, string keyId, string path, Digest digest)
    {
        if (!identities.TryBeginContent(keyId))
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = "1";
            await context.Response.WriteAsync("too-many: this key asks for too much content at once; ask again in a second",
                context.RequestAborted);
            return;
        }
        try
        {
            await ContentEndpoint.ServeAsync(context, blobs, path, digest, time, log);
        }
        finally
        {
            identities.EndContent(keyId);
        }
    }

    private async Task ServeSessionAsync(HttpContext context, ChildConnection child, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
        var (counted, held) = (Interlocked.Increment(ref sessions), identities.TryBeginSession(child.KeyId));
        try
        {
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await context.Response.StartAsync(ended.Token);
            await context.Response.Body.FlushAsync(ended.Token);
            using var frames = new FrameStream(context.Request.Body, context.Response.Body);
            if (counted > options.MaxChildren)
                await RefuseAsync(frames, $"this parent serves {options.MaxChildren} children, its most; dial another one", ended.Token);
            else if (!held)
                await RefuseAsync(frames, $"this key has {options.Limits.SessionsPerKey} sessions here already; if it is not a copied "
                    + "disk, wait a minute: dead ones are ended then", ended.Token);
            else await CarryAsync(frames, child, ended);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ProtocolException)
        {
            // The child is gone; its next session begins anew.
        }
        finally
        {
            if (held) identities.EndSession(child.KeyId);
            Interlocked.Decrement(ref sessions);
        }
    }

    /// <summary>Refuses once the child has spoken: it would take an end before that for a broken stream, and not read why.</summary>
    private async Task RefuseAsync(FrameStream frames, string text, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(options.Limits.SessionWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        await frames.ReadAsync(either.Token);
        await frames.WriteAsync(new Frame.Refusal("too-many", text), either.Token);
    }

    private async Task CarryAsync(FrameStream frames, ChildConnection child, CancellationTokenSource ended)
    {
        var joined = false;
        var watched = watch.Begin(frames, ended.Cancel, child.Abort);
        try
        {
            using var serving = new ServedSession(child.KeyId, frames, cell, handlers, attendance,
                () => watched.Heard(time.GetTimestamp()), time, log);
            await serving.RunAsync(() =>
            {
                joined = true;
                watched.Joined();
                live.AddOrUpdate(child.KeyId, 1, (_, count) => count + 1);
            }, ended);
        }
        finally
        {
            watch.End(watched);
            if (joined) Leave(child.KeyId);
        }
    }

    private void Leave(string keyId)
    {
        if (live.AddOrUpdate(keyId, 0, (_, count) => count - 1) == 0) live.TryRemove(new(keyId, 0));
    }
}
