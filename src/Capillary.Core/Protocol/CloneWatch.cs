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
/// again says the same name, and its older session ends quietly. When another process comes with the same key, the older session is
/// probed: a process that ended cannot answer a question that was asked after its successor came, so an answer proves two of them, and a
/// frame that was late on its way proves nothing. A hello may be late too: older is whose connection was opened first.
/// </summary>
/// <param name="policy">Who stays.</param>
public sealed class CloneWatch(TwoSessionsPolicy policy)
{
    /// <summary>The most sightings that are remembered; the oldest leaves.</summary>
    public const int MaxSightings = LinkProtocol.SightingsPerFrame;

    /// <summary>The most sessions of one key at once; the oldest ends quietly.</summary>
    public const int MaxSessions = 8;

    private readonly Dictionary<NodeName, List<Attendant>> present = [];
    private readonly Dictionary<long, NodeName> sessions = [];
    private readonly Dictionary<NodeName, (string KeyId, long Since)> keyInUse = [];
    private readonly List<CloneSighting> sightings = [];
    private long lastProbe;

    // Probe: the number that this session has yet to answer, 0: none; and since when it owes an answer.
    private sealed record Attendant(long Session, string KeyId, string Boot)
    {
        public long Probe { get; init; }

        public DateTimeOffset ProbedAt { get; init; }
    }

    /// <summary>A session that must end, and the refusal it is told.</summary>
    public sealed record Ended(long Session, string Code, string Text);

    /// <summary>A session that must be asked whether it still lives.</summary>
    public sealed record Probed(long Session, long Number);

    /// <summary>What a session's coming asks of the others.</summary>
    public sealed record Arrival(IReadOnlyList<Ended> Ended, IReadOnlyList<Probed> Probed);

    /// <summary>What was seen, oldest first.</summary>
    public IReadOnlyList<CloneSighting> Sightings => sightings;

    /// <summary>A child proved who it is.</summary>
    /// <param name="session">Grows with each connection that is opened, whenever its hello comes.</param>
    /// <param name="node">Who it is.</param>
    /// <param name="keyId">By which key.</param>
    /// <param name="boot">The name of its process.</param>
    /// <param name="now">By the parent's clock.</param>
    public Arrival Joined(long session, NodeName node, string keyId, string boot, DateTimeOffset now)
    {
        if (keyInUse.GetValueOrDefault(node).KeyId != keyId) keyInUse[node] = (keyId, session);
        sessions[session] = node;
        if (!present.TryGetValue(node, out var here)) present[node] = here = [];
        var others = here.Where(one => one.KeyId == keyId).ToList();
        var newcomer = new Attendant(session, keyId, boot);
        here.Insert(here.Count(one => one.Session < session), newcomer);
        var ended = others.Where((one, i) => one.Boot == boot ? one.Session < session : others.Count - i >= MaxSessions).ToList();
        var newer = others.Where(one => one.Session > session).ToList();
        // Its process has dialled again since.
        if (newer.Any(one => one.Boot == boot)) ended.Add(newcomer);
        var asked = others.Except(newer).ToList();
        if (newer.Count > 0) asked.Add(newcomer);
        return new([.. ended.Select(one => new Ended(one.Session, "replaced", "this node dialled again"))],
            [.. asked.Except(ended).Select(one => Probe(here, one, now))]);
    }

    private Probed Probe(List<Attendant> here, Attendant one, DateTimeOffset now)
    {
        // One that owes an answer since long gets no more time by another's coming.
        var since = one.Probe == 0 ? now : one.ProbedAt;
        here[here.IndexOf(one)] = one with { Probe = ++lastProbe, ProbedAt = since };
        return new Probed(one.Session, lastProbe);
    }

    /// <summary>
    /// A frame came. Returns the session itself when it speaks on and long owes an answer: it is let go, with no word of a copy.
    /// </summary>
    public IReadOnlyList<Ended> Heard(long session, DateTimeOffset now)
    {
        if (Find(session) is not { Probe: not 0 } speaker || now - speaker.ProbedAt < LinkProtocol.DeadAfter) return [];
        return [new Ended(session, "replaced", "another session of this node came, and this one did not say that it lives")];
    }

    /// <summary>
    /// The answer to a probe came: two processes are at work with one key. Returns the sessions to be ended; null when it answers nothing.
    /// </summary>
    public IReadOnlyList<Ended>? Answered(long session, long number, DateTimeOffset now)
    {
        if (Find(session) is not { } speaker || speaker.Probe == 0 || speaker.Probe != number) return null;
        var here = present[sessions[session]];
        var at = here.IndexOf(speaker);
        here[at] = speaker with { Probe = 0 };
        var rivals = here.Skip(at + 1).Where(one => one.KeyId == speaker.KeyId && one.Boot != speaker.Boot).ToList();
        var node = sessions[session];
        Sight(node, speaker.KeyId, CloneSign.TwoSessions, now);
        IEnumerable<long> losers = policy switch
        {
            // The other one has left meanwhile.
            _ when rivals.Count == 0 => [],
            TwoSessionsPolicy.NewestStays => [session],
            TwoSessionsPolicy.OldestStays => rivals.Select(one => one.Session),
            _ => rivals.Select(one => one.Session).Append(session),
        };
        return [.. losers.Select(loser => new Ended(loser, "two-sessions",
            $"'{node}' is at work twice with one key: one of them is a copy; replace the site, or stop the copy"))];
    }

    private Attendant? Find(long session) =>
        sessions.TryGetValue(session, out var node) ? present[node].Find(one => one.Session == session) : null;

    /// <summary>A session is over.</summary>
    public void Left(long session)
    {
        if (!sessions.Remove(session, out var node)) return;
        present[node].RemoveAll(one => one.Session == session);
        if (present[node].Count == 0) present.Remove(node);
    }

    /// <summary>A key was refused because its successor stands in the record. True when that is the sign of a copy.</summary>
    /// <param name="session">As in <see cref="Joined"/>.</param>
    /// <param name="node">Whose key.</param>
    /// <param name="keyId">Which one.</param>
    /// <param name="successor">The key in the record.</param>
    /// <param name="now">By the parent's clock.</param>
    public bool RefusedOldKey(long session, NodeName node, string keyId, string successor, DateTimeOffset now)
    {
        // Before the successor was in use here, the node itself may not have heard of its new record yet.
        if (keyInUse.GetValueOrDefault(node) is not (string used, var since) || used != successor || session < since)
            return false;
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
