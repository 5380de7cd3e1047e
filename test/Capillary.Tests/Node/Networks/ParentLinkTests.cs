using System.Net;
using System.Net.Sockets;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Links;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Xunit;

namespace Capillary.Tests.Node.Networks;

/// <summary>Several parents, and parents that hang.</summary>
public sealed class ParentLinkTests : IAsyncLifetime
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);
    private readonly LinkBench bench = new();
    private IPEndPoint parent = null!;

    public async Task InitializeAsync() => parent = await bench.ServeAsync();

    public async Task DisposeAsync() => await bench.DisposeAsync();

    [Fact]
    public async Task A_dead_first_parent_costs_the_second_no_wait()
    {
        var dead = new IPEndPoint(IPAddress.Loopback, ProxyProcess.FreePort());
        var link = bench.Run(bench.To(dead, dead, parent) with { FirstBackoff = Never, MostBackoff = Never });
        await link.WhenLiveAsync(bench.Stop).WaitAsync(TimeSpan.FromSeconds(10), bench.Stop);
        Assert.Equal([LinkProblem.Unreachable], bench.Statuses.Where(status => !status.IsLive).Select(status => status.Kind));
    }

    [Fact]
    public async Task The_last_good_parent_is_dialled_first_after_a_restart()
    {
        await using var first = new Relay(new IPEndPoint(IPAddress.Loopback, ProxyProcess.FreePort()));
        await using var second = new Relay(parent);
        var memory = Path.Combine(bench.Folder, "last-parent");
        var options = bench.To(first.At, second.At) with { LastGoodFile = memory };
        using var once = new CancellationTokenSource();
        await bench.Run(options, until: once.Token).WhenLiveAsync(bench.Stop);
        await bench.Eventually(() => File.Exists(memory));
        Assert.Equal($"127.0.0.1:{second.At.Port}\n", await File.ReadAllTextAsync(memory, bench.Stop));
        await once.CancelAsync();
        Assert.Equal(1, first.Accepted);

        await bench.Run(options).WhenLiveAsync(bench.Stop);
        Assert.Equal((1, 2), (first.Accepted, second.Accepted));
    }

    [Fact]
    public async Task A_parent_that_greets_and_cuts_at_once_keeps_no_other_from_its_turn()
    {
        await using var flapping = new Relay(parent);
        bench.OnStatus = status =>
        {
            if (status.IsLive) flapping.Cut();
        };
        bench.Run(bench.To(flapping.At, parent) with { FirstBackoff = Never, MostBackoff = Never });
        // The second is dialled in the same round: no wait could have ended by now.
        await bench.Eventually(() => bench.Statuses.Count(status => status.IsLive) == 2);
    }

    [Fact]
    public async Task Addresses_that_the_hub_signs_are_dialled_while_it_runs()
    {
        IReadOnlyList<DnsEndPoint> signed = [];
        var dead = new IPEndPoint(IPAddress.Loopback, ProxyProcess.FreePort());
        var link = bench.Run(bench.To(dead) with { Signed = () => Volatile.Read(ref signed) });
        await bench.StatusAsync(status => status.Kind == LinkProblem.Unreachable);
        Volatile.Write(ref signed, [new DnsEndPoint("127.0.0.1", parent.Port)]);
        await link.WhenLiveAsync(bench.Stop);
    }

    [Fact]
    public void The_last_good_parent_comes_first_and_those_of_the_join_last()
    {
        DnsEndPoint a = new("a", 443), b = new("b", 443), c = new("c", 443), gone = new("gone", 443);
        Assert.Equal([a, b], ParentOrder.Of(null, [], [a, b]));
        Assert.Equal([b, a], ParentOrder.Of(b, [], [a, b]));
        Assert.Equal([c, a, b], ParentOrder.Of(null, [c, new DnsEndPoint("A", 443)], [a, b]).Select(one => new DnsEndPoint(one.Host.ToLowerInvariant(), one.Port)));
        Assert.Equal([a, c, b], ParentOrder.Of(a, [c], [a, b]));
        Assert.Equal([c, a], ParentOrder.Of(gone, [c], [a]));
        Assert.Equal(ParentOrder.Most, ParentOrder.Of(null, [.. Enumerable.Range(1, 100).Select(port => new DnsEndPoint("a", port))], []).Count);
    }

    [Fact]
    public void The_last_good_parent_is_written_only_when_it_changes_and_a_damaged_file_is_none()
    {
        var path = Path.Combine(bench.Folder, "memory");
        new LastGoodParent(path).Keep(new DnsEndPoint("::1", 8443));
        Assert.Equal(new DnsEndPoint("::1", 8443), new LastGoodParent(path).Value);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        new LastGoodParent(path).Keep(new DnsEndPoint("::1", 8443));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(path));
        File.WriteAllText(path, "\0\0\0");
        Assert.Null(new LastGoodParent(path).Value);
    }

    [Fact]
    public void Waits_stay_short_while_links_come_and_go()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), () => 1);
        for (var i = 0; i < 30; i++) backoff.Next();
        Assert.Equal(60, backoff.Next().TotalSeconds);
        for (var i = 0; i < 30; i++)
        {
            backoff.Lived(TimeSpan.FromSeconds(1));
            Assert.Equal(5, backoff.Next().TotalSeconds);
        }
        backoff.Lived(TimeSpan.FromSeconds(5));
        Assert.Equal(1, backoff.Next().TotalSeconds);
        backoff.Lived(TimeSpan.Zero);
        Assert.Equal(2, backoff.Next().TotalSeconds);
    }

    [Fact]
    public async Task A_parent_that_drops_SYNs_ends_in_time_and_is_named()
    {
        // A listener whose queue is full drops them as a firewall does.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var at = (IPEndPoint)full.LocalEndPoint!;
        using var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await filler.ConnectAsync(at, bench.Stop);
        using var connection = new LinkConnection(new DnsEndPoint("127.0.0.1", at.Port), bench.SiteKey)
        {
            ConnectWithin = TimeSpan.FromMilliseconds(500),
        };
        var e = await Assert.ThrowsAsync<LinkException>(() => connection.OpenSessionAsync(bench.Stop));
        Assert.Equal(LinkProblem.Unreachable, e.Problem);
        Assert.Contains("does not answer; check that the network lets this machine out", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parent_that_stalls_in_TLS_ends_in_time_and_is_named()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        bench.Run(bench.To((IPEndPoint)mute.LocalEndpoint) with { LiveWithin = TimeSpan.FromSeconds(1) });
        await bench.StatusAsync(status => status.Kind == LinkProblem.NoAnswer);
    }

    [Fact]
    public async Task A_parent_that_never_answers_the_trust_query_ends_in_time_and_is_named()
    {
        await using var mute = await MuteParentAsync();
        bench.Run(bench.To(new IPEndPoint(IPAddress.Loopback, new Uri(mute.Urls.First()).Port)) with { LiveWithin = TimeSpan.FromSeconds(1) });
        var status = await bench.StatusAsync(status => status.Kind == LinkProblem.NoAnswer);
        Assert.Contains("does not prove itself a parent within 1 s", status.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_limit_of_a_dial_is_below_the_time_after_which_a_link_is_dead()
    {
        var options = bench.To(parent);
        Assert.True(options.LiveWithin < TimeSpan.FromSeconds(45));
        Assert.Equal(TimeSpan.FromSeconds(45), options.DeadAfter);
    }

    [Fact]
    public async Task A_wire_that_goes_dead_under_a_blocked_write_and_a_blob_ends_both_in_time()
    {
        await using var wire = new Relay(parent);
        var (bundle, _) = bench.Bundle(4 << 20);
        var link = bench.Run(bench.To(wire.At) with { DeadAfter = TimeSpan.FromSeconds(5), FirstBackoff = Never, MostBackoff = Never });
        await link.WhenLiveAsync(bench.Stop);
        var fetching = new BlobFetcher(link, bench.SiteBlobs, new LinkLimits(500_000)).FetchBundleAsync(bundle, bench.Stop);
        await bench.Eventually(() => wire.Down > 200_000);
        wire.Freeze();
        // More than the parent's window and both kernels take: the writer blocks, and with it the session's own clock.
        for (var i = 0; i < 40; i++)
            bench.Outbox.Put(new SiteId($"s{i}"), new Envelope("report", new byte[1 << 20], []));
        var begun = TimeProvider.System.GetTimestamp();
        await bench.StatusAsync(status => !status.IsLive);
        Assert.IsType<FetchOutcome.Unavailable>(await fetching.WaitAsync(bench.Stop));
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun).TotalSeconds, 0, 15);
    }

    private async Task<WebApplication> MuteParentAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = bench.Authority.HubKey.ToCertificate() });
        }));
        var app = builder.Build();
        app.Run(async context =>
        {
            await context.Response.StartAsync(context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        await app.StartAsync(bench.Stop);
        return app;
    }
}
