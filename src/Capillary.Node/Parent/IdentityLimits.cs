namespace Capillary.Node.Parent;

/// <summary>
/// Counts what each identity takes of a parent and says when it is too much. The table is bounded: an entry that holds nothing leaves when
/// it has been unused for long, or earlier when the table is full.
/// </summary>
internal sealed class IdentityLimits(ParentLimits limits, TimeProvider time)
{
    private static readonly TimeSpan UnusedFor = TimeSpan.FromMinutes(10);
    private readonly Lock gate = new();
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);

    private enum Held
    {
        Sessions,
        Content,
        Connections,
        Kinds,
    }

    /// <summary>Entries now.</summary>
    public int Count
    {
        get
        {
            lock (gate) return entries.Count;
        }
    }

    public bool TryBeginSession(string key) => TryHold(key, Held.Sessions, limits.SessionsPerKey);

    public void EndSession(string key) => LetGo(key, Held.Sessions);

    public bool TryConnect(string key, bool isStranger) =>
        TryHold(key, Held.Connections, isStranger ? limits.ConnectionsPerStranger : limits.ConnectionsPerKey);

    public void Disconnect(string key) => LetGo(key, Held.Connections);

    /// <summary>A place for one content request; false when too many are served or were made.</summary>
    public bool TryBeginContent(string key)
    {
        lock (gate)
        {
            if (Find(key) is not { } entry || entry.Counts[(int)Held.Content] >= limits.ContentPerKey) return false;
            if (!entry.Requests.TryTake(limits.RequestBurst, limits.RequestsPerSecond, time)) return false;
            entry.Counts[(int)Held.Content]++;
            return true;
        }
    }

    public void EndContent(string key) => LetGo(key, Held.Content);

    /// <summary>Whether this key may ask once more to enroll, for itself or (with a live session) for another.</summary>
    public bool MayEnroll(string key, bool relays) =>
        MayEnroll(key, relays ? limits.RelayedEnrollmentsPerMinute : limits.EnrollmentsPerMinute);

    /// <summary>Whether this join code may be tried once more.</summary>
    public bool MayTryCode(string codeId) => MayEnroll("code " + codeId, limits.EnrollmentsPerMinute);

    /// <summary>Lets unused entries go; call now and then.</summary>
    public void Sweep()
    {
        lock (gate) Drop(UnusedFor);
    }

    private bool MayEnroll(string key, int perMinute)
    {
        lock (gate) return Find(key) is { } entry && entry.Enrollments.TryTake(perMinute, perMinute / 60.0, time);
    }

    private bool TryHold(string key, Held what, int most)
    {
        lock (gate)
        {
            if (Find(key) is not { } entry || entry.Counts[(int)what] >= most) return false;
            entry.Counts[(int)what]++;
            return true;
        }
    }

    private void LetGo(string key, Held what)
    {
        lock (gate)
        {
            if (entries.TryGetValue(key, out var entry)) entry.Counts[(int)what]--;
        }
    }

    /// <summary>Null when the table is full of entries that are in use.</summary>
    private Entry? Find(string key)
    {
        if (!entries.TryGetValue(key, out var entry))
        {
            if (entries.Count >= limits.MostCounted) Drop(TimeSpan.FromSeconds(1));
            if (entries.Count >= limits.MostCounted) return null;
            entries[key] = entry = new Entry();
        }
        entry.UsedAt = time.GetTimestamp();
        return entry;
    }

    private void Drop(TimeSpan unusedFor)
    {
        foreach (var (key, entry) in entries)
        {
            if (entry.Counts.All(count => count == 0) && time.GetElapsedTime(entry.UsedAt) > unusedFor) entries.Remove(key);
        }
    }

    private sealed class Entry
    {
        public int[] Counts { get; } = new int[(int)Held.Kinds];
        public Allowance Requests;
        public Allowance Enrollments;
        public long UsedAt;
    }

    /// <summary>A bucket that begins full and fills at a rate.</summary>
    private struct Allowance
    {
        private double taken;
        private long at;

        public bool TryTake(double most, double perSecond, TimeProvider time)
        {
            var now = time.GetTimestamp();
            taken = Math.Max(0, taken - time.GetElapsedTime(at, now).TotalSeconds * perSecond);
            at = now;
            if (taken + 1 > most) return false;
            taken++;
            return true;
        }
    }
}
