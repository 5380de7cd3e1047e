using System.Net;
using System.Security.Authentication;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Api;

/// <summary>
/// The API on a Unix socket of mode 0600, where whoever can open it is the local admin, and, if told so, with TLS and bearer tokens. The
/// certificate is made around the API's key, which callers pin.
/// </summary>
internal sealed class ApiServer(Hub hub, HubOptions options, TimeProvider time, ILoggerFactory logs)
{
    /// <summary>The longest request body, in bytes.</summary>
    public const int MaxBodyBytes = 64 << 10;

    private const string LocalMark = "capillary.local";
    private readonly TaskCompletionSource<IPEndPoint?> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ApiAccess access = new(hub);
    private readonly List<ApiRoute> routes = [.. ApiRoutes.All(hub, time)];

    /// <summary>Where it listens with TLS, once it does; null: nowhere.</summary>
    public Task<IPEndPoint?> Listening => listening.Task;

    public async Task RunAsync(CancellationToken stop)
    {
        using var certificate = hub.Keys.Api.ToCertificate();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = 1000;
            // A socket file outlives a killed hub; the folder's lock says that no other hub lives here.
            File.Delete(options.SocketPath);
            kestrel.ListenUnixSocket(options.SocketPath, listen => listen.Use(next => connection =>
            {
                connection.Items[LocalMark] = true;
                return next(connection);
            }));
            if (options.ApiListen is { } endpoint)
            {
                kestrel.Listen(endpoint, listen => listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = certificate,
                    SslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12,
                }));
            }
        });
        await using var app = builder.Build();
        app.Run(context => ServeAsync(context, stop));
        await app.StartAsync(stop);
        File.SetUnixFileMode(options.SocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var tls = app.Urls.FirstOrDefault(url => url.StartsWith("https", StringComparison.Ordinal));
        listening.TrySetResult(tls is null ? null : new IPEndPoint(options.ApiListen!.Address, new Uri(tls).Port));
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(stopped.SetResult);
        await stopped.Task;
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(grace.Token);
    }

    private async Task ServeAsync(HttpContext context, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
        ApiAnswer answer;
        try
        {
            answer = await AnswerAsync(context, ended.Token);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            answer = ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", e.Message, "send JSON as described in docs/api.md");
        }
        catch (Exception e) when (e is IOException or Microsoft.Data.Sqlite.SqliteException)
        {
            answer = ApiAnswer.Fail(StatusCodes.Status503ServiceUnavailable, "storage", $"the hub cannot write: {e.Message}",
                "make space on the hub's disk; see: capillary status");
        }
        await answer.WriteAsync(context, ended.Token);
    }

    private async Task<ApiAnswer> AnswerAsync(HttpContext context, CancellationToken stop)
    {
        var path = context.Request.Path.Value ?? "";
        var matching = routes.Where(route => route.Matches(path) is not null).ToList();
        if (matching.Count == 0) return ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", $"there is nothing at {path}", null);
        if (matching.Find(found => found.Method == context.Request.Method) is not { } route)
            return ApiAnswer.Fail(StatusCodes.Status405MethodNotAllowed, "method", $"{path} does not take {context.Request.Method}", null);
        var local = context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(LocalMark) ?? false;
        if (access.Check(context, local, route.Needs, out var caller) is { } refused) return refused;
        return await route.Serve(new ApiCall(context, caller.Name, route.Matches(path)!) { Role = caller.Role }, stop);
    }
}
