using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.HubNode.Api;
using Capillary.HubNode.Git;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;
using Capillary.HubNode.Storage;
using Capillary.Node.Blobs;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode;

/// <summary>How a hub is run.</summary>
/// <param name="Data">Its data folder, made by <see cref="HubFolder"/>.</param>
/// <param name="Listen">Where its children dial; port 0 takes a free one.</param>
public sealed record HubOptions(string Data, IPEndPoint Listen)
{
    /// <summary>Unix socket of the API (default <c>api.sock</c> in the data folder).</summary>
    public string? ApiSocket { get; init; }

    /// <summary>Where the API also listens with TLS and tokens; null: nowhere.</summary>
    public IPEndPoint? ApiListen { get; init; }

    /// <summary>Addresses that join files name when nobody gives others, as host:port.</summary>
    public IReadOnlyList<string> Advertise { get; init; } = [];

    /// <summary>How often Git is asked (100 ms to 1 h, default 500 ms).</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a started hub waits for its regions to tell what they hold (0 to 10 min, default 10 s).</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From when a silent site is stale and offline.</summary>
    public Freshness Freshness { get; init; } = Freshness.Default;

    /// <summary>From what age on a key of a node is replaced (1 minute to 10 years, default 90 days).</summary>
    public TimeSpan KeyLifetime { get; init; } = KeyPolicy.Default.Lifetime;

    /// <summary>The most nodes that are asked for a new key at one time (1 to 10,000, default 100).</summary>
    public int SuccessionsAtOnce { get; init; } = KeyPolicy.Default.AtOnce;

    /// <summary>Who stays when two processes are at work with one key (default: the newest).</summary>
    public TwoSessionsPolicy TwoSessions { get; init; } = TwoSessionsPolicy.NewestStays;

    /// <summary>Hosts that HTTP gates of rollout policies may ask, each with a port when it is not 443.</summary>
    public IReadOnlyList<string> GateHosts { get; init; } = [];

    /// <summary>A test's hook into the order of publishing.</summary>
    internal Action<PublishStep>? Reached { get; init; }

    internal string SocketPath => Path.GetFullPath(ApiSocket ?? Path.Combine(Data, "api.sock"));
}

/// <summary>
/// The hub: parent of all, and the only tier that decides. Composes storage, signing, the loops, the link server and the API;
/// owns them until it is disposed.
/// </summary>
public sealed class Hub : IDisposable
{
    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly FileStream folderLock;

    internal Hub(HubOptions options, CommitSource source, TimeProvider time, ILoggerFactory logs)
    {
        (this.options, this.time) = (options, time);
        if (options.PollEvery < TimeSpan.FromMilliseconds(100) || options.PollEvery > TimeSpan.FromHours(1))
            throw new ArgumentException("the poll interval is 100 ms to 1 h", nameof(options));
        var keyPolicy = new KeyPolicy(options.KeyLifetime, options.SuccessionsAtOnce);
        keyPolicy.Validate();
        if (options.Settle < TimeSpan.Zero || options.Settle > TimeSpan.FromMinutes(10))
            throw new ArgumentException("the time to settle is 0 to 10 min", nameof(options));
        if (options.Freshness.FreshFor <= TimeSpan.Zero || options.Freshness.OfflineAfter < options.Freshness.FreshFor)
            throw new ArgumentException("a site is fresh for more than 0 s, and offline no sooner than it is stale", nameof(options));
        if (!File.Exists(HubFolder.Database(options.Data)))
            throw new InvalidDataException($"{options.Data}: holds no hub; make one with: capillary hub init --data {options.Data} "
                + "--fleet NAME");
        folderLock = HubFolder.Lock(options.Data);
        Database = HubDatabase.Open(HubFolder.Database(options.Data));
        Keys = HubKeys.Load(HubFolder.Keys(options.Data));
        // Beside the nodes and lines, which are read with every core that is free.
        var beside = Task.Run(() => (Blobs: new BlobStore(HubFolder.Blobs(options.Data)), Release: Database.Read(ReleaseTables.Newest)));
        Cell = HubStart.Restore(Database);
        (Blobs, var release) = beside.GetAwaiter().GetResult();
        Keys.Settle(HubStart.NewestRoot(Cell.Value.TrustRoots), Cell.Value.OwnRecord.Record);
        Conditions = new HubConditions(time);
        var gaps = new EventGaps(time);
        Events = new EventBook(Database, Cell, Conditions, gaps, time, logs.CreateLogger<EventBook>());
        Events.Restore();
        Sites = new SiteBook(Database, Cell, Conditions, gaps, time, logs.CreateLogger<SiteBook>());
        // Beside what follows: nobody looks at a report before the hub runs.
        var reports = Task.Run(Sites.Restore);
        Releases = new ReleaseBook(Database, Blobs, release, time, options.Reached);
        Publisher = new Publisher(Database, Keys, Blobs, Cell, new BeaconSigner(Fleet, Keys, Database, time), time,
            options.Reached);
        Publisher.Beat();
        Records = new RecordSigner(Database, Keys, Cell, Publisher, time);
        Copies = new CopiedKeys(Database, Cell, Conditions, time, logs.CreateLogger<CopiedKeys>());
        Copies.Look();
        KeyViews = new KeyViews(Database, Copies, time);
        Links = new LinkFacts(time);
        Knocks = new Knocks(Database, time);
        Approvals = new Approvals(Database, time);
        Restore = new RestoreCheck(Database, Cell, Conditions, options.Settle, time, logs.CreateLogger<RestoreCheck>());
        // A hub that came back from a backup must not sign a version that was signed before.
        (Sites.TwoReports, Records.Replaced, Records.Closed) = (Copies.TwoReports, Copies.Forget, () => Restore.Paused);
        Life = new SiteLife(Database, Records, Cell, Releases, Sites, Blobs, Restore, Links, time);
        Lives = new LifeLoop(Life, new RecordRenewal(Records, Cell, Restore), Knocks, Conditions, time, logs.CreateLogger<LifeLoop>());
        Enrollment = new Enrollment(Database, Records, Cell, Releases, Sites, Approvals, Knocks, Restore, time,
            logs.CreateLogger<Enrollment>()) { Replacing = Life.Replacing, Admitted = Life.Reload };
        var keys = new LinkKeys(Keys.Identity);
        Successions = new Successions(Database, Keys, keys, Records, Cell, keyPolicy, IsHeard, time, logs.CreateLogger<Successions>());
        Rotation = new TrustRotation(Keys, Records, Publisher, Cell, time, logs.CreateLogger<TrustRotation>());
        Views = new SiteViews(Cell, Releases, Publisher, Sites, gaps, Life, Links, Database, Copies, KeyViews, options.Freshness, time);
        Gates = new GateHosts(options.GateHosts, new SocketsHttpHandler { AllowAutoRedirect = false }, time,
            logs.CreateLogger<GateHosts>());
        Rollout = new RolloutLoop(Publisher, Releases, new RolloutBook(Database, Releases, time), Sites, Cell, Conditions, Life, Restore,
            Gates, new ManifestReader(Blobs.ReadAll), Database, options.Freshness, time, logs.CreateLogger<RolloutLoop>());
        Commits = new CommitLoop(source, Releases, Database, Conditions, options.PollEvery, time, logs.CreateLogger<CommitLoop>());
        (Commits.Changed, Sites.Changed, Life.Changed, Restore.Changed) = (WakeAll, WakeAll, WakeAll, WakeAll);
        Gates.Changed = Rollout.Wake;
        Server = new ParentServer(new ParentOptions(options.Listen) { TwoSessions = options.TwoSessions }, keys, Cell, Blobs, Handlers(),
            time,
            logs);
        Api = new ApiServer(this, options, time, logs);
        reports.GetAwaiter().GetResult();
    }

    /// <summary>A hub that follows one branch of a fleet repository.</summary>
    /// <param name="options">How it is run.</param>
    /// <param name="repository">A path or URL that git can fetch from.</param>
    /// <param name="branch">The branch, such as <c>main</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">Where it logs.</param>
    /// <exception cref="InvalidDataException">The folder holds no hub, a damaged one, or one that runs already.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static Hub Open(HubOptions options, string repository, string branch, TimeProvider time, ILoggerFactory logs) =>
        new(options, new FleetSource(new GitRepository(HubFolder.Git(options.Data), repository, branch)).LookAsync, time, logs);

    /// <summary>The fleet it manages.</summary>
    public FleetName Fleet => Cell.Value.OwnRecord.Record.Fleet;

    /// <summary>Where children dial, once they can.</summary>
    public Task<IPEndPoint> Listening => Server.Listening;

    /// <summary>Where the API listens with TLS, once it does; null when it does not.</summary>
    public Task<IPEndPoint?> ApiListening => Api.Listening;

    /// <summary>Id of the API's key, which remote command lines pin.</summary>
    public string ApiPin => Keys.Api.Public.Id;

    internal HubDatabase Database { get; }

    internal HubKeys Keys { get; }

    internal BlobStore Blobs { get; }

    internal DesiredStateCell Cell { get; }

    internal HubConditions Conditions { get; }

    internal ReleaseBook Releases { get; }

    internal Publisher Publisher { get; }

    internal RecordSigner Records { get; }

    internal Successions Successions { get; }

    internal TrustRotation Rotation { get; }

    internal CopiedKeys Copies { get; }

    internal KeyViews KeyViews { get; }

    internal SiteBook Sites { get; }

    internal EventBook Events { get; }

    internal SiteViews Views { get; }

    internal Enrollment Enrollment { get; }

    internal RolloutLoop Rollout { get; }

    internal GateHosts Gates { get; }

    internal LinkFacts Links { get; }

    internal Knocks Knocks { get; }

    internal Approvals Approvals { get; }

    internal RestoreCheck Restore { get; }

    internal SiteLife Life { get; }

    internal LifeLoop Lives { get; }

    internal CommitLoop Commits { get; }

    internal ParentServer Server { get; }

    internal ApiServer Api { get; }

    internal IReadOnlyList<string> Advertise => options.Advertise;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    /// <exception cref="IOException">A port or the socket is taken.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Func<CancellationToken, Task>[] parts = [Server.RunAsync, Api.RunAsync, Commits.RunAsync, Rollout.RunAsync, Sites.RunAsync,
            Events.RunAsync, Successions.RunAsync, Restore.RunAsync, Lives.RunAsync, Gates.RunAsync, BeatAsync];
        // Each on its own: a part that works long before its first wait must not keep the next from starting.
        var running = parts.Select(part => Task.Run(() => part(all.Token), CancellationToken.None)).ToList();
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

    private ParentHandlers Handlers() => new(Sites.TakeAsync, Sites.HeardOf, Enrollment.AnswerAsync, Fleet)
    {
        Joined = joined =>
        {
            Links.Joined(joined.Child.Node);
            Restore.Joined(joined);
        },
        Left = child => Links.Left(child.Node),
        Knocked = knocked => Knocks.Add(knocked.Node, knocked.KeyId, "hub", Enrollment.WhyUnknown(knocked.Node, knocked.KeyId)),
        RootAhead = Restore.RootAhead,
        TakeRecords = Restore.TakeRecords,
        Succeed = Successions.Take,
        TakeEvents = Events.TakeAsync,
        Sighted = seen => Copies.Take(seen, HubFolder.HubNode),
        SightedBelow = (seen, from) => Copies.Take(seen, from.Node),
    };

    private void WakeAll()
    {
        Rollout.Wake();
        Lives.Wake();
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        while (true)
        {
            await Task.Delay(LinkProtocol.BeaconEvery, time, stop);
            Publisher.Beat();
            Copies.Look();
        }
    }

    /// <summary>A site that was heard of lately; of a region node only its session would tell, and it has one as good as always.</summary>
    private bool IsHeard(NodeName node) => Cell.Value.Records.GetValueOrDefault(node)?.Record.Kind != NodeKind.Site
        || (Sites.Seen.TryGetValue(new SiteId(node.Value), out var seen) && time.GetUtcNow() - seen.HeardAt < options.Freshness.FreshFor);

    public void Dispose()
    {
        Gates.Dispose();
        Blobs.Dispose();
        Keys.Dispose();
        Database.Dispose();
        folderLock.Dispose();
    }
}
