using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Capillary.Node.Parent;
using Capillary.Sim;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Tests.Node.Parent;

/// <summary>The parent refused a session by this code.</summary>
internal sealed class RefusedException(string code, string text) : Exception(text)
{
    public string Code { get; } = code;
}

/// <summary>A parent server on a real port, and children that speak its protocol by hand.</summary>
internal sealed class RealParent : IAsyncDisposable
{
    public const string NotHere = "not here";
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-parent-").FullName;
    private readonly CancellationTokenSource stop = new(TimeSpan.FromSeconds(180));
    private readonly ConcurrentBag<IDisposable> kept = [];
    private readonly SigningKey[] keys;
    private readonly BlobStore blobs;
    private readonly Func<int, ParentServer> serverAt;
    private CancellationTokenSource serverStop = new();
    private Task? serving;

    public RealParent(int children, Func<ParentLimits, ParentLimits>? change = null, NodeKind kind = NodeKind.Site, TimeProvider? time = null)
    {
        keys = [.. Enumerable.Range(0, children).Select(_ => SigningKey.Create())];
        for (var i = 0; i < children; i++) Authority.SignRecord(NameOf(i), kind, new RegionId("eu"), keys[i].Public);
        Cell = new DesiredStateCell(Authority.State);
        blobs = new BlobStore(Path.Combine(folder, "blobs"));
        var limits = change is null ? new ParentLimits() : change(new ParentLimits());
        serverAt = port => new ParentServer(new ParentOptions(new IPEndPoint(IPAddress.Loopback, port)) { Limits = limits }, new LinkKeys(Authority.HubKey), Cell, blobs,
            new ParentHandlers((_, _, _) => new((string?)null), _ => { }, (_, _, _) => Task.FromResult(new EnrollAnswer(NotHere)), Authority.Fleet),
            time ?? TimeProvider.System, NullLoggerFactory.Instance);
        Server = serverAt(0);
    }

    public Authority Authority { get; } = new();

    public DesiredStateCell Cell { get; }

    public ParentServer Server { get; private set; }

    public CancellationToken Stop => stop.Token;

    public int Port { get; private set; }

    public async Task StartAsync()
    {
        serving = Server.RunAsync(serverStop.Token);
        Port = (await Server.Listening.WaitAsync(stop.Token)).Port;
    }

    /// <summary>All sessions end, and another server listens at the same port.</summary>
    public async Task RestartAsync()
    {
        await EndServerAsync();
        serverStop = new CancellationTokenSource();
        Server = serverAt(Port);
        await StartAsync();
    }

    /// <summary>A child's lasting link to this parent, as an agent runs it.</summary>
    public ParentLink Link(int index, Action<LinkStatus> status)
    {
        var handlers = new ChildHandlers(() => new ChildHello(0, null, "test", $"boot-{index}"), (_, _) => { }, (_, _, _) => { }, (_, _, _) => { },
            () => [], status);
        return new ParentLink(new ParentLinkOptions(NameOf(index), [new DnsEndPoint("127.0.0.1", Port)]), new LinkKeys(keys[index]),
            TrustState.Begin(Authority.TrustRoots[0]), handlers, new Outbox(), TimeProvider.System, NullLogger<ParentLink>.Instance);
    }

    private async Task EndServerAsync()
    {
        await serverStop.CancelAsync();
        if (serving is not null) await serving;
        serverStop.Dispose();
    }

    public LinkConnection Connect(SigningKey key) => new(new DnsEndPoint("127.0.0.1", Port), key);

    /// <summary>A live session of a child; throws when it is refused.</summary>
    public async Task<HandChild> JoinAsync(int index, long generation = long.MaxValue)
    {
        var connection = Connect(keys[index]);
        try
        {
            var session = await connection.OpenSessionAsync(stop.Token);
            await session.Frames.WriteAsync(new Frame.TrustQuery(LinkProtocol.Version, NameOf(index), 1), stop.Token);
            if (await session.Frames.ReadAsync(stop.Token) is Frame.Refusal refusal) throw new RefusedException(refusal.Code, refusal.Text);
            await session.Frames.WriteAsync(new Frame.Hello(generation, null, "test", $"boot-{Guid.NewGuid():n}"), stop.Token);
            if (generation == long.MaxValue)
            {
                await session.Frames.WriteAsync(Frame.Beat.Instance, stop.Token);
                while (await session.Frames.ReadAsync(stop.Token) is { } frame and not Frame.Beat)
                    if (frame is Frame.Refusal late) throw new RefusedException(late.Code, late.Text);
            }
            return new HandChild(connection, session, stop.Token);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Keep(IDisposable child) => kept.Add(child);

    public async ValueTask DisposeAsync()
    {
        foreach (var child in kept) child.Dispose();
        await stop.CancelAsync();
        await EndServerAsync();
        blobs.Dispose();
        foreach (var key in keys) key.Dispose();
        Directory.Delete(folder, recursive: true);
        stop.Dispose();
    }

    private static NodeName NameOf(int index) => new($"child-{index}");
}

/// <summary>One child's connection and session.</summary>
internal sealed class HandChild(LinkConnection connection, LinkSession session, CancellationToken stop) : IDisposable
{
    private static readonly Digest Absent = Digest.Of("absent"u8);

    public FrameStream Frames => session.Frames;

    /// <summary>Asks for a blob that is not there.</summary>
    public async Task<HttpStatusCode> GetAsync()
    {
        using var response = await connection.GetAsync($"/v2/{LinkProtocol.Repository}/blobs/{Absent}", 0, stop);
        return response.StatusCode;
    }

    public void Dispose()
    {
        session.Dispose();
        connection.Dispose();
    }
}
