using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
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
public sealed partial class Region(RegionOptions options, TimeProvider time, ILoggerFactory logs)
{
    private const string Version = "capillary-region/0.1.0";
    private readonly ConcurrentDictionary<SiteId, DateTimeOffset> heard = new();
    private readonly ConcurrentDictionary<SiteId, Report> newest = new();
    private readonly ConcurrentDictionary<SiteId, EventsAnswer> answers = new();
    private readonly Outbox outbox = new();
    private readonly string boot = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private volatile IReadOnlyList<CloneSighting> sightings = [];
    private readonly TaskCompletionSource<System.Net.IPEndPoint> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where it really listens, once it does.</summary>
    public Task<System.Net.IPEndPoint> Listening => listening.Task;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="InvalidDataException">The node has not joined, or a file of its folder is damaged.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        options.Limits?.Validate("link limits");
        var home = new NodeHome(options.Home);
        var settings = home.LoadSettings();
        if (settings.Kind != NodeKind.Region)
            throw new InvalidDataException($"{options.Home}: this node joined as a {settings.Kind}, not as a region");
        // Two processes on one folder would overwrite each other's mirror.
        using var only = home.Lock();
        var (trust, roots) = home.LoadTrust();
        using var identity = NodeIdentity.Open(home, roots);
        using var blobs = new BlobStore(home.FolderOf("blobs"));
        var store = new MirrorStore(home.FolderOf("mirror"), logs.CreateLogger<MirrorStore>());
        var state = new RegionState(new DesiredState(roots, identity.Record, trust.BeaconEnvelope,
            store.LoadRecords(roots).ToImmutableDictionary(item => item.Record.Node), ImmutableDictionary<SiteId, OfferedLine>.Empty,
            store.LoadNewest(roots)?.Checkpoint.Generation ?? 0, Revoked(trust)));
        var mirror = new Mirror(store, blobs, state, settings.Region, time, logs.CreateLogger<Mirror>());
        var linkFile = new LinkFile(home.FileOf("link.json"));
        var handlers = new ChildHandlers(() => SayHello(mirror, state), (newer, newRoots) => KeepTrust(home, state, newer, newRoots),
            mirror.Take, (items, full, complete) => TakeRecords(identity, state, mirror, items, full, complete), Alive,
            status => TakeLinkStatus(identity, linkFile, status))
        {
            AllRecords = () => [.. state.Held.Records.Values.Select(item => item.Envelope)],
            Clones = () => sightings,
            EventsKept = TakeEventsKept,
        };
        var link = new ParentLink(ParentLinkOptions.Of(settings, identity, home, options.Limits), identity.Keys, trust, handlers, outbox,
            time,
            logs.CreateLogger<ParentLink>());
        var server = new ParentServer(new ParentOptions(options.Listen) { TwoSessions = options.TwoSessions }, identity.Keys, state.Cell,
            blobs,
            new ParentHandlers((report, from, _) => new(TakeReport(report, from)), HeardOf,
                (request, _, token) => RelayEnrollAsync(link, request, token), settings.Fleet)
            {
                Succeed = TakeSuccession,
                Sighted = TakeSightings,
                TakeEvents = TakeEvents,
            }, time, logs);
        await RunTogetherAsync([stopping => ServeAsync(server, stopping), link.RunAsync, stopping =>
            mirror.RunAsync(new BlobFetcher(link, blobs, options.Limits, time), link, stopping), stopping =>
            RegionFile.KeepAsync(home.FileOf("region.json"), () => Count(mirror, server, state), time, stopping)], stop);
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

    private static RegionCounts Count(Mirror mirror, ParentServer server, RegionState state)
    {
        var (lines, waiting) = mirror.Progress();
        return new RegionCounts(server.Sessions, state.Held.Records.Values.Count(IsSite), lines, waiting);
    }

    private static bool IsSite(SignedRecord record) => record.Record is { Kind: NodeKind.Site, State: RecordState.Active };

    private ChildHello SayHello(Mirror mirror, RegionState state) =>
        new(mirror.Newest?.Checkpoint.Generation ?? 0, DesiredState.DigestOf(state.Held.Records.Values), Version, boot,
            mirror.Newest?.Envelope);

    private static void KeepTrust(NodeHome home, RegionState state, TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        home.KeepTrust(trust, newRoots);
        state.Update(held => held with
        {
            TrustRoots = newRoots.Count == 0 ? held.TrustRoots : [.. held.TrustRoots, .. newRoots],
            Beacon = trust.BeaconEnvelope,
            Revocations = Revoked(trust),
        });
    }

    private void TakeRecords(NodeIdentity identity, RegionState state, Mirror mirror, IReadOnlyList<SignedRecord> items, bool full,
        bool complete)
    {
        // Its own record first: killed after the mirror has it, this node would say at its next start that it holds it, and never get
        // it again.
        foreach (var own in items)
        {
            if (identity.Take(own)) state.Update(held => held with { OwnRecord = identity.Record });
        }
        mirror.Take(items, full, complete);
        Succeed(identity);
    }

    private void TakeLinkStatus(NodeIdentity identity, LinkFile file, LinkStatus status)
    {
        file.Keep(status);
        if (status.IsLive) Succeed(identity);
    }

    private void Succeed(NodeIdentity identity)
    {
        if (identity.Pending is { } succession) outbox.PutSuccession(identity.Record.Record.Node, succession);
    }

    /// <summary>
    /// A site's succession is verified here too, and goes on to the hub; the site says it again until its record has come.
    /// </summary>
    private string? TakeSuccession(Envelope envelope, NodeRecord from)
    {
        try
        {
            Succession.Verify(envelope, from);
            outbox.PutSuccession(from.Node, envelope);
            return null;
        }
        catch (TrustFormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>A site's events go on to the hub; one batch of each waits here, and the site keeps it until the hub does.</summary>
    private ValueTask TakeEvents(Envelope envelope, NodeRecord from, EventsAnswer answer, CancellationToken stop)
    {
        try
        {
            var batch = EventBatch.Verify(envelope, from);
            answers[batch.Site] = answer;
            outbox.PutEvents(batch.Site, envelope, batch.Incarnation, batch.Last);
        }
        catch (TrustFormatException e)
        {
            EventsRefused(logs.CreateLogger<Region>(), from.Node.Value, e.Message);
        }
        return default;
    }

    private void TakeEventsKept(ChildOutput.EventsKept kept)
    {
        if (answers.TryGetValue(kept.Site, out var answer)) answer(new Frame.EventsAck(kept.Site, kept.Incarnation, kept.Seq));
    }

    [LoggerMessage(3005, LogLevel.Warning, "events of {Site} refused: {Reason}")]
    private static partial void EventsRefused(ILogger log, string site, string reason);

    private void TakeSightings(IReadOnlyList<CloneSighting> seen)
    {
        sightings = seen;
        outbox.Wake();
    }

    private static ImmutableHashSet<string> Revoked(TrustState trust) => trust.Beacon?.Revocations.ToImmutableHashSet() ?? [];

    /// <summary>A report of a site is verified here too, so that a broken one is refused where the site can be told.</summary>
    private string? TakeReport(Envelope envelope, NodeRecord from)
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
