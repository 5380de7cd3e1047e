using System.Text.Json.Serialization;
using Capillary.Core.Identity;

namespace Capillary.Core.Protocol;

/// <summary>What showed that a key was copied.</summary>
[JsonConverter(typeof(EnumNameJson<CloneSign>))]
public enum CloneSign
{
    /// <summary>A key was shown after its successor had been in use.</summary>
    OldKey,

    /// <summary>Two processes with one key were at work at the same time.</summary>
    TwoSessions,

    /// <summary>Two different reports of one incarnation had the same number; a site uses each once.</summary>
    TwoReports,
}

/// <summary>A sign that a node's key was copied, as a parent saw it.</summary>
/// <param name="Node">Whose key.</param>
/// <param name="KeyId">Which one.</param>
/// <param name="Sign">What showed it.</param>
/// <param name="Count">How often this parent saw it since its start, from 1.</param>
/// <param name="LastAt">When last, by the parent's clock.</param>
public sealed record CloneSighting(NodeName Node, string KeyId, [property: JsonRequired] CloneSign Sign,
    [property: JsonRequired] long Count, [property: JsonRequired] DateTimeOffset LastAt);

/// <summary>Who stays when two sessions of one key are at work.</summary>
public enum TwoSessionsPolicy
{
    /// <summary>The one that came last.</summary>
    NewestStays,

    /// <summary>The one that was there first.</summary>
    OldestStays,

    /// <summary>Neither, so that a person must look.</summary>
    NoneStays,
}

/// <summary>
/// Tells a copied key from a link that was cut, for all sessions of one parent: synchronous, its caller takes turns. A process that dials
/// again says the same name, and its older session ends quietly; another process's session is a copy only once the older one speaks
/// again, for until then that one may be a link that died unnoticed.
/// </summary>
/// <param name="policy">Who stays.</param>
public sealed class CloneWatch(TwoSessionsPolicy policy)
{
    /// <summary>The most sightings that are remembered; the oldest leaves.</summary>
    public const int MaxSightings = LinkProtocol.SightingsPerFrame;

    private readonly Dictionary<NodeName, List<Attendant>> present = [];
    private readonly Dictionary<long, NodeName> sessions = [];
    private readonly Dictionary<NodeName, string> keyInUse = [];
    private readonly List<CloneSighting> sightings = [];

    private sealed record Attendant(long Session, string KeyId, string Boot);

    /// <summary>A session that must end, and the refusal it is told.</summary>
    public sealed record Ended(long Session, string Code, string Text);

    /// <summary>What was seen, oldest first.</summary>
    public IReadOnlyList<CloneSighting> Sightings => sightings;

    /// <summary>A child proved who it is. Returns older sessions of the same process, to be ended.</summary>
    public IReadOnlyList<Ended> Joined(long session, NodeName node, string keyId, string boot)
    {
        keyInUse[node] = keyId;
        sessions[session] = node;
        if (!present.TryGetValue(node, out var here)) present[node] = here = [];
        var same = here.Where(one => one.KeyId == keyId && one.Boot == boot).ToList();
        here.Add(new Attendant(session, keyId, boot));
        return [.. same.Select(one => new Ended(one.Session, "replaced", "this node dialled again"))];
    }

    /// <summary>A frame came. Returns the sessions to be ended when it shows that two processes are at work with one key.</summary>
    public IReadOnlyList<Ended> Heard(long session, DateTimeOffset now)
    {
        if (!sessions.TryGetValue(session, out var node) || present[node] is not { Count: > 1 } here) return [];
        var speaker = here.FindIndex(one => one.Session == session);
        // Only an older session that speaks after a newer one joined proves two processes.
        var rivals = here.Skip(speaker + 1).Where(one => one.KeyId == here[speaker].KeyId && one.Boot != here[speaker].Boot).ToList();
        if (rivals.Count == 0) return [];
        Sight(node, here[speaker].KeyId, CloneSign.TwoSessions, now);
        IEnumerable<long> losers = policy switch
        {
            TwoSessionsPolicy.NewestStays => [session],
            TwoSessionsPolicy.OldestStays => rivals.Select(one => one.Session),
            _ => rivals.Select(one => one.Session).Append(session),
        };
        return [.. losers.Select(loser => new Ended(loser, "two-sessions",
            $"'{node}' is at work twice with one key: one of them is a copy; replace the site, or stop the copy"))];
    }

    /// <summary>A session is over.</summary>
    public void Left(long session)
    {
        if (!sessions.Remove(session, out var node)) return;
        present[node].RemoveAll(one => one.Session == session);
        if (present[node].Count == 0) present.Remove(node);
    }

    /// <summary>A key was refused because its successor stands in the record. True when that is the sign of a copy.</summary>
    public bool RefusedOldKey(NodeName node, string keyId, string successor, DateTimeOffset now)
    {
        // Before the successor was in use here, the node itself may not have heard of its new record yet.
        if (keyInUse.GetValueOrDefault(node) != successor) return false;
        Sight(node, keyId, CloneSign.OldKey, now);
        return true;
    }

    private void Sight(NodeName node, string keyId, CloneSign sign, DateTimeOffset now)
    {
        var before = sightings.Find(one => one.Node == node && one.KeyId == keyId && one.Sign == sign);
        if (before is not null) sightings.Remove(before);
        else if (sightings.Count == MaxSightings) sightings.RemoveAt(0);
        sightings.Add(new CloneSighting(node, keyId, sign, (before?.Count ?? 0) + 1, now));
    }
}
