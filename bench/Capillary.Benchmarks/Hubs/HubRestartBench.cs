using System.Diagnostics;
using System.Net;
using Capillary.Benchmarks.Links;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Hubs;

/// <summary>A hub with 100,000 assignments is killed and started again: when does a new commit's change reach a region?</summary>
internal static class HubRestartBench
{
    private const int Sites = 100_000;

    public static async IAsyncEnumerable<Row> Run()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-bench-hub-").FullName;
        var regionKeys = Enumerable.Range(0, BulkFleet.Regions).Select(_ => SigningKey.Create()).ToArray();
        var (root, held, records) = await MakeAsync(Path.Combine(folder, "hub"), regionKeys);
        var listening = new List<double>();
        var live = new List<double>();
        var changed = new List<double>();
        var work = new List<double>();
        var peak = 0.0;
        for (var run = 0; run < 3; run++)
        {
            var start = Stopwatch.GetTimestamp();
            using var hub = new RoleProcess([], "hub", Path.Combine(folder, "hub"), $"{Sites}", $"{run + 1}");
            var said = await hub.NextAsync();
            listening.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            work.Add(hub.CpuSeconds);
            using var stop = new CancellationTokenSource();
            var regions = regionKeys.Select((key, index) =>
                new WatchingRegion(index, key, root, said.GetProperty("port").GetInt32(), held[index], records[index])).ToArray();
            var running = regions.Select(region => Task.Run(() => region.Link.RunAsync(stop.Token))).ToArray();
            await Task.WhenAll(regions.Select(region => region.Live.Task)).WaitAsync(TimeSpan.FromMinutes(1));
            live.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            var asking = hub.AskAsync("commit");
            // The commit changes site 0.
            held[0] = await regions[0].Changed.Task.WaitAsync(TimeSpan.FromMinutes(1));
            changed.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            await asking;
            peak = Math.Max(peak, hub.Peak);
            await stop.CancelAsync();
            await Task.WhenAll(running);
            // As a power cut would: the next run starts from what is on the disk.
            hub.Kill();
        }
        foreach (var key in regionKeys) key.Dispose();
        Directory.Delete(folder, recursive: true);
        yield return new Row($"hub killed with {Sites:#,0} assignments: listens", Benchmark.Median(listening), "s", null);
        yield return new Row("… of it, seconds of one core", Benchmark.Median(work), "s", null);
        yield return new Row("… all ten regions' sessions are live", Benchmark.Median(live), "s", null);
        yield return new Row("… a new commit's change is at the region", Benchmark.Median(changed), "s", 5);
        yield return new Row("the hub's memory (resident, peak)", peak, "MB", null);
    }

    /// <summary>The folder of a hub whose fleet has settled.</summary>
    private static async Task<(Envelope Root, VerifiedCheckpoint[] Held, Digest[] Records)> MakeAsync(string folder, SigningKey[] regionKeys)
    {
        var fleet = new FleetName("synthetic");
        HubFolder.Init(folder, fleet, DateTimeOffset.UtcNow);
        IReadOnlyList<SigningKey> keys;
        using (var hub = Open(folder)) keys = BulkFleet.Enroll(hub.Database, hub.Keys, fleet, Sites, _ => SigningKey.Create(),
            index => regionKeys[index]);
        using (var hub = Open(folder))
        {
            await hub.Commits.SyncAsync(CancellationToken.None);
            while (hub.Rollout.Step())
            {
            }
            BulkFleet.Report(hub.Database, fleet, hub.Cell.Value, keys);
            foreach (var key in keys) key.Dispose();
            var state = hub.Cell.Value;
            var newest = state.Lines.Values.MaxBy(line => line.ProvenAt)!.Checkpoint;
            return (state.TrustRoots[0], [.. regionKeys.Select(_ => newest)], [.. regionKeys.Select((_, index) =>
                DesiredState.DigestOf(state.RecordsFor(state.Records[new NodeName(BulkFleet.RegionName(index))].Record)))]);
        }
    }

    private static Hub Open(string folder) => new(new HubOptions(folder, new IPEndPoint(IPAddress.Loopback, 0)) { Settle = TimeSpan.Zero },
        (_, _) => Task.FromResult(BulkFleet.Commit(Sites, 1)), TimeProvider.System, NullLoggerFactory.Instance);

    /// <summary>A region's link, and what it saw.</summary>
    private sealed class WatchingRegion
    {
        public WatchingRegion(int index, SigningKey key, Envelope root, int port, VerifiedCheckpoint held, Digest records)
        {
            // What it held before the hub was killed: nothing old is sent again.
            var handlers = new ChildHandlers(() => new ChildHello(held.Checkpoint.Generation, records, "bench/1", $"boot-{index}", held.Envelope),
                (_, _) => { }, (checkpoint, _, _) => Changed.TrySetResult(checkpoint), (_, _, _) => { }, () => [], status =>
                {
                    if (status.IsLive) Live.TrySetResult();
                });
            Link = new ParentLink(new ParentLinkOptions(new NodeName(BulkFleet.RegionName(index)), [new DnsEndPoint("127.0.0.1", port)]), new LinkKeys(key),
                TrustState.Begin(root), handlers, new Outbox(), TimeProvider.System, NullLogger<ParentLink>.Instance);
        }

        public ParentLink Link { get; }

        public TaskCompletionSource Live { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<VerifiedCheckpoint> Changed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
