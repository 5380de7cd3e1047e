using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Xunit;

namespace Capillary.Tests.Node.Parent;

/// <summary>What these tests measure is the whole process's, so nothing runs beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection
{
    /// <summary>The managed heap's bytes that are in use.</summary>
    public static long Settled() => GC.GetTotalMemory(forceFullCollection: true);
}

/// <summary>A child that reads nothing costs its parent no more than a frame, and not for ever.</summary>
[Collection(nameof(AloneCollection))]
public sealed class BackpressureTests
{
    private const int Lines = 10_000;

    [Fact]
    public async Task A_child_that_does_not_read_ten_thousand_lines_holds_little_and_is_ended()
    {
        // The session is ended after 45 s of a write that got nowhere; this clock runs ten times as fast.
        await using var parent = new RealParent(1, kind: NodeKind.Region, time: new FastTime());
        parent.Authority.Publish(Enumerable.Range(0, Lines).ToDictionary(i => new SiteId($"site-{i}"),
            i => (new RegionId("eu"), Digest.Of([(byte)i]), (Digest?)null)), 1, DateTimeOffset.UtcNow);
        parent.Cell.Update(_ => parent.Authority.State);
        await parent.StartAsync();
        var before = AloneCollection.Settled();
        // It says hello and then reads no frame, so that its window fills.
        using var child = await parent.JoinAsync(0, generation: 0);
        var most = 0L;
        while (parent.Server.Sessions == 0) await Task.Delay(10, parent.Stop);
        var since = DateTimeOffset.UtcNow;
        while (parent.Server.Sessions > 0)
        {
            await Task.Delay(500, parent.Stop);
            most = Math.Max(most, AloneCollection.Settled() - before);
        }
        Assert.True(DateTimeOffset.UtcNow - since > TimeSpan.FromSeconds(3), "it was ended before it had stalled");
        Assert.True(most < 16 << 20, $"{most >> 20} MB more were held");
    }

    [Fact]
    public async Task An_idle_connection_gives_its_tls_buffers_back_on_this_runtime()
    {
        // When a newer runtime makes this fail, a parent's memory per child grows by 33 KB: see IdleTlsBuffers.
        using var key = SigningKey.Create();
        using var certificate = key.ToCertificate();
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        var accepting = listener.AcceptTcpClientAsync();
        await client.ConnectAsync((System.Net.IPEndPoint)listener.LocalEndpoint);
        using var accepted = await accepting;
        await using var server = new SslStream(accepted.GetStream());
        await using var peer = new SslStream(client.GetStream(), false, (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString());
        await Task.WhenAll(server.AuthenticateAsServerAsync(certificate, false, SslProtocols.Tls13, false),
            peer.AuthenticateAsClientAsync("parent"));
        Assert.True(IdleTlsBuffers.ReleaseWhenIdle(server));
        await peer.WriteAsync(new byte[50_000]);
        await server.ReadExactlyAsync(new byte[50_000]);
        await server.WriteAsync(new byte[50_000]);
        await peer.ReadExactlyAsync(new byte[50_000]);
    }

    private sealed class FastTime : TimeProvider
    {
        public override long GetTimestamp() => base.GetTimestamp() * 10;
    }
}
