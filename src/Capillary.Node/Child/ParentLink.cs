using System.Net;
using System.Security.Cryptography;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Child;

/// <summary>Who dials whom.</summary>
/// <param name="Self">This node.</param>
/// <param name="Parents">Parent addresses, tried in turn, the last good one first.</param>
public sealed record ParentLinkOptions(NodeName Self, IReadOnlyList<DnsEndPoint> Parents)
{
    /// <summary>What this node is; a region has no parent but the hub.</summary>
    public NodeKind Kind { get; init; } = NodeKind.Site;

    /// <summary>First ceiling of the back-off.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Last ceiling of the back-off.</summary>
    public TimeSpan MostBackoff { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// The lasting relation to the parent: dials, proves the parent, keeps one session live, and dials again for ever. All that the session
/// decides is carried out here; nothing of it is remembered between sessions but what is durable.
/// </summary>
public sealed partial class ParentLink(ParentLinkOptions options, LinkKeys keys, TrustState trust, ChildHandlers handlers,
    Outbox outbox, TimeProvider time, ILogger<ParentLink> log)
{
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(5);
    private readonly Backoff backoff =
        new(options.FirstBackoff, options.MostBackoff, () => RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20));
    private TaskCompletionSource<LinkConnection> live = NewSignal();
    private int next;

    private TrustState trusted = trust;

    /// <summary>The connection of the live session; null while there is none.</summary>
    public LinkConnection? Live => live.Task.IsCompletedSuccessfully ? live.Task.Result : null;

    /// <summary>Waits for a live session.</summary>
    public Task<LinkConnection> WhenLiveAsync(CancellationToken stop) => live.Task.WaitAsync(stop);

    /// <summary>Dials until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var parent = options.Parents[next % options.Parents.Count];
            var shown = keys.ForDial($"{parent.Host}:{parent.Port}");
            var problem = await TryAsync(parent, shown, stop);
            if (stop.IsCancellationRequested) return;
            if (keys.Ended($"{parent.Host}:{parent.Port}", shown, RefusesKey(problem))) continue;
            handlers.Live(new LinkStatus(false, time.GetUtcNow(), problem));
            LinkDown(log, $"{parent.Host}:{parent.Port}", problem);
            var wait = backoff.Next();
            try
            {
                await Task.Delay(wait, time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>One connection and its session, to its end; why it ended.</summary>
    private async Task<string> TryAsync(DnsEndPoint parent, SigningKey key, CancellationToken stop)
    {
        using var connection = new LinkConnection(parent, key);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        DateTimeOffset? liveSince = null;
        try
        {
            using var stream = await connection.OpenSessionAsync(stop);
            var session = new ChildSession(options.Self, trusted, connection.ParentKeyId!, handlers.Hello, options.Kind);
            var carried = new CarriedSession(session, stream.Frames, handlers, outbox, newer => trusted = newer, time, log);
            return await carried.RunAsync(OnLive, ended);

            void OnLive(string name)
            {
                liveSince = time.GetUtcNow();
                LinkLive(log, name);
                live.TrySetResult(connection);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ProtocolException)
        {
            return e.InnerException is null ? e.Message : $"{e.Message} ({e.InnerException.Message})";
        }
        finally
        {
            if (live.Task.IsCompleted) live = NewSignal();
            // The last good parent is tried first again; one that gave nothing makes room for the next.
            if (liveSince is null) next++;
            // A parent that greets and refuses at once must not be dialled in a tight loop.
            else if (time.GetUtcNow() - liveSince > ProvenAfter) backoff.Reset();
        }
    }

    private static bool RefusesKey(string problem) =>
        problem.StartsWith("not-enrolled", StringComparison.Ordinal) || problem.StartsWith("old-key", StringComparison.Ordinal);

    private static TaskCompletionSource<LinkConnection> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1201, LogLevel.Information, "link to {Parent} is live")]
    private static partial void LinkLive(ILogger log, string parent);

    [LoggerMessage(1202, LogLevel.Warning, "link to {Parent} is down: {Reason}")]
    private static partial void LinkDown(ILogger log, string parent, string reason);
}
