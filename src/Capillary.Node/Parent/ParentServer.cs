using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Parent;

/// <summary>Where a parent listens.</summary>
/// <param name="Listen">Address and port; port 0 takes a free one.</param>
/// <param name="MaxChildren">Most sessions at once (default 20,000).</param>
/// <param name="TwoSessions">Who stays when two processes are at work with one key (default: the newest).</param>
public sealed record ParentOptions(IPEndPoint Listen, int MaxChildren = 20_000,
    TwoSessionsPolicy TwoSessions = TwoSessionsPolicy.NewestStays);

/// <summary>
/// The parent's side of every link of this node: sessions, content and enrollment on one port, TLS 1.3 with the child's key, HTTP/2 only.
/// </summary>
public sealed class ParentServer(ParentOptions options, LinkKeys keys, DesiredStateCell cell, BlobStore blobs,
    ParentHandlers handlers, TimeProvider time, ILoggerFactory logs)
{
    private readonly ConcurrentDictionary<string, int> live = new();
    private readonly TaskCompletionSource<IPEndPoint> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger log = logs.CreateLogger<ParentServer>();
    private readonly Attendance attendance = new(options.TwoSessions, handlers.Sighted, time);
    private readonly ServerCertificates certificates = new(keys);
    private int sessions;

    /// <summary>Where it really listens, once it does.</summary>
    public Task<IPEndPoint> Listening => listening.Task;

    /// <summary>Live sessions now.</summary>
    public int Sessions => Volatile.Read(ref sessions);

    /// <summary>Serves until <paramref name="stop"/>.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var shown = certificates;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddLogging().AddSingleton(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxConcurrentConnections = options.MaxChildren + 1000;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 32;
            kestrel.Listen(options.Listen, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(certificates.Newest()) });
            });
        });
        await using var app = builder.Build();
        app.Run(context => ServeAsync(context, stop));
        await app.StartAsync(stop);
        listening.TrySetResult(Bound(app.Urls.First()));
        await WaitAsync(stop);
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(grace.Token);
    }

    private static async Task WaitAsync(CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(ended.SetResult);
        await ended.Task;
    }

    private IPEndPoint Bound(string url) => new(options.Listen.Address, new Uri(url).Port);

    private Task ServeAsync(HttpContext context, CancellationToken stop)
    {
        if (SigningKey.KeyOf(context.Connection.ClientCertificate) is not { } key)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        }
        var path = context.Request.Path.Value ?? "";
        return (context.Request.Method, path) switch
        {
            ("POST", LinkProtocol.SessionPath) => ServeSessionAsync(context, key.Id, stop),
            ("GET" or "POST", LinkProtocol.EnrollPath) => EnrollEndpoint.ServeAsync(context, handlers),
            ("GET" or "HEAD", _) when ContentEndpoint.TryParse(path, out var digest) => live.ContainsKey(key.Id)
                ? ContentEndpoint.ServeAsync(context, blobs, path, digest, log)
                : Answer(context, StatusCodes.Status401Unauthorized),
            _ => Answer(context, StatusCodes.Status404NotFound),
        };
    }

    private static Task Answer(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private async Task ServeSessionAsync(HttpContext context, string keyId, CancellationToken stop)
    {
        if (Interlocked.Increment(ref sessions) > options.MaxChildren)
        {
            Interlocked.Decrement(ref sessions);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
        var joined = false;
        try
        {
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await context.Response.StartAsync(ended.Token);
            await context.Response.Body.FlushAsync(ended.Token);
            using var frames = new FrameStream(context.Request.Body, context.Response.Body);
            using var serving = new ServedSession(keyId, frames, cell, handlers, attendance, time, log);
            await serving.RunAsync(() =>
            {
                joined = true;
                live.AddOrUpdate(keyId, 1, (_, count) => count + 1);
            }, ended);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The child is gone; its next session begins anew.
        }
        finally
        {
            if (joined) Leave(keyId);
            Interlocked.Decrement(ref sessions);
        }
    }

    private void Leave(string keyId)
    {
        if (live.AddOrUpdate(keyId, 0, (_, count) => count - 1) == 0) live.TryRemove(new(keyId, 0));
    }
}
