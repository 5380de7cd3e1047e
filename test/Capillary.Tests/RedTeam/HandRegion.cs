using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Node.Links;

namespace Capillary.Tests.RedTeam;

/// <summary>A region's link to the hub, over real TLS with its real key, on which it says what a test wants.</summary>
internal sealed class HandRegion : IDisposable
{
    private readonly LinkConnection connection;
    private readonly LinkSession session;
    private readonly CancellationToken stop;

    private HandRegion(LinkConnection connection, LinkSession session, CancellationToken stop) =>
        (this.connection, this.session, this.stop) = (connection, session, stop);

    /// <summary>All that the hub said.</summary>
    public ConcurrentQueue<Frame> Heard { get; } = new();

    public static async Task<HandRegion> JoinAsync(RedFleet fleet, SigningKey key, string node = "eu", long generation = 0, Envelope? checkpoint = null)
    {
        var (connection, session) = await OpenAsync(fleet, key);
        var region = new HandRegion(connection, session, fleet.Stop);
        await region.session.Frames.WriteAsync(new Frame.TrustQuery(LinkProtocol.Version, new NodeName(node), 1), fleet.Stop);
        await region.SayAsync(new Frame.Hello(generation, null, "evil/1", "boot", checkpoint));
        return region;
    }

    /// <summary>The hub may be closing an earlier connection of the same key.</summary>
    private static async Task<(LinkConnection, LinkSession)> OpenAsync(RedFleet fleet, SigningKey key)
    {
        for (var left = 20; ; left--)
        {
            var connection = new LinkConnection(new DnsEndPoint("127.0.0.1", fleet.HubAt.Port), key);
            try
            {
                return (connection, await connection.OpenSessionAsync(fleet.Stop));
            }
            catch (HttpRequestException) when (left > 0)
            {
                connection.Dispose();
                await Task.Delay(50, fleet.Stop);
            }
        }
    }

    /// <summary>Says these, and waits until the hub has dealt with them; false when it ended the session.</summary>
    public async Task<bool> SayAsync(params Frame[] frames)
    {
        try
        {
            foreach (var frame in frames) await session.Frames.WriteAsync(frame, stop);
            await session.Frames.WriteAsync(Frame.Beat.Instance, stop);
            while (await session.Frames.ReadAsync(stop) is { } frame)
            {
                if (frame is Frame.Beat) return true;
                Heard.Enqueue(frame);
            }
            return false;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or HttpRequestException or OperationCanceledException)
        {
            stop.ThrowIfCancellationRequested();
            return false;
        }
    }

    public void Dispose()
    {
        session.Dispose();
        connection.Dispose();
    }
}
