using System.Net;
using System.Text;
using InstrumentGateway;
using InstrumentGateway.Configuration;
using InstrumentGateway.Mllp;

namespace Capillary.Tests.Workloads;

/// <summary>A gateway in this process: real sockets on free ports, real files in a folder of its own.</summary>
internal sealed class GatewayFixture : IAsyncDisposable
{
    private readonly TempFolder folder;
    private readonly GatewayHost host;

    private GatewayFixture(TempFolder folder, GatewayHost host) => (this.folder, this.host) = (folder, host);

    public HttpClient Http { get; private init; } = new();

    public IPEndPoint Mllp => host.ListenerEndpoints[0];

    public static async Task<GatewayFixture> StartAsync(
        int maxConnections = 16, int idleSeconds = 600, FrameLimits? limits = null, string? data = null,
        params InstrumentConfig[] instruments)
    {
        var folder = new TempFolder();
        var config = new GatewayConfig(
            new("<Lab> & co"), new("127.0.0.1", 0), [new("main", "127.0.0.1", 0, maxConnections, idleSeconds)], "unused", instruments);
        var host = await GatewayHost.StartAsync(
            config, new(data ?? folder.Path), TimeProvider.System, CancellationToken.None, limits);
        return new(folder, host) { Http = new() { BaseAddress = new($"http://{host.HttpEndpoint}") } };
    }

    /// <summary>Sends one message on a connection of its own; the answer has LF for CR.</summary>
    public Task<string> SendAsync(string message) => Sender.SendAsync(Mllp, message);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.DisposeAsync();
        folder.Dispose();
    }
}

internal static class Sender
{
    /// <summary>A small ORU^R01, LF for CR.</summary>
    public static string Oru(string id, string value = "5.1", string application = "APP", string facility = "LAB") =>
        $"MSH|^~\\&|{application}|{facility}|GW|LAB|20261120||ORU^R01|{id}|P|2.5.1\nPID|1||77||Secret^Name\nOBR|1||S-1|CHEM\n"
        + $"OBX|1|NM|GLU^Glucose||{value}|mmol/L||N|||F\n";

    public static byte[] Bytes(string message) => Encoding.Latin1.GetBytes(message.Replace('\n', '\r'));

    public static string Text(byte[] message) => Encoding.Latin1.GetString(message).Replace('\r', '\n');

    public static async Task<string> SendAsync(IPEndPoint to, string message)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return Text(await MllpClient.SendAsync(to.Address.ToString(), to.Port, Bytes(message), stop.Token));
    }
}

internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("gateway-").FullName;

    public void Dispose() => Directory.Delete(Path, true);
}

internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}

internal static class Eventually
{
    /// <summary>Waits until a state holds, with a deadline: never for an event, never for a fixed time.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> state, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await state())
        {
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"not within 30 s: {what}");
            await tick.WaitForNextTickAsync();
        }
    }
}
