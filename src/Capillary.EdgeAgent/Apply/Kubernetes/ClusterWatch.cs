using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Node.Hosting;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>
/// Lists and then watches the objects of one kind that bear our label, for as long as the agent runs. It goes on where it was when a watch
/// ends, and lists anew when the server has forgotten that place (410).
/// </summary>
internal sealed class ClusterWatch(KubeClient client, KubeDiscovery discovery, ClusterView view, ObjectRef first, TimeProvider time,
    ILogger log)
{
    private const int Page = 250;
    private const int MaxEvent = 8 << 20;
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);
    private readonly WatchedKind kind = WatchedKind.Of(first);
    private readonly WakeSignal nudged = new(atOnce: false);
    private int failures;
    private volatile ObjectRef sample = first;
    private volatile bool again;
    private CancellationTokenSource? following;

    /// <summary>Why it cannot watch though the server answers, such as a missing right; null: it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Something changed that may let it go on: it does not wait.</summary>
    public void Nudge() => nudged.Wake();

    /// <summary>From now on in this version of the API; another may be served no longer.</summary>
    public void Use(ObjectRef of)
    {
        if (of.Version == sample.Version) return;
        sample = of;
        ListAgain();
    }

    /// <summary>Everything is looked at anew.</summary>
    public void ListAgain()
    {
        again = true;
        Volatile.Read(ref following)?.Cancel();
        Nudge();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        var place = "";
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (again) (place, again) = ("", false);
                if (await discovery.FindAsync(sample, stop) is not { } resource)
                {
                    place = "";
                    await WaitAsync(stop);
                    continue;
                }
                view.Served(kind, resource.IsNamespaced);
                if (place.Length == 0) place = await ListAsync(resource, stop);
                place = await FollowAsync(resource, place, stop);
                (failures, Problem) = (0, null);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (KubeException e)
            {
                place = "";
                if (e.IsNotFound) discovery.Forget(sample);
                else if (!e.IsGone) Note(e.Code == 403 ? e.Message : $"{kind.Kind}: {e.Message}");
                if (!e.IsGone) await WaitAsync(stop);
            }
            catch (KubeUnreachableException)
            {
                await WaitAsync(stop);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
            {
                // Not as the API says it is: from the beginning again.
                place = "";
                Note($"{kind.Kind}: the API server's answer cannot be read: {e.Message}");
                await WaitAsync(stop);
            }
        }
    }

    private void Note(string problem)
    {
        if (Problem != problem) KubeLog.NotWatched(log, kind.Kind, problem);
        Problem = problem;
    }

    private async Task WaitAsync(CancellationToken stop)
    {
        var most = Math.Min(LongestWait.TotalMilliseconds, FirstWait.TotalMilliseconds * Math.Pow(2, failures++));
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var pause = Task.Delay(TimeSpan.FromMilliseconds(most / 2 + RandomNumberGenerator.GetInt32((int)most / 2 + 1)), time, ends.Token);
        await Task.WhenAny(pause, nudged.WaitAsync(ends.Token));
        await ends.CancelAsync();
    }

    private static string Selected(KubeResource resource) =>
        $"{resource.AllPath}?labelSelector={Uri.EscapeDataString(ManifestBody.AppLabel)}";

    private async Task<string> ListAsync(KubeResource resource, CancellationToken stop)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var version = await client.ListAsync(Selected(resource), Page, item =>
        {
            keys.Add(ClusterView.KeyOf(kind, item));
            view.Put(kind, item);
        }, stop);
        view.Listed(kind, keys, ClusterView.Number(version));
        return version;
    }

    /// <returns>Where to go on.</returns>
    private async Task<string> FollowAsync(KubeResource resource, string place, CancellationToken stop)
    {
        var seconds = RandomNumberGenerator.GetInt32(240, 360);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds + 30), time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        Volatile.Write(ref following, ends);
        try
        {
            using var answer = await client.WatchAsync(
                $"{Selected(resource)}&watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={place}", ends.Token);
            (failures, Problem) = (0, null);
            await using var stream = await answer.Content.ReadAsStreamAsync(ends.Token);
            var reader = PipeReader.Create(stream);
            while (await ReadLineAsync(reader, ends.Token) is { } line)
            {
                using (line) place = Take(line.RootElement) ?? place;
            }
            return place;
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            // Cut: the next one goes on where this one was.
            if (!again) await WaitAsync(stop);
            return place;
        }
        finally
        {
            Volatile.Write(ref following, null);
        }
    }

    private string? Take(JsonElement happened)
    {
        var value = happened.GetProperty("object");
        switch (happened.GetProperty("type").GetString())
        {
            case "ADDED" or "MODIFIED": view.Put(kind, value); break;
            case "DELETED": view.Remove(kind, value); break;
            case "ERROR": throw KubeException.Of(value);
        }
        return value.GetProperty("metadata").GetProperty("resourceVersion").GetString();
    }

    private static async Task<JsonDocument?> ReadLineAsync(PipeReader reader, CancellationToken stop)
    {
        while (true)
        {
            var read = await reader.ReadAsync(stop);
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                // Parsed from a copy: the buffer is given back, and the document outlives it.
                var document = line.IsEmpty ? null : JsonDocument.Parse(line.ToArray());
                reader.AdvanceTo(buffer.GetPosition(1, end));
                if (document is not null) return document;
                continue;
            }
            if (buffer.Length > MaxEvent) throw new IOException($"an event of more than {MaxEvent} bytes");
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) return null;
        }
    }
}
