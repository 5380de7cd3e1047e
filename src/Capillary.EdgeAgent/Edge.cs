using System.Security.Cryptography;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.EdgeAgent.Interlock;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;
using Microsoft.Extensions.Logging;
using HostFetch = Capillary.EdgeAgent.Apply.FetchOutcome;
using LinkFetch = Capillary.Node.Child.FetchOutcome;

namespace Capillary.EdgeAgent;

/// <summary>
/// The edge agent: child + apply. What it accepted is durable before it acts; it acts alone from its own disk when there is no parent.
/// </summary>
internal sealed partial class Edge
{
    private readonly NodeHome home;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly SiteId site;
    private readonly DurableFile<AcceptedLine> acceptedFile;
    private readonly Outbox outbox = new();
    private readonly BlobStore blobs;
    private readonly Reporter reporter;
    private readonly SiteApply apply;
    private readonly ParentLink link;
    private readonly BlobFetcher fetcher;

    // After the last change has been reported, there is nothing to do for a long time.
    private static readonly TimeSpan QuietFor = TimeSpan.FromSeconds(10);
    private readonly ITimer idle;

    // A bundle of some images may not fit any more.
    private const long LowDisk = 256 << 20;
    private readonly NodeIdentity identity;
    private readonly Confirmation confirmation;
    private readonly EventLog events;
    private readonly EventNotes notes;
    private readonly LinkFile linkFile;
    private readonly HoldSocket holds;
    private volatile bool isLive;
    private Envelope? beaconHeard;
    private readonly string boot = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private volatile AcceptedLine accepted;

    // What a link brings and what a stick brings are taken in turn.
    private readonly Lock taking = new();
    private readonly Incoming incoming;
    private TrustState trusted;

    /// <exception cref="InvalidDataException">The node has not joined, or a file of its folder is damaged.</exception>
    public Edge(string folder, TimeProvider time, ILoggerFactory logs)
    {
        (home, this.time, log) = (new NodeHome(folder), time, logs.CreateLogger<Edge>());
        var settings = home.LoadSettings();
        if (settings.Kind != NodeKind.Site)
            throw new InvalidDataException($"{folder}: this node joined as a {settings.Kind}, not as a site");
        site = new SiteId(settings.Node.Value);
        var (trust, roots) = home.LoadTrust();
        identity = NodeIdentity.Open(home, roots);
        acceptedFile = new DurableFile<AcceptedLine>(home.FileOf("accepted.json"), EdgeJson.Default.AcceptedLine);
        accepted = LoadAccepted();
        blobs = new BlobStore(home.FolderOf("blobs"));
        (trusted, incoming, linkFile) = (trust, new Incoming(home), new LinkFile(home.FileOf("link.json")));
        var lastReport = new DurableFile<Envelope>(home.FileOf("report.json"), EdgeJson.Default.Envelope);
        var numbers = new DurableFile<ReservedNumbers>(home.FileOf("report-numbers.json"), EdgeJson.Default.ReservedNumbers);
        reporter = new Reporter(identity, settings.Incarnation, outbox, lastReport, numbers, OwnConditions, time,
            () => confirmation!.Newest, () => events!.Newest);
        confirmation = new Confirmation(trust.TimeFloor, reporter.Wake, time);
        apply = new SiteApply(home.FolderOf("apply"), Target(logs), HostApplyOptions.UsualBeat, FetchAsync, time,
            logs.CreateLogger<SiteApply>());
        events = new EventLog(home.FolderOf("events"), settings.Incarnation);
        notes = new EventNotes(events, identity, settings.Incarnation, outbox, time);
        events.Changed += () => notes.Send(again: false);
        apply.Changed += reporter.Wake;
        apply.Changed += () => notes.Note(apply.Status);
        apply.Changed += Collect;
        var handlers = new ChildHandlers(() => new ChildHello(accepted.Generation, identity.RecordDigest, Reporter.Agent, boot), KeepTrust,
            TakeLines, (records, _, _) => TakeRecords(records), Alive: () => [], Live: TakeLinkStatus)
        {
            EventsKept = kept => notes.Kept(kept.Incarnation, kept.Seq),
        };
        var own = EdgeSettings.Load(home.FileOf("edge.json"));
        holds = new HoldSocket(home.Folder, own.HoldGroup, apply, time, logs.CreateLogger<HoldSocket>());
        var limits = own.Limits(home.FileOf("edge.json"));
        link = new ParentLink(ParentLinkOptions.Of(settings, identity, home, limits), identity.Keys, trust, handlers, outbox, time,
            logs.CreateLogger<ParentLink>());
        fetcher = new BlobFetcher(link, blobs, limits, time);
        idle = time.CreateTimer(_ => IdleMemory.GiveBack(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Runs until <paramref name="stop"/>; services run on after it.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (accepted.Assignment is { } assignment) Assign(assignment);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task[] parts = [apply.RunAsync(all.Token), link.RunAsync(all.Token), TakeIncomingAsync(all.Token), holds.RunAsync(all.Token),
            reporter.RunAsync(() => accepted, () => apply.Status, all.Token)];
        var first = await Task.WhenAny(parts);
        await all.CancelAsync();
        try
        {
            await Task.WhenAll(parts);
        }
        catch (OperationCanceledException) when (!first.IsFaulted)
        {
            // Asked to stop.
        }
    }

    private AcceptedLine LoadAccepted()
    {
        switch (acceptedFile.Read())
        {
            case DurableRead<AcceptedLine>.Found found:
                return found.Value;
            case DurableRead<AcceptedLine>.Corrupt corrupt:
                AcceptedLost(log, corrupt.Aside, corrupt.Reason);
                return AcceptedLine.None;
            default:
                return AcceptedLine.None;
        }
    }

    private IApplyTarget Target(ILoggerFactory logs)
    {
        var file = home.FileOf("edge.json");
        var own = EdgeSettings.Load(file);
        if (own.Kubernetes is { } cluster)
            return new ClusterTarget(site.Value, cluster.Connect(file), cluster.MaxPrunePercent, blobs.PathOf, time,
                logs.CreateLogger<ClusterTarget>());
        return new HostTarget(new HostApplyOptions
        {
            Site = site.Value,
            StateFolder = home.FolderOf("apply"),
            Roots = own.Roots.Count > 0 ? own.Roots : [Directory.CreateDirectory(home.FileOf("root")).FullName],
            Users = own.Users,
            AllowRoot = own.AllowRoot,
            PrivilegedPorts = own.PrivilegedPorts.ToHashSet(),
            Units = UnitHost.Find(own.Services, $"{home.FileOf("edge.json")}: services"),
        }, blobs.PathOf, time, logs.CreateLogger<HostTarget>());
    }

    private void KeepTrust(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        KeepNewer(trust, newRoots);
        if (trust.Beacon is { } beacon && trust.BeaconEnvelope != beaconHeard)
        {
            beaconHeard = trust.BeaconEnvelope;
            confirmation.Heard(beacon.IssuedAt, fresh: isLive);
        }
        if (identity.Pending is { } succession) outbox.PutSuccession(identity.Record.Record.Node, succession);
        // A newer beacon asks for a signed sign of life.
        reporter.Wake();
    }

    /// <summary>The site's own newest record: where to dial, and with which key.</summary>
    private void TakeRecords(IReadOnlyList<SignedRecord> records)
    {
        foreach (var own in records)
        {
            if (!identity.Take(own)) continue;
            RecordTaken(log, own.Record.Version, own.Record.IdentityKey.Id[..16]);
            // What the old key signed is no longer taken: say it again with the new one.
            reporter.Wake();
            notes.Send(again: true);
        }
        if (identity.Pending is { } succession) outbox.PutSuccession(identity.Record.Record.Node, succession);
    }

    private void TakeLinkStatus(LinkStatus status)
    {
        isLive = status.IsLive;
        linkFile.Keep(status);
        if (!status.IsLive) return;
        // A parent that was killed may have lost what it acknowledged.
        reporter.Wake();
        notes.Send(again: true);
        if (identity.Pending is { } succession) outbox.PutSuccession(identity.Record.Record.Node, succession);
    }

    private void TakeLines(VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> lines, bool complete)
    {
        foreach (var line in lines)
        {
            lock (taking)
            {
                switch (Acceptance.Accept(accepted, site, checkpoint, line))
                {
                    case AcceptResult.Refused refused:
                        LineRefused(log, refused.Code, refused.Reason);
                        break;
                    case AcceptResult.Accepted next:
                        Take(next);
                        break;
                }
            }
        }
    }

    private void Take(AcceptResult.Accepted next)
    {
        acceptedFile.Write(next.State);
        accepted = next.State;
        LineAccepted(log, next.State.Generation, next.State.Since, next.Assignment.Bundle.Text);
        if (next.Acts) Assign(next.Assignment);
        reporter.Wake();
    }

    /// <summary>What neither the healthy bundle nor its fallback needs makes room for the next one.</summary>
    /// <summary>What this site says of itself beside what apply says.</summary>
    private IEnumerable<Condition> OwnConditions()
    {
        foreach (var condition in confirmation.Conditions()) yield return condition;
        if (blobs.FreeBytes() is < LowDisk and var free)
            yield return new(ConditionCodes.DiskLow, Severity.Warning, $"{free >> 20} MiB are free where bundles are kept");
    }

    private void Collect()
    {
        var status = apply.Status;
        // Blobs that a stick brings are no bundle's until their line is accepted; there is a next time.
        if (!taking.TryEnter()) return;
        try
        {
            if (accepted.Assignment is { } line && status.Phase == ApplyPhase.Healthy && status.Since == line.Since) Collect(line);
        }
        finally
        {
            taking.Exit();
        }
    }

    private void Collect(Assignment line)
    {
        try
        {
            var removed = blobs.Collect(line.Fallback is { } fallback ? [line.Bundle, fallback] : [line.Bundle]);
            if (removed > 0) BlobsCollected(log, removed);
            idle.Change(QuietFor, Timeout.InfiniteTimeSpan);
        }
        catch (Exception e) when (e is IOException or BundleFormatException)
        {
            CollectFailed(log, e.Message);
        }
    }

    private void Assign(Assignment assignment) => apply.Assign(new DesiredBundle(assignment.Bundle, assignment.Fallback, assignment.Since)
    {
        PruneConfirmed = assignment.Mode == Assignment.ConfirmedMode,
        OverHold = assignment.Mode == Assignment.OverHoldMode,
    });

    private async Task<HostFetch> FetchAsync(Digest bundle, CancellationToken stop)
    {
        if (!BlobFetcher.IsComplete(blobs, bundle) && link.Live is null) await link.WhenLiveAsync(stop);
        return await fetcher.FetchBundleAsync(bundle, stop) switch
        {
            LinkFetch.Complete => new HostFetch.Ready(),
            LinkFetch.Unavailable unavailable => new HostFetch.Missing(unavailable.Reason),
            LinkFetch.Waiting waiting => new HostFetch.Missing(waiting.Reason, Wait: true),
            LinkFetch.Bad bad => new HostFetch.Missing($"blob {bad.Blob}: {bad.Reason}"),
            LinkFetch.DiskFull full => new HostFetch.Missing($"the disk is full: {full.Reason}"),
            var other => throw new InvalidOperationException($"unknown outcome {other}"),
        };
    }

    [LoggerMessage(4101, LogLevel.Information, "accepted generation {Generation}, since {Since}: bundle {Bundle}")]
    private static partial void LineAccepted(ILogger log, long generation, long since, string bundle);

    [LoggerMessage(4102, LogLevel.Error, "line refused: {Code}: {Reason}")]
    private static partial void LineRefused(ILogger log, RefusalCode code, string reason);

    [LoggerMessage(4106, LogLevel.Information, "this site's record has version {Version} and key {Key}")]
    private static partial void RecordTaken(ILogger log, long version, string key);

    [LoggerMessage(4104, LogLevel.Information, "removed {Count} blobs that no bundle needs")]
    private static partial void BlobsCollected(ILogger log, int count);

    [LoggerMessage(4105, LogLevel.Warning, "blobs that no bundle needs are not removed: {Reason}")]
    private static partial void CollectFailed(ILogger log, string reason);

    [LoggerMessage(4103, LogLevel.Error, "what was accepted is unreadable and kept at {Aside}: {Reason}")]
    private static partial void AcceptedLost(ILogger log, string aside, string reason);
}
