using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;
using Capillary.Core.Reports;

namespace Capillary.Node.Journal;

/// <summary>
/// A site's events (promise 3): appended and flushed one by one to segment files, bounded in bytes. That the hub keeps them is only a
/// parent's word, so they leave for room alone, the oldest first. A number that is given and not found again (its segment made room, its
/// write failed, its bytes were damaged) is named in a dropped range when the next batch is made; nothing has to be remembered for that
/// but what the hub keeps.
/// </summary>
public sealed class EventLog : IDisposable
{
    /// <summary>Default bound of the whole log, in bytes.</summary>
    public const long DefaultMaxBytes = 64 << 20;

    /// <summary>
    /// The highest number that a parent may move this log on to. Far more than a site ever counts, and so far from the end of all numbers
    /// that whoever says it falsely cannot use them up.
    /// </summary>
    public const long MostJump = 1L << 40;

    // Room for the batch's own members beside its events.
    private const int BatchBytes = EventBatch.MaxBytes - (4 << 10);
    private readonly Lock gate = new();
    private readonly string folder;
    private readonly long incarnation;
    private readonly long maxBytes;
    private readonly DurableFile<KeptEvents> keptFile;
    private readonly SortedDictionary<long, Segment> segments = [];
    private FileStream? tail;
    private long kept;
    private long next;

    private sealed record Segment(string Path)
    {
        public long Bytes { get; set; }
    }

    /// <param name="folder">Its folder, which exists.</param>
    /// <param name="incarnation">What the numbers count within.</param>
    /// <param name="maxBytes">Its bound, at least 64 KiB; the oldest events make room for the newest.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public EventLog(string folder, long incarnation, long maxBytes = DefaultMaxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 64 << 10);
        (this.folder, this.incarnation, this.maxBytes) = (folder, incarnation, maxBytes);
        keptFile = new(Path.Combine(folder, "kept.json"), EventLogJson.Default.KeptEvents);
        if (keptFile.Read() is DurableRead<KeptEvents>.Found { Value: var found } && found.Incarnation == incarnation) kept = found.Seq;
        next = kept + 1;
        foreach (var path in Directory.EnumerateFiles(folder, "*.events"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var first))
                segments[first] = new Segment(path) { Bytes = new FileInfo(path).Length };
        }
        if (segments.Count > 0) Continue(segments.Last().Key, segments.Last().Value);
    }

    /// <summary>The number of the newest event; 0 before the first.</summary>
    public long Newest
    {
        get
        {
            lock (gate) return next - 1;
        }
    }

    /// <summary>Called after an event was appended or the hub's word changed what is to be sent next.</summary>
    public event Action? Changed;

    /// <summary>Numbers an event and keeps it durably; false when it breaks a limit, and then it gets no number.</summary>
    /// <exception cref="IOException">The disk is full or broken: the event is lost, and its number will be named as dropped.</exception>
    public bool Append(SiteEvent happened)
    {
        if (!happened.IsSound() || happened.Type == SiteEvent.DroppedType) return false;
        lock (gate)
        {
            var number = next++;
            var line = JsonSerializer.SerializeToUtf8Bytes(new StoredEvent(number, happened), EventLogJson.Default.StoredEvent);
            Write(number, [.. line, (byte)'\n']);
        }
        Changed?.Invoke();
        return true;
    }

    /// <summary>
    /// The hub keeps everything up to <paramref name="seq"/>; a restored hub may say less than before, and one that outlived this log more
    /// than was numbered here. Nobody signed it, so it decides only what is sent next; a number that cannot be is ignored.
    /// </summary>
    public void Kept(long ofIncarnation, long seq)
    {
        if (ofIncarnation != incarnation) return;
        lock (gate)
        {
            if (seq == kept || seq < 0 || (seq >= next && seq > MostJump)) return;
            (kept, next) = (seq, Math.Max(next, seq + 1));
            try
            {
                keptFile.Write(new KeptEvents(incarnation, seq));
            }
            catch (IOException)
            {
                // After a restart they are sent again, and the hub knows them.
            }
        }
        Changed?.Invoke();
    }

    /// <summary>The next batch to send; null when the hub keeps everything.</summary>
    public EventBatch? NextBatch(FleetName fleet, SiteId site)
    {
        lock (gate) return kept + 1 < next ? new(1, fleet, site, incarnation, kept + 1, From(kept + 1)) : null;
    }

    /// <summary>The newest event alone, whoever keeps it; null before the first.</summary>
    public EventBatch? NewestBatch(FleetName fleet, SiteId site)
    {
        lock (gate) return next > 1 ? new(1, fleet, site, incarnation, next - 1, From(next - 1)) : null;
    }

    public void Dispose() => tail?.Dispose();

    private List<SiteEvent> From(long first)
    {
        var (events, expected, bytes) = (new List<SiteEvent>(), first, 0);
        foreach (var stored in Stored(first))
        {
            if (stored.N > expected) Drop(events, expected, stored.N - 1);
            bytes += stored.E.ByteLength() + 1;
            if (events.Count >= EventBatch.MaxEvents || bytes > BatchBytes) return events;
            events.Add(stored.E);
            expected = stored.N + 1;
        }
        if (expected < next) Drop(events, expected, next - 1);
        return events;
    }

    private void Drop(List<SiteEvent> events, long first, long last)
    {
        var reason = $"not kept at the site: its log of {maxBytes} bytes or its disk was full, or damaged";
        events.Add(new SiteEvent(DateTimeOffset.UnixEpoch, SiteEvent.DroppedType, Dropped: new(first, last, reason)));
    }

    private void Write(long number, byte[] line)
    {
        try
        {
            WriteToTail(number, line);
        }
        catch (IOException)
        {
            // On a full disk what the hub is said to keep makes room for what it cannot know yet.
            if (!RemoveKept()) throw;
            WriteToTail(number, line);
        }
    }

    private void WriteToTail(long number, byte[] line)
    {
        if (tail is null || tail.Length >= SegmentBytes) Roll(number);
        var before = tail!.Length;
        try
        {
            tail.Write(line);
            tail.Flush(flushToDisk: true);
            segments.Last().Value.Bytes = tail.Length;
        }
        catch (IOException)
        {
            // Half a line must not stand before the next one.
            tail.SetLength(before);
            throw;
        }
    }

    // Small enough that making room loses little, large enough that a full log is few files.
    private long SegmentBytes => Math.Min(1 << 20, maxBytes / 8);

    private void Roll(long first)
    {
        tail?.Dispose();
        tail = null;
        // An agent that starts often must not leave a file each time.
        if (segments.Count > 0 && segments.Last() is { Value.Bytes: var bytes } last && bytes < SegmentBytes) first = last.Key;
        var path = Path.Combine(folder, first.ToString("d20", CultureInfo.InvariantCulture) + ".events");
        tail = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Append, Access = FileAccess.Write, BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        DurableFolder.Flush(folder);
        segments[first] = new Segment(path) { Bytes = tail.Length };
        // Only now: the newest number stands in a file's name or in a file at every moment, so that none is given twice.
        while (segments.Count > 1 && segments.Values.Sum(segment => segment.Bytes) + SegmentBytes > maxBytes) Remove(segments.First().Key);
    }

    /// <summary>Segments whose every number the hub keeps, but for the one that is written to; false when there is none.</summary>
    private bool RemoveKept()
    {
        var before = segments.Count;
        while (segments.Count > 1 && segments.Keys.ElementAt(1) <= kept + 1) Remove(segments.First().Key);
        return segments.Count < before;
    }

    private void Remove(long first)
    {
        File.Delete(segments[first].Path);
        segments.Remove(first);
    }

    /// <summary>Finds the last number of the newest segment, and cuts the half line that a power cut left at its end.</summary>
    private void Continue(long first, Segment newest)
    {
        var bytes = File.ReadAllBytes(newest.Path);
        var whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        if (whole < bytes.Length)
        {
            using var file = new FileStream(newest.Path, FileMode.Open, FileAccess.Write);
            file.SetLength(whole);
            file.Flush(flushToDisk: true);
        }
        newest.Bytes = whole;
        next = Math.Max(next, first);
        foreach (var stored in Lines(newest.Path)) next = Math.Max(next, stored.N + 1);
    }

    private IEnumerable<StoredEvent> Stored(long from)
    {
        var keys = segments.Keys.ToList();
        var begin = Math.Max(0, keys.FindLastIndex(first => first <= from));
        return keys.Skip(begin).SelectMany(first => Lines(segments[first].Path)).Where(stored => stored.N >= from);
    }

    private static IEnumerable<StoredEvent> Lines(string path)
    {
        var before = 0L;
        foreach (var line in File.ReadLines(path))
        {
            // A damaged line is skipped; the hole that it leaves is named. Numbers only grow, whatever a damaged digit says.
            if (Parse(line) is not { } stored || stored.N <= before) continue;
            before = stored.N;
            yield return stored;
        }
    }

    private static StoredEvent? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, EventLogJson.Default.StoredEvent) is { E: not null } stored && stored.E.IsSound()
                ? stored
                : null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return null;
        }
    }
}

/// <summary>An event with its number, as it stands in a segment.</summary>
internal sealed record StoredEvent([property: JsonRequired] long N, SiteEvent E);

/// <summary>What the hub keeps.</summary>
internal sealed record KeptEvents([property: JsonRequired] long Incarnation, [property: JsonRequired] long Seq);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredEvent))]
[JsonSerializable(typeof(KeptEvents))]
internal sealed partial class EventLogJson : JsonSerializerContext;
