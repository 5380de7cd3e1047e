using System.Net;
using System.Net.Sockets;
using System.Reflection;
using InstrumentGateway.Configuration;
using InstrumentGateway.Hl7;
using InstrumentGateway.Intake;
using InstrumentGateway.Mllp;
using InstrumentGateway.Storage;
using InstrumentGateway.Web;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace InstrumentGateway;

/// <summary>The running gateway: the store, and Kestrel with the MLLP listeners and the pages on it.</summary>
internal sealed partial class GatewayHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly MessageLog store;

    private readonly ILogger log;

    private GatewayHost(WebApplication app, MessageLog store, ILogger log) => (this.app, this.store, this.log) = (app, store, log);

    /// <summary>As <c>--version</c> prints it, without the source revision.</summary>
    public static string Version { get; } =
        typeof(GatewayHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>The ports that were opened, listeners in configured order.</summary>
    public IReadOnlyList<IPEndPoint> ListenerEndpoints { get; private init; } = [];

    public IPEndPoint HttpEndpoint { get; private init; } = new(IPAddress.None, 0);

    /// <summary>Opens the store, then the ports. Throws <see cref="IOException"/> with one line for a person if either can't be.</summary>
    public static async Task<GatewayHost> StartAsync(
        GatewayConfig config, LogOptions options, TimeProvider time, CancellationToken stop, FrameLimits? limits = null)
    {
        var endpoints = new List<ListenOptions>();
        var listeners = new List<MllpListener>();
        var app = Build(config, listeners, endpoints);
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        MessageLog? store = null;
        try
        {
            store = MessageLog.Open(options, time, loggers.CreateLogger<MessageLog>());
            ListenerTally[] tallies = [.. config.Listeners.Select(l => new ListenerTally(l.Name))];
            var board = Refilled(store.Newest);
            var intake = new MessageIntake(new(config.Instruments ?? []), store, board, time, loggers.CreateLogger<MessageIntake>());
            listeners.AddRange(config.Listeners.Zip(tallies, (l, tally) =>
                new MllpListener(l, tally, intake, limits ?? new(), time, loggers.CreateLogger<MllpListener>())));
            var health = new GatewayHealth(config, tallies, store, Version);
            app.Run(new GatewayPages(config, health, tallies, board, time).HandleAsync);
            await app.StartAsync(stop);
            return Ready(app, store, config, endpoints, health, loggers.CreateLogger<GatewayHost>());
        }
        catch
        {
            if (store is not null)
                await store.DisposeAsync();
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>True after an ordinary stop, false when the store has died of a bug and a supervisor should start anew.</summary>
    public async Task<bool> WaitForStopAsync()
    {
        var stopped = app.WaitForShutdownAsync(CancellationToken.None);
        if (await Task.WhenAny(stopped, store.Completion) == stopped)
            return true;
        await app.StopAsync(CancellationToken.None);
        return false;
    }

    /// <summary>Messages in hand are finished first, then the store is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        await app.StopAsync(CancellationToken.None);
        await store.DisposeAsync();
        LogStopped(log);
        await app.DisposeAsync();
    }

    private static WebApplication Build(GatewayConfig config, List<MllpListener> listeners, List<ListenOptions> endpoints)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        AddLog(builder.Logging);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, config, listeners, endpoints));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.Services.Configure<SocketTransportOptions>(o => o.CreateBoundListenSocket = endpoint => Bind(endpoint, config));
        return builder.Build();
    }

    private static GatewayHost Ready(
        WebApplication app, MessageLog store, GatewayConfig config, List<ListenOptions> endpoints, GatewayHealth health, ILogger log)
    {
        foreach (var (listener, endpoint) in config.Listeners.Zip(endpoints))
        {
            health.Bound(listener.Name, endpoint.IPEndPoint!.ToString());
            LogListening(log, listener.Name, endpoint.IPEndPoint!);
        }

        LogReady(log, endpoints[^1].IPEndPoint!);
        return new(app, store, log)
        {
            ListenerEndpoints = [.. endpoints.SkipLast(1).Select(e => e.IPEndPoint!)],
            HttpEndpoint = endpoints[^1].IPEndPoint!,
        };
    }

    private static void AddLog(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.UseUtcTimestamp = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Error);
        // A failed start is told once, in one line, by the command.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    }

    // HTTP comes last: whoever reaches /healthz finds the listeners open.
    private static void Listen(
        KestrelServerOptions kestrel, GatewayConfig config, List<MllpListener> listeners, List<ListenOptions> endpoints)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 1100;
        kestrel.Limits.MaxRequestBodySize = 4096;
        for (var i = 0; i < config.Listeners.Count; i++)
        {
            var at = i;
            kestrel.Listen(IPAddress.Parse(config.Listeners[i].Address), config.Listeners[i].Port, options =>
            {
                endpoints.Add(options);
                options.Run(connection => listeners[at].OnConnectedAsync(connection));
            });
        }

        kestrel.Listen(IPAddress.Parse(config.Http.Address), config.Http.Port, endpoints.Add);
    }

    private static Socket Bind(EndPoint endpoint, GatewayConfig config)
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException e)
        {
            var name = config.Listeners.FirstOrDefault(l => endpoint.Equals(new IPEndPoint(IPAddress.Parse(l.Address), l.Port)))?.Name;
            throw new IOException($"can't listen on {endpoint} ({(name is null ? "http" : $"listener '{name}'")}): {e.Message}", e);
        }
    }

    private static ResultBoard Refilled(IReadOnlyList<LogRecord> newest)
    {
        var board = new ResultBoard();
        foreach (var record in newest)
        {
            if (MessageParser.Parse(record.Content.Span) is Parsed.Good good)
                board.Add(LabResults.Of(good.Message, record.ReceivedAt, record.Listener));
        }

        return board;
    }

    [LoggerMessage(1, LogLevel.Information, "Listener {Listener} on {Endpoint}")]
    private static partial void LogListening(ILogger log, string listener, IPEndPoint endpoint);

    [LoggerMessage(2, LogLevel.Information, "Ready, pages on {Http}")]
    private static partial void LogReady(ILogger log, IPEndPoint http);

    [LoggerMessage(3, LogLevel.Information, "Stopped")]
    private static partial void LogStopped(ILogger log);
}
