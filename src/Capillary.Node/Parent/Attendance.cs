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
    private readonly Dictionary<long, Action<string, string>> endings = [];
    private long last;

    /// <summary>A session joined; <paramref name="end"/> ends it with a refusal.</summary>
    public long Joined(NodeName node, string keyId, string boot, Action<string, string> end)
    {
        long session;
        IReadOnlyList<CloneWatch.Ended> losers;
        lock (gate)
        {
            session = ++last;
            endings[session] = end;
            losers = watch.Joined(session, node, keyId, boot);
        }
        End(losers);
        return session;
    }

    /// <summary>A frame of this session came.</summary>
    public void Heard(long session)
    {
        IReadOnlyList<CloneWatch.Ended> losers;
        lock (gate) losers = watch.Heard(session, time.GetUtcNow());
        if (losers.Count == 0) return;
        End(losers);
        Tell();
    }

    public void Left(long session)
    {
        lock (gate)
        {
            endings.Remove(session);
            watch.Left(session);
        }
    }

    public void RefusedOldKey(NodeName node, string keyId, string successor)
    {
        bool isNew;
        lock (gate) isNew = watch.RefusedOldKey(node, keyId, successor, time.GetUtcNow());
        if (isNew) Tell();
    }

    private void Tell()
    {
        IReadOnlyList<CloneSighting> seen;
        lock (gate) seen = [.. watch.Sightings];
        sighted(seen);
    }

    private void End(IReadOnlyList<CloneWatch.Ended> losers)
    {
        foreach (var loser in losers)
        {
            Action<string, string>? end;
            lock (gate) end = endings.GetValueOrDefault(loser.Session);
            end?.Invoke(loser.Code, loser.Text);
        }
    }
}
