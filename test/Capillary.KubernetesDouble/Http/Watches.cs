using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;

namespace Capillary.KubernetesDouble.Http;

/// <summary>Watches: the changes of a place from a revision on, as lines of JSON, until a time or an end.</summary>
/// <param name="state">The cluster.</param>
/// <param name="faults">What goes wrong on purpose.</param>
/// <param name="bookmarkEvery">How often a watch that allows it gets a bookmark.</param>
internal sealed class Watches(ClusterState state, Faults faults, TimeSpan bookmarkEvery)
{
    private CancellationTokenSource all = new();

    /// <summary>Ends all that are open, in order: their responses end.</summary>
    public void Close()
    {
        var old = Interlocked.Exchange(ref all, new CancellationTokenSource());
        old.Cancel();
    }

    public async Task WatchAsync(ApiRequest request)
    {
        var filter = new ObjectFilter(request);
        var from = From(request);
        if (from is { } revision && faults.GoneAsStatus && state.Store.Since("", revision, out _, out _) is null) throw TooOld(revision);
        var seconds = int.TryParse(request.Query("timeoutSeconds"), out var number) && number > 0 ? number : 1800;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(request.Http.RequestAborted, all.Token);
        end.CancelAfter(TimeSpan.FromSeconds(seconds));
        request.Http.Response.ContentType = "application/json";
        await request.Http.Response.Body.FlushAsync();
        try
        {
            var start = from ?? await InitialAsync(request, filter);
            await FollowAsync(request, filter, start, end.Token);
        }
        catch (OperationCanceledException)
        {
            // Its time is over, or the client went.
        }
    }

    // Null: the state now comes first, as synthetic events.
    private static long? From(ApiRequest request)
    {
        if (request.Query("resourceVersion") is not { } text || text == "0" || request.Flag("sendInitialEvents")) return null;
        return long.TryParse(text, out var revision) ? revision
            : throw ApiError.BadRequest($"resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid "
            + $"syntax");
    }

    private async Task<long> InitialAsync(ApiRequest request, ObjectFilter filter)
    {
        var snapshot = state.Store.At(request.Type.Place, null)!;
        if (request.Query("sendInitialEvents") != "false")
        {
            foreach (var (_, tree) in snapshot.Objects.Where(pair => filter.Matches(pair.Value))) await SendAsync(request, "ADDED", tree);
        }
        if (request.Flag("sendInitialEvents") && request.Flag("allowWatchBookmarks"))
            await BookmarkAsync(request, snapshot.Revision, isInitial: true);
        return snapshot.Revision;
    }

    private async Task FollowAsync(ApiRequest request, ObjectFilter filter, long revision, CancellationToken end)
    {
        var bookmarks = request.Flag("allowWatchBookmarks");
        var due = DateTimeOffset.UtcNow + bookmarkEvery;
        while (true)
        {
            var changes = state.Store.Since(request.Type.Place, revision, out var now, out var next);
            if (changes is null)
            {
                await LineAsync(request, "ERROR", TooOld(revision).ToJson());
                return;
            }
            foreach (var change in changes) await SendAsync(request, filter, change);
            revision = Math.Max(revision, now);
            if (bookmarks && DateTimeOffset.UtcNow >= due)
            {
                await BookmarkAsync(request, revision, isInitial: false);
                due = DateTimeOffset.UtcNow + bookmarkEvery;
            }
            await WaitAsync(next, bookmarks ? due - DateTimeOffset.UtcNow : Timeout.InfiniteTimeSpan, end);
        }
    }

    private static async Task WaitAsync(Task next, TimeSpan atMost, CancellationToken end)
    {
        try
        {
            await next.WaitAsync(atMost == Timeout.InfiniteTimeSpan || atMost > TimeSpan.Zero ? atMost : TimeSpan.FromMilliseconds(1), end);
        }
        catch (TimeoutException)
        {
            // A bookmark is due.
        }
    }

    // An object that comes into the selection is added for this watch, and one that leaves it is deleted.
    private static Task SendAsync(ApiRequest request, ObjectFilter filter, StoreEvent change)
    {
        var (was, isNow) = (change.Before is not null && filter.Matches(change.Before), change.After is not null
            && filter.Matches(change.After));
        if (!was && !isNow) return Task.CompletedTask;
        if (was && !isNow && change.After is not null)
        {
            var last = change.Before!.Copy();
            last.Ensure("metadata")["resourceVersion"] = change.Revision.ToString();
            return SendAsync(request, "DELETED", last);
        }
        return SendAsync(request, was ? isNow ? "MODIFIED" : "DELETED" : "ADDED", change.Last);
    }

    private static Task SendAsync(ApiRequest request, string type, JsonObject tree) =>
        LineAsync(request, type, ObjectWriter.In(tree, request.Type));

    private static Task BookmarkAsync(ApiRequest request, long revision, bool isInitial)
    {
        var meta = new JsonObject { ["resourceVersion"] = revision.ToString() };
        if (isInitial) meta["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var tree = request.Type.New();
        tree["metadata"] = meta;
        return LineAsync(request, "BOOKMARK", tree);
    }

    private static async Task LineAsync(ApiRequest request, string type, JsonObject tree)
    {
        var body = request.Http.Response.BodyWriter;
        await body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":{tree.Compact()}}}\n"),
            request.Http.RequestAborted);
        await body.FlushAsync(request.Http.RequestAborted);
    }

    private ApiError TooOld(long revision) => ApiError.Expired($"too old resource version: {revision} ({state.Store.Revision})");
}
