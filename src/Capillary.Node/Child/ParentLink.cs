using System.Net;
using System.Security.Cryptography;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Child;

/// <summary>Who dials whom.</summary>
/// <param name="Self">This node.</param>
/// <param name="Parents">Parent addresses of the join, 1 to 16, tried in turn, the last good one first.</param>
public sealed record ParentLinkOptions(NodeName Self, IReadOnlyList<DnsEndPoint> Parents)
{
    /// <summary>What this node is; a region has no parent but the hub.</summary>
    public NodeKind Kind { get; init; } = NodeKind.Site;

    /// <summary>Addresses that the hub signed since; asked at each round, tried before those of the join, the last resort.</summary>
    public Func<IReadOnlyList<DnsEndPoint>> Signed { get; init; } = () => [];

    /// <summary>What the site's people allow the link; null: anything.</summary>
    public LinkLimits? Limits { get; init; }

    /// <summary>The way out of this node's network; null: none.</summary>
    public ProxySettings? Proxy { get; init; }

    /// <summary>Where the last good parent is remembered; null: by this process only.</summary>
    public string? LastGoodFile { get; init; }

    /// <summary>As a node's settings and its newest record say.</summary>
    /// <exception cref="InvalidDataException">An address in <c>node.json</c> is none.</exception>
    public static ParentLinkOptions Of(NodeSettings settings, NodeIdentity identity, NodeHome home, LinkLimits? limits) =>
        new(settings.Node, [.. settings.Parents.Select(parent => JoinFile.ParseAddress(parent, home.FileOf("node.json")))])
        {
            Kind = settings.Kind, Signed = () => SignedParents(identity), Limits = limits, Proxy = settings.Proxy,
                LastGoodFile = home.FileOf("last-parent"),
        };

    private static List<DnsEndPoint> SignedParents(NodeIdentity identity)
    {
        try
        {
            return [.. (identity.Record.Record.Parents ?? []).Select(parent => JoinFile.ParseAddress(parent, "the node's record"))];
        }
        catch (InvalidDataException)
        {
            // A signed list that cannot be read must not strand the node: the addresses of its join are left.
            return [];
        }
    }

    /// <summary>First ceiling of the back-off.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Last ceiling of the back-off: a child that was away for long is back within this after its parent is.</summary>
    public TimeSpan MostBackoff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Limit from the first packet to a live session (default 40 s, less than a link's time to be dead).</summary>
    public TimeSpan LiveWithin { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Silence after which the connection is given up (default 45 s, as for the session).</summary>
    public TimeSpan DeadAfter { get; init; } = LinkProtocol.DeadAfter;
}

/// <summary>
/// The lasting relation to the parent: dials, proves the parent, keeps one session live, and dials again for ever. All that the session
/// decides is carried out here; nothing of it is remembered between sessions but what is durable.
/// </summary>
public sealed partial class ParentLink(ParentLinkOptions options, LinkKeys keys, TrustState trust, ChildHandlers handlers,
    Outbox outbox, TimeProvider time, ILogger<ParentLink> log)
{
    // While other parents wait for their turn, one that gives no answer may not hold them up as long as the only one.
    private static readonly TimeSpan ConnectOneOfMany = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan ConnectPatiently = TimeSpan.FromSeconds(15);
    private readonly Backoff backoff =
        new(options.FirstBackoff, options.MostBackoff, () => RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20));
    private readonly LastGoodParent lastGood = new(options.LastGoodFile);
    private TaskCompletionSource<LinkConnection> live = NewSignal();
    private readonly LinkWatch watch = new(time);
    private DateTimeOffset? downSince;
    private TrustState trusted = trust;

    /// <summary>The connection of the live session; null while there is none.</summary>
    public LinkConnection? Live => live.Task.IsCompletedSuccessfully ? live.Task.Result : null;

    /// <summary>Waits for a live session.</summary>
    public Task<LinkConnection> WhenLiveAsync(CancellationToken stop) => live.Task.WaitAsync(stop);

    /// <summary>Dials until <paramref name="stop"/>: each parent in turn without a wait between, then the back-off.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var watching = watch.Begin();
        try
        {
            for (var failed = 0; ; failed++)
            {
                if (await DialRoundAsync(failed, stop)) failed = 0;
                if (await watch.WaitAsync(backoff.Next(), stop)) backoff.Reset();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>Each parent once, until one was good; whether one was.</summary>
    private async Task<bool> DialRoundAsync(int failedRounds, CancellationToken stop)
    {
        var parents = ParentOrder.Of(lastGood.Value, options.Signed(), options.Parents);
        var connectWithin = failedRounds == 0 && parents.Count > 1 ? ConnectOneOfMany : ConnectPatiently;
        foreach (var parent in parents)
        {
            var address = LinkDialer.TextOf(parent);
            var shown = keys.ForDial(address);
            var end = await TryAsync(parent, shown, connectWithin, stop);
            // Of two keys of a succession the parent knows one; and a new record may have made the other one the right one.
            if (keys.Ended(address, shown, RefusesKey(end.Problem.Message)) || keys.ForDial(address) != shown)
                end = await TryAsync(parent, keys.ForDial(address), connectWithin, stop);
            stop.ThrowIfCancellationRequested();
            if (end.Lived is not null) downSince = null;
            downSince ??= time.GetUtcNow();
            handlers.Live(new LinkStatus(false, downSince.Value, end.Problem.Message, end.Problem.Problem));
            LinkDown(log, LinkDialer.TextOf(parent), end.Problem.Problem, end.Problem.Message);
            if (end.Lived is not { } lived) continue;
            backoff.Lived(lived);
            // One that greets and cuts at once must not keep the others from their turn.
            if (lived >= Backoff.ProvenAfter) return true;
        }
        return false;
    }

    /// <summary>One connection and its session, to its end.</summary>
    private async Task<LinkEnd> TryAsync(DnsEndPoint parent, SigningKey key, TimeSpan connectWithin, CancellationToken stop)
    {
        using var connection = new LinkConnection(parent, key, options.Proxy, time, options.DeadAfter,
            options.Limits?.Window ?? LinkConnection.DefaultWindow)
        {
            ConnectWithin = connectWithin,
        };
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var limit = time.CreateTimer(_ => Cancel(ended), null, options.LiveWithin, Timeout.InfiniteTimeSpan);
        long? liveAt = null;
        ITimer? proven = null;
        LinkException problem;
        var guarding = watch.GuardAsync(() => Live, ended);
        try
        {
            using var stream = await connection.OpenSessionAsync(ended.Token);
            var session = new ChildSession(options.Self, trusted, connection.ParentKeyId!, handlers.Hello, options.Kind);
            var carried = new CarriedSession(session, stream.Frames, handlers, outbox, newer => trusted = newer, time, log);
            problem = connection.SessionFailure(await carried.RunAsync(OnLive, ended));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ProtocolException)
        {
            problem = Named(e, parent, ended.IsCancellationRequested && liveAt is null);
        }
        finally
        {
            proven?.Dispose();
            await ended.CancelAsync();
            await guarding;
            if (live.Task.IsCompleted) live = NewSignal();
        }
        if (liveAt is null) problem = connection.NameInterception(problem);
        return new LinkEnd(problem, liveAt is { } begun ? time.GetElapsedTime(begun) : null);

        void OnLive(string name)
        {
            liveAt = time.GetTimestamp();
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            proven = time.CreateTimer(_ => Remember(parent), null, Backoff.ProvenAfter, Timeout.InfiniteTimeSpan);
            LinkLive(log, name);
            live.TrySetResult(connection);
        }
    }

    private LinkException Named(Exception e, DnsEndPoint parent, bool tooLate) => e switch
    {
        LinkException named => named,
        _ when tooLate => new LinkException(LinkProblem.NoAnswer, $"{LinkDialer.TextOf(parent)} takes the connection and does not prove "
            + $"itself a parent within {options.LiveWithin.TotalSeconds:0} s; something between may hold the answers back", e),
        OperationCanceledException => new LinkException(LinkProblem.Cut, "the session was cut", e),
        _ => new LinkException(LinkProblem.Cut, e.InnerException is null ? e.Message : $"{e.Message} ({e.InnerException.Message})", e),
    };

    private void Remember(DnsEndPoint parent)
    {
        try
        {
            lastGood.Keep(parent);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LastGoodNotKept(log, e.Message);
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself meanwhile.
        }
    }

    private static bool RefusesKey(string problem) =>
        problem.StartsWith("not-enrolled", StringComparison.Ordinal) || problem.StartsWith("old-key", StringComparison.Ordinal);

    private static TaskCompletionSource<LinkConnection> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1201, LogLevel.Information, "link to {Parent} is live")]
    private static partial void LinkLive(ILogger log, string parent);

    private sealed record LinkEnd(LinkException Problem, TimeSpan? Lived);

    [LoggerMessage(1202, LogLevel.Warning, "link to {Parent} is down: {Problem}: {Reason}")]
    private static partial void LinkDown(ILogger log, string parent, LinkProblem problem, string reason);

    [LoggerMessage(1204, LogLevel.Warning, "the last good parent is not kept on disk: {Reason}")]
    private static partial void LastGoodNotKept(ILogger log, string reason);
}
