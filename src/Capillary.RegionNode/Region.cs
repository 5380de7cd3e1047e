using System.Collections.Concurrent;
using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Parent;
using Microsoft.Extensions.Logging;

namespace Capillary.RegionNode;

/// <summary>
/// A region node: parent of its sites, child of the hub; mirrors, relays, and keeps going when the hub is gone. It decides nothing.
/// </summary>
public sealed class Region(RegionOptions options, TimeProvider time, ILoggerFactory logs)
{
    private const string Version = "capillary-region/0.1.0";
    private readonly ConcurrentDictionary<SiteId, DateTimeOffset> heard = new();
    private readonly ConcurrentDictionary<SiteId, Report> newest = new();
    private readonly Outbox outbox = new();
    private readonly TaskCompletionSource<System.Net.IPEndPoint> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where it really listens, once it does.</summary>
    public Task<System.Net.IPEndPoint> Listening => listening.Task;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="InvalidDataException">The node has not joined, or a file of its folder is damaged.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var home = new NodeHome(options.Home);
        var settings = home.LoadSettings();
        if (settings.Kind != NodeKind.Region)
            throw new InvalidDataException($"{options.Home}: this node joined as a {settings.Kind}, not as a region");
        // Two processes on one folder would overwrite each other's mirror.
        using var only = home.Lock();
        using var identity = home.LoadKey();
        var (trust, roots) = home.LoadTrust();
        using var blobs = new BlobStore(home.FolderOf("blobs"));
        var store = new MirrorStore(home.FolderOf("mirror"), logs.CreateLogger<MirrorStore>());
        var own = home.LoadRecord();
        var cell = new DesiredStateCell(new DesiredState(roots, new SignedRecord(NodeRecord.Verify(own, trust.Root), own),
            trust.BeaconEnvelope,
            store.LoadRecords(trust.Root).ToImmutableDictionary(item => item.Record.Node), ImmutableDictionary<SiteId, OfferedLine>.Empty,
            store.LoadGeneration(), Revoked(trust)));
        var mirror = new Mirror(store, blobs, cell, settings.Region, trust.Root, time, logs.CreateLogger<Mirror>());
        var handlers = new ChildHandlers(() => SayHello(mirror, cell), (newer, newRoots) => KeepTrust(home, cell, newer, newRoots),
            mirror.Take, (items, _) => mirror.Take(items), Alive, new LinkFile(home.FileOf("link.json")).Keep);
        var addresses = settings.Parents.Select(parent => JoinFile.ParseAddress(parent, home.FileOf("node.json"))).ToList();
        var link = new ParentLink(new ParentLinkOptions(settings.Node, addresses), identity, trust, handlers, outbox, time,
            logs.CreateLogger<ParentLink>());
        var server = new ParentServer(new ParentOptions(options.Listen), identity, cell, blobs,
            new ParentHandlers((report, from, _) => new(TakeReport(cell, report, from)), HeardOf, (request, token) =>
                RelayEnrollAsync(link, request, token),
                settings.Fleet), time, logs);
        await RunTogetherAsync([stopping => ServeAsync(server, stopping), link.RunAsync, stopping =>
            mirror.RunAsync(new BlobFetcher(link, blobs), link, stopping), stopping =>
            RegionFile.KeepAsync(home.FileOf("region.json"), () => Count(mirror, server, cell), time, stopping)], stop);
    }

    private async Task ServeAsync(ParentServer server, CancellationToken stop)
    {
        var serving = server.RunAsync(stop);
        if (await Task.WhenAny(server.Listening, serving) == server.Listening) listening.TrySetResult(await server.Listening);
        await serving;
    }

    /// <summary>Ends all when one ends, and tells of the first failure.</summary>
    private static async Task RunTogetherAsync(IEnumerable<Func<CancellationToken, Task>> parts, CancellationToken stop)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = parts.Select(part => part(all.Token)).ToList();
        var first = await Task.WhenAny(running);
        await all.CancelAsync();
        try
        {
            await Task.WhenAll(running);
        }
        catch (OperationCanceledException) when (!first.IsFaulted)
        {
            // Asked to stop.
        }
    }

    private static RegionCounts Count(Mirror mirror, ParentServer server, DesiredStateCell cell)
    {
        var (lines, waiting) = mirror.Progress();
        return new RegionCounts(server.Sessions, cell.Value.Records.Values.Count(IsSite), lines, waiting);
    }

    private static bool IsSite(SignedRecord record) => record.Record is { Kind: NodeKind.Site, State: RecordState.Active };

    private static ChildHello SayHello(Mirror mirror, DesiredStateCell cell) =>
        new(mirror.Generation, DesiredState.DigestOf(cell.Value.Records.Values), Version);

    private static void KeepTrust(NodeHome home, DesiredStateCell cell, TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        home.KeepTrust(trust, newRoots);
        cell.Update(state => state with
        {
            TrustRoots = newRoots.Count == 0 ? state.TrustRoots : [.. state.TrustRoots, .. newRoots],
            Beacon = trust.BeaconEnvelope,
            Revocations = Revoked(trust),
        });
    }

    private static ImmutableHashSet<string> Revoked(TrustState trust) => trust.Beacon?.Revocations.ToImmutableHashSet() ?? [];

    /// <summary>A report of a site is verified here too, so that a broken one is refused where the site can be told.</summary>
    private string? TakeReport(DesiredStateCell cell, Envelope envelope, NodeRecord from)
    {
        try
        {
            var report = Report.Verify(envelope, from);
            var kept = newest.AddOrUpdate(report.Site, report, (_, held) => report.IsNewerThan(held) ? report : held);
            heard[report.Site] = time.GetUtcNow();
            if (ReferenceEquals(kept, report)) outbox.Put(report.Site, envelope);
            return null;
        }
        catch (TrustFormatException e)
        {
            return e.Message;
        }
    }

    private void HeardOf(IReadOnlyList<SiteId> sites)
    {
        foreach (var site in sites) heard[site] = time.GetUtcNow();
    }

    private List<SiteId> Alive()
    {
        var since = time.GetUtcNow() - LinkProtocol.DeadAfter;
        return [.. heard.Where(item => item.Value >= since).Select(item => item.Key)];
    }

    private static async Task<EnrollAnswer> RelayEnrollAsync(ParentLink link, EnrollRequest request, CancellationToken stop)
    {
        if (link.Live is not { } connection)
            return new EnrollAnswer("this region has no link to the hub now, and enrollment needs the hub; try again later");
        try
        {
            return await connection.EnrollAsync(request, stop);
        }
        catch (Exception e) when (e is HttpRequestException or ProtocolException)
        {
            return new EnrollAnswer($"the hub did not answer: {e.Message}");
        }
    }
}
