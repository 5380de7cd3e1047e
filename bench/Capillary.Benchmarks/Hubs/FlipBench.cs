using System.Diagnostics;
using System.Net;
using Capillary.Benchmarks.Links;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.Node.Hosting;
using Capillary.RegionNode;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Hubs;

/// <summary>
/// A hub, ten regions and 3,000 sites, in twelve processes with real TLS between them: 45 of 50 conditions of every site flip at once. When
/// does the hub show exactly that?
/// </summary>
internal static class FlipBench
{
    private const int Sites = 3000;

    public static async IAsyncEnumerable<Row> Run()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-flip-").FullName;
        var fleet = new FleetName("synthetic");
        var (root, records) = Make(folder, fleet);
        using var hub = new RoleProcess([], "hub", Path.Combine(folder, "hub"), $"{Sites}", "1");
        var port = (await hub.NextAsync()).GetProperty("port").GetInt32();
        var regions = new List<RoleProcess>();
        try
        {
            var ports = new List<int>();
            for (var i = 0; i < BulkFleet.Regions; i++)
            {
                var name = BulkFleet.RegionName(i);
                var home = new NodeHome(Path.Combine(folder, name));
                home.KeepJoined(new NodeSettings(1, fleet, new NodeName(name), NodeKind.Region, new RegionId(name), [$"127.0.0.1:{port}"], 1),
                    records[i], [root]);
                regions.Add(new RoleProcess([], "region", home.Folder, "0"));
                ports.Add((await regions[i].NextAsync()).GetProperty("port").GetInt32());
            }
            using var ended = new CancellationTokenSource();
            var watching = PeakAsync([hub, .. regions], ended.Token);
            using var children = new RoleProcess([], "children", folder, string.Join(',', ports), $"{Sites}");
            await children.AskAsync("wait 0");
            await UntilAsync(hub, children, 0);
            // The first line of every site comes down meanwhile; what is measured is the flip alone.
            foreach (var index in Enumerable.Range(0, BulkFleet.Regions)) await MirroredAsync(Path.Combine(folder, BulkFleet.RegionName(index)));
            var took = await UntilAsync(hub, children, 1);
            var back = await UntilAsync(hub, children, 2);
            await ended.CancelAsync();
            yield return new Row("3,000 sites x 50 checks in 10 regions: 135,000 conditions flip, hub exact", took, "s", 60);
            yield return new Row("… and flip back", back, "s", 60);
            yield return new Row("memory of hub and ten regions together at its peak (shared pages once)", await watching, "MB", 1000);
            yield return new Row("the same, each resident at its own peak (shared pages eleven times)",
                hub.Peak + regions.Sum(region => region.Peak), "MB", null);
            yield return new Row("of that the hub", hub.Peak, "MB", null);
        }
        finally
        {
            foreach (var region in regions) region.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The most that all hold at one time, in MB, of a look each half second until <paramref name="stop"/>.</summary>
    private static async Task<double> PeakAsync(IReadOnlyList<RoleProcess> tiers, CancellationToken stop)
    {
        var peak = 0.0;
        while (!stop.IsCancellationRequested)
        {
            peak = Math.Max(peak, tiers.Sum(tier => tier.Proportional));
            await Task.Delay(500, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return peak;
    }

    /// <summary>Waits until a region has every line and every blob of its sites.</summary>
    private static async Task MirroredAsync(string home)
    {
        var (file, waiting) = (new NodeHome(home).FileOf("region.json"), Stopwatch.StartNew());
        while (RegionFile.Read(file) is not { Lines: Sites / BulkFleet.Regions, Waiting: 0 })
        {
            if (waiting.Elapsed > TimeSpan.FromMinutes(2)) throw new InvalidOperationException($"{home} does not get its lines");
            await Task.Delay(100);
        }
    }

    /// <summary>Seconds from the sites' first signature until the hub shows all of it.</summary>
    private static async Task<double> UntilAsync(RoleProcess hub, RoleProcess children, int turn)
    {
        var start = Stopwatch.GetTimestamp();
        await children.AskAsync($"report {turn}");
        while ((await hub.AskAsync($"flipped {turn}")).GetProperty("sites").GetInt32() < Sites)
        {
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(4)) throw new InvalidOperationException("the hub is not exact");
            await Task.Delay(100);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static (Envelope Root, Envelope[] Regions) Make(string folder, FleetName fleet)
    {
        var data = Path.Combine(folder, "hub");
        HubFolder.Init(data, fleet, DateTimeOffset.UtcNow);
        Directory.CreateDirectory(Path.Combine(folder, "keys"));
        var source = Task.FromResult(BulkFleet.Commit(Sites, 1));
        Hub Open() => new(new HubOptions(data, new IPEndPoint(IPAddress.Loopback, 0)) { Settle = TimeSpan.Zero }, (_, _) => source, TimeProvider.System,
            NullLoggerFactory.Instance);
        using (var hub = Open())
        {
            BulkFleet.Enroll(hub.Database, hub.Keys, fleet, Sites, index => SimulatedRegion.SiteKey(folder, index),
                index => new NodeHome(Path.Combine(folder, BulkFleet.RegionName(index))).LoadKey());
        }
        using var made = Open();
        var root = made.Cell.Value.TrustRoots[0];
        File.WriteAllBytes(SimulatedRegion.TrustRoot(folder), root.ToBytes());
        return (root, [.. Enumerable.Range(0, BulkFleet.Regions).Select(index =>
            made.Cell.Value.Records[new NodeName(BulkFleet.RegionName(index))].Envelope)]);
    }
}
