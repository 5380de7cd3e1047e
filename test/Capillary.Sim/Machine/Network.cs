using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Machine;

/// <summary>What goes over a connection: frames of the session stream, and content beside it.</summary>
internal abstract record Wire
{
    private Wire() { }

    /// <summary>One frame as it is sent.</summary>
    public sealed record Framed(byte[] Bytes) : Wire;

    /// <summary>One frame that is not serialised (cheap mode).</summary>
    public sealed record Whole(Frame Frame) : Wire;

    /// <summary>GET of a blob.</summary>
    public sealed record Ask(Digest Blob) : Wire;

    /// <summary>Its bytes; null when it is not here.</summary>
    public sealed record Answer(Digest Blob, byte[]? Content) : Wire;

    /// <summary>The other side closed, or is there no longer.</summary>
    public sealed record Cut : Wire;
}

/// <summary>One side of a connection. Order is kept in each direction; nothing is lost but with the connection itself.</summary>
internal sealed class LinkEnd(Network network, SimNode node, (SimNode Child, SimNode Parent) pair, string keyId)
{
    private readonly int life = node.Life;
    private DateTimeOffset lastArrival;

    public SimNode Node => node;

    /// <summary>Id of the key that this side proved when the connection was made.</summary>
    public string KeyId => keyId;

    /// <summary>Who dialled whom.</summary>
    public (SimNode Child, SimNode Parent) Pair => pair;

    public LinkEnd Peer { get; set; } = null!;

    public bool Open { get; private set; } = true;

    /// <summary>Takes what arrives.</summary>
    public Action<Wire> Receive { get; set; } = _ => { };

    /// <summary>The process that opened it still runs.</summary>
    public bool Owned => node.Life == life && node.IsUp;

    public void Send(Wire wire)
    {
        if (Open) Queue(wire);
    }

    /// <summary>The machine answers for a session that is over here: its peer is told so, after all that went before.</summary>
    public void Reset() => Queue(new Wire.Cut());

    private void Queue(Wire wire)
    {
        var arrival = network.Arrival();
        if (arrival < lastArrival) arrival = lastArrival;
        lastArrival = arrival;
        network.Carry(this, wire, arrival);
    }

    /// <summary>Closes this side; the peer learns of it when it can be reached.</summary>
    public void Close()
    {
        if (!Open) return;
        Send(new Wire.Cut());
        Open = false;
    }

    /// <summary>The process is gone without a word.</summary>
    public void Vanish() => Open = false;
}

/// <summary>
/// Connections between children and parents. In a partition what was sent waits, as TCP would send it again; who is silent for too long is
/// given up by the sessions themselves.
/// </summary>
internal sealed class Network(Schedule schedule, Prng chance)
{
    private readonly HashSet<(SimNode, SimNode)> partitioned = [];
    private readonly Dictionary<(SimNode, SimNode), List<(LinkEnd To, Wire Wire)>> stalled = [];
    private readonly List<LinkEnd> ends = [];

    /// <summary>Frames and blobs that arrived.</summary>
    public long Delivered { get; private set; }

    public bool IsPartitioned(SimNode child, SimNode parent) => partitioned.Contains((child, parent));

    public DateTimeOffset Arrival() => schedule.Now + chance.Between(0.002, chance.Chance(0.02) ? 1.5 : 0.08);

    /// <summary>Connects; null when the parent cannot be reached.</summary>
    public void Dial(SimNode child, SimNode parent, string keyId, Action<LinkEnd?> answer)
    {
        var unreachable = IsPartitioned(child, parent) || !parent.IsUp;
        var wait = unreachable && chance.Chance(0.7) ? chance.Between(3, 10) : chance.Between(0.01, 0.3);
        schedule.After(wait, () => answer(Connect(child, parent, keyId)));
    }

    /// <summary>Told of each frame or blob that arrived.</summary>
    public Action<LinkEnd> Arrived { get; set; } = _ => { };

    public void Carry(LinkEnd from, Wire wire, DateTimeOffset arrival) =>
        schedule.After(arrival - schedule.Now, () => Deliver(from.Peer, wire));

    /// <summary>Loses every connection between these two; both learn of it.</summary>
    public void CutSessions(SimNode child, SimNode parent)
    {
        foreach (var end in ends.Where(end => end.Open && end.Pair == (child, parent)).ToList())
        {
            foreach (var side in (LinkEnd[])[end, end.Peer])
            {
                side.Vanish();
                if (side.Owned) side.Receive(new Wire.Cut());
            }
        }
    }

    /// <summary>All partitions end.</summary>
    public void HealAll()
    {
        foreach (var (child, parent) in partitioned.OrderBy(pair => pair.Item1.Label + pair.Item2.Label, StringComparer.Ordinal).ToList())
            Heal(child, parent);
    }

    public void Partition(SimNode child, SimNode parent) => partitioned.Add((child, parent));

    public void Heal(SimNode child, SimNode parent)
    {
        if (!partitioned.Remove((child, parent)) || !stalled.Remove((child, parent), out var waiting)) return;
        foreach (var (to, wire) in waiting) schedule.After(TimeSpan.Zero, () => Deliver(to, wire));
    }

    private LinkEnd? Connect(SimNode child, SimNode parent, string keyId)
    {
        if (IsPartitioned(child, parent) || parent.ShownKeyId is not { } shown || !child.IsUp) return null;
        ends.RemoveAll(end => !end.Open && !end.Peer.Open);
        var (down, up) = (new LinkEnd(this, child, (child, parent), keyId), new LinkEnd(this, parent, (child, parent), shown));
        (down.Peer, up.Peer) = (up, down);
        ends.Add(down);
        parent.Accept(up);
        return down;
    }

    private void Deliver(LinkEnd to, Wire wire)
    {
        if (partitioned.Contains(to.Pair))
        {
            if (!stalled.TryGetValue(to.Pair, out var waiting)) stalled[to.Pair] = waiting = [];
            waiting.Add((to, wire));
            return;
        }
        if (!to.Node.IsUp) return;
        if (!to.Open || !to.Owned)
        {
            if (wire is not Wire.Cut) to.Reset();
            return;
        }
        Delivered++;
        Arrived(to);
        if (wire is Wire.Cut) to.Vanish();
        to.Receive(wire);
    }
}
