using Capillary.Core.Identity;
using Capillary.Core.Protocol;

namespace Capillary.Node.Parent;

/// <summary>Which sessions of a parent are live, and the signs of copied keys among them; ends the sessions that lose.</summary>
/// <param name="policy">Who stays when two processes are at work with one key.</param>
/// <param name="sighted">Called after a new sign, with all that were seen.</param>
/// <param name="time">The clock.</param>
internal sealed class Attendance(TwoSessionsPolicy policy, Action<IReadOnlyList<CloneSighting>> sighted, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly CloneWatch watch = new(policy);
    private readonly Lock telling = new();
    private readonly Dictionary<long, Attendant> attendants = [];
    private long last;

    private sealed record Attendant(Action<string, string> End, Action<long> Probe);

    /// <summary>A connection was opened; the number of its session, if it becomes one.</summary>
    public long Opened()
    {
        lock (gate) return ++last;
    }

    /// <summary>
    /// A session joined; <paramref name="end"/> ends it with a refusal, <paramref name="probe"/> asks it whether it lives. Neither may
    /// block.
    /// </summary>
    public void Joined(long session, NodeName node, string keyId, string boot, Action<string, string> end, Action<long> probe)
    {
        CloneWatch.Arrival arrival;
        lock (gate)
        {
            attendants[session] = new(end, probe);
            arrival = watch.Joined(session, node, keyId, boot, time.GetUtcNow());
        }
        End(arrival.Ended);
        foreach (var probed in arrival.Probed) Find(probed.Session)?.Probe(probed.Number);
    }

    /// <summary>A frame of this session came.</summary>
    public void Heard(long session, Frame frame)
    {
        IReadOnlyList<CloneWatch.Ended>? losers;
        lock (gate)
        {
            losers = frame is Frame.Probe answer
                ? watch.Answered(session, answer.Number, time.GetUtcNow())
                : watch.Heard(session, time.GetUtcNow());
        }
        if (losers is null) return;
        End(losers);
        if (frame is Frame.Probe) Tell();
    }

    public void Left(long session)
    {
        lock (gate)
        {
            attendants.Remove(session);
            watch.Left(session);
        }
    }

    public void RefusedOldKey(long session, NodeName node, string keyId, string successor)
    {
        bool isNew;
        lock (gate) isNew = watch.RefusedOldKey(session, node, keyId, successor, time.GetUtcNow());
        if (isNew) Tell();
    }

    private void Tell()
    {
        // In turn, so that the newest word is the last one told.
        lock (telling)
        {
            IReadOnlyList<CloneSighting> seen;
            lock (gate) seen = [.. watch.Sightings];
            sighted(seen);
        }
    }

    private void End(IReadOnlyList<CloneWatch.Ended> losers)
    {
        foreach (var loser in losers) Find(loser.Session)?.End(loser.Code, loser.Text);
    }

    private Attendant? Find(long session)
    {
        lock (gate) return attendants.GetValueOrDefault(session);
    }
}
