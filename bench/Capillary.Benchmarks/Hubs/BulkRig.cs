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

/// <summary>A hub and ten regions with enrolled sites, each in a process of its own, with real TLS between them.</summary>
internal sealed class BulkRig : IAsyncDisposable
{
    private readonly int sites;
    private readonly List<int> ports = [];
    private readonly List<RoleProcess> regions = [];

    private BulkRig(string folder, int sites, RoleProcess hub) => (Folder, this.sites, Hub) = (folder, sites, hub);

    public string Folder { get; }

    public RoleProcess Hub { get; }

    public IReadOnlyList<RoleProcess> Regions => regions;

    public static async Task<BulkRig> StartAsync(string name, int sites, params string[] hubMode)
    {
        var folder = Directory.CreateTempSubdirectory($"capillary-bench-{name}-").FullName;
        var fleet = new FleetName("synthetic");
        var (root, records) = Make(folder, fleet, sites);
        var rig = new BulkRig(folder, sites, new RoleProcess([], ["hub", Path.Combine(folder, "hub"), $"{sites}", "1", .. hubMode]));
        var port = (await rig.Hub.NextAsync()).GetProperty("port").GetInt32();
        for (var i = 0; i < BulkFleet.Regions; i++)
        {
            var region = BulkFleet.RegionName(i);
            var home = new NodeHome(Path.Combine(folder, region));
            home.KeepJoined(new NodeSettings(1, fleet, new NodeName(region), NodeKind.Region, new RegionId(region), [$"127.0.0.1:{port}"], 1),
                records[i], [root]);
            rig.regions.Add(new RoleProcess([], "region", home.Folder, "0"));
            rig.ports.Add((await rig.regions[i].NextAsync()).GetProperty("port").GetInt32());
        }
        return rig;
    }

    /// <summary>All sites, in one process.</summary>
    public RoleProcess Children(params string[] mode) => new([], ["children", Folder, string.Join(',', ports), $"{sites}", .. mode]);

    /// <summary>Waits until each region has every line and every blob of its sites.</summary>
    public async Task MirroredAsync()
    {
        foreach (var index in Enumerable.Range(0, BulkFleet.Regions)) await MirroredAsync(Path.Combine(Folder, BulkFleet.RegionName(index)));
    }

    private async Task MirroredAsync(string home)
    {
        var (file, waiting, lines) = (new NodeHome(home).FileOf("region.json"), Stopwatch.StartNew(), sites / BulkFleet.Regions);
        while (RegionFile.Read(file) is not { Waiting: 0 } known || known.Lines != lines)
        {
            if (waiting.Elapsed > TimeSpan.FromMinutes(2)) throw new InvalidOperationException($"{home} does not get its lines");
            await Task.Delay(100);
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var region in regions) region.Dispose();
        Hub.Dispose();
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static (Envelope Root, Envelope[] Regions) Make(string folder, FleetName fleet, int sites)
    {
        var data = Path.Combine(folder, "hub");
        HubFolder.Init(data, fleet, DateTimeOffset.UtcNow);
        Directory.CreateDirectory(Path.Combine(folder, "keys"));
        var source = Task.FromResult(BulkFleet.Commit(sites, 1));
        Hub Open() => new(new HubOptions(data, new IPEndPoint(IPAddress.Loopback, 0)) { Settle = TimeSpan.Zero }, (_, _) => source, TimeProvider.System,
            NullLoggerFactory.Instance);
        using (var hub = Open())
        {
            BulkFleet.Enroll(hub.Database, hub.Keys, fleet, sites, index => SimulatedRegion.SiteKey(folder, index),
                index => new NodeHome(Path.Combine(folder, BulkFleet.RegionName(index))).LoadKey());
        }
        using var made = Open();
        var root = made.Cell.Value.TrustRoots[0];
        File.WriteAllBytes(SimulatedRegion.TrustRoot(folder), root.ToBytes());
        return (root, [.. Enumerable.Range(0, BulkFleet.Regions).Select(index =>
            made.Cell.Value.Records[new NodeName(BulkFleet.RegionName(index))].Envelope)]);
    }
}
