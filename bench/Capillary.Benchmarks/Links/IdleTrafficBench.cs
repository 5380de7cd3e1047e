using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Capillary.Sim;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Links;

/// <summary>
/// The bytes that an idle site's link costs a day: TLS records both ways, counted on the socket. Both sides' clocks run ten times as fast,
/// which keeps a heartbeat (3 s) longer than whatever HTTP/2 does by real time.
/// </summary>
internal static class IdleTrafficBench
{
    private const int Faster = 10;
    private const int Day = 24 * 60 * 60;
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(60);
    private static readonly NodeName Name = new("basel-lab-1");

    public static async IAsyncEnumerable<Row> Run()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-").FullName;
        using var stop = new CancellationTokenSource();
        using var key = SigningKey.Create();
        var (authority, time) = (new Authority("hospital-group"), new FastTime(Faster));
        authority.SignRecord(Name, NodeKind.Site, new RegionId("eu-central"), key.Public);
        authority.Publish(new Dictionary<SiteId, (RegionId, Digest, Digest?)>
        {
            [new(Name.Value)] = (new RegionId("eu-central"), Digest.Of([1]), Digest.Of([2])),
        }, 1, time.GetUtcNow());
        var cell = new DesiredStateCell(authority.State);
        using var blobs = new BlobStore(Path.Combine(folder, "blobs"));
        var server = new ParentServer(new ParentOptions(new IPEndPoint(IPAddress.Loopback, 0)), new LinkKeys(authority.HubKey), cell, blobs,
            new ParentHandlers((_, _, _) => new((string?)null), _ => { }, (_, _, _) => Task.FromResult(new EnrollAnswer("no")), authority.Fleet),
            time, NullLoggerFactory.Instance);
        var serving = server.RunAsync(stop.Token);
        using var relay = new CountingRelay(await server.Listening);
        var link = NewChild(authority, key, relay.Port, time);
        var child = link.RunAsync(stop.Token);
        await link.WhenLiveAsync(stop.Token);
        await SilentAsync(relay);
        var setUp = relay.Up + relay.Down;
        var rows = new List<Row>();
        // Beats alone, then beats with beacons, each answered by the site's report.
        var (up, down) = await CountAsync(relay, () => { });
        rows.Add(new Row("a heartbeat and what it brings, up", up * 30 / Span.TotalSeconds / Faster, "B", 200));
        rows.Add(new Row("a heartbeat and what it brings, down", down * 30 / Span.TotalSeconds / Faster, "B", null));
        rows.Add(new Row("heartbeats, a site's day", (up + down) * PerDay / 1e6, "MB", null));
        var (allUp, allDown) = await CountAsync(relay, () => cell.Update(_ => authority.Beat(time.GetUtcNow())));
        rows.Add(new Row("a beacon, the site's report and its answer", (allUp + allDown - up - down) / Beacons, "B", null));
        rows.Add(new Row("idle traffic per site and day, both ways", (allUp + allDown) * PerDay / 1e6, "MB", 1));
        rows.Add(new Row("of it up", allUp * PerDay / 1e6, "MB", null));
        rows.Add(new Row("a new connection until it is live, both ways", setUp, "B", null));
        await stop.CancelAsync();
        await Task.WhenAll(serving, child);
        Directory.Delete(folder, recursive: true);
        foreach (var row in rows) yield return row;
    }

    /// <summary>Waits until the first exchange is over: nothing on the wire for half a second, a sixth of a heartbeat here.</summary>
    private static async Task SilentAsync(CountingRelay relay)
    {
        for (var seen = -1L; seen != relay.Up + relay.Down;)
        {
            seen = relay.Up + relay.Down;
            await Task.Delay(500);
        }
    }

    private static double PerDay => Day / (Span.TotalSeconds * Faster);

    private static int Beacons => (int)(Span.TotalSeconds * Faster / LinkProtocol.BeaconEvery.TotalSeconds);

    /// <summary>What a span costs in which the hub's beacon comes every five minutes.</summary>
    private static async Task<(double Up, double Down)> CountAsync(CountingRelay relay, Action beacon)
    {
        var (up, down) = (relay.Up, relay.Down);
        for (var i = 0; i < Beacons; i++)
        {
            await Task.Delay(Span / Beacons / 2);
            beacon();
            await Task.Delay(Span / Beacons / 2);
        }
        return (relay.Up - up, relay.Down - down);
    }

    private static ParentLink NewChild(Authority authority, SigningKey key, int port, TimeProvider time)
    {
        var outbox = new Outbox();
        var seq = 0L;
        var handlers = new ChildHandlers(() => new ChildHello(0, null, "capillary-edge/0.1.0", "boot"), (_, _) => Report(), (_, _, _) => { },
            (_, _, _) => { }, () => [], _ => { });
        var link = new ParentLink(new ParentLinkOptions(Name, [new DnsEndPoint("127.0.0.1", port)]), new LinkKeys(key),
            TrustState.Begin(authority.TrustRoots[0]), handlers, outbox, time, NullLogger<ParentLink>.Instance);
        return link;

        // As a site with three apps and one thing to say signs it at each beacon.
        void Report() => outbox.Put(new SiteId(Name.Value), key.Sign(PayloadTypes.Report, new Core.Reports.Report(1, authority.Fleet,
            new SiteId(Name.Value), 1, ++seq, time.GetUtcNow(), 1, 1, Digest.Of([3]), Digest.Of([1]), 1, ReportPhase.Healthy,
            [.. ((string[])["instrument-gateway", "label-printer", "result-viewer"]).Select(app => new AppHealth(new AppName(app), true))],
            [new Condition("ClockSkewed", Severity.Warning, "the clock is 41 s behind the hub's")], "capillary-edge/0.1.0").ToPayload()));
    }

    /// <summary>A clock that runs faster, and its timers with it.</summary>
    private sealed class FastTime(int faster) : TimeProvider
    {
        private readonly DateTimeOffset begun = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => begun + (DateTimeOffset.UtcNow - begun) * faster;

        public override long GetTimestamp() => base.GetTimestamp() * faster;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, Shorter(dueTime), Shorter(period));

        private TimeSpan Shorter(TimeSpan span) => span <= TimeSpan.Zero ? span : span / faster;
    }
}
