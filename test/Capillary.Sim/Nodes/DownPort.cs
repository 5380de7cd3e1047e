using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Parent;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>What a parent does with what its children send.</summary>
/// <param name="TakeReport">Calls back with null when the report is kept, else with why it never will be.</param>
/// <param name="HeardOf">These sites live.</param>
/// <param name="Blob">The bytes of a blob; null when it is not here.</param>
/// <param name="Succeed">Calls back as for a report.</param>
/// <param name="TakeEvents">Calls back with what the hub keeps.</param>
/// <param name="Sighted">All signs of copied keys that this parent saw.</param>
internal sealed record DownHandlers(
    Action<Envelope, NodeRecord, Action<string?>> TakeReport, Action<IReadOnlyList<SiteId>> HeardOf, Func<Digest, byte[]?> Blob,
    Action<Envelope, NodeRecord, Action<string?>> Succeed, Action<Envelope, NodeRecord, EventsAnswer> TakeEvents,
    Action<IReadOnlyList<CloneSighting>> Sighted)
{
    /// <summary>The hub: signs of copied keys that a region saw.</summary>
    public Action<IReadOnlyList<CloneSighting>> SightedBelow { get; init; } = _ => { };
}

/// <summary>
/// The parent's side of all links of a node, as <c>ParentServer</c> and <c>ServedSession</c> carry out real <see cref="ParentSession"/>s,
/// with the real <see cref="Attendance"/> watching for copies.
/// </summary>
internal sealed class DownPort(Process owner, SimNode self, DesiredState first, DownHandlers handlers)
{
    private readonly Attendance attendance = new(TwoSessionsPolicy.NewestStays, handlers.Sighted, self.World.Time);
    private readonly List<Served> open = [];
    private bool told = true;

    /// <summary>Changes what goes out to a child; an evil region's hand. Null result: withheld.</summary>
    public Func<LinkEnd, Frame, IEnumerable<Frame>> Outgoing { get; set; } = (_, frame) => [frame];

    public DesiredState State { get; private set; } = first;

    /// <summary>Every session has seen the newest state.</summary>
    public bool IsSettled => told;

    /// <summary>Whose sessions are live, and with which key.</summary>
    public IEnumerable<(NodeName Child, string KeyId)> Live =>
        open.Where(served => served.End.Open && served.Session.Child is not null)
            .Select(served => (served.Session.Child!.Node, served.End.Peer.KeyId));

    private sealed record Served(LinkEnd End, ParentSession Session, long Opened)
    {
        public DateTimeOffset HeardAt { get; set; }

        public long? Attending { get; set; }
    }

    public void Update(Func<DesiredState, DesiredState> change)
    {
        State = change(State);
        self.World.Safety.Offered(self, State);
        if (!told) return;
        told = false;
        owner.After(self.Chance.Between(0.001, 0.02), () =>
        {
            told = true;
            foreach (var served in open.ToList()) Decide(served, state => served.Session.OnState(state));
        });
    }

    public void Accept(LinkEnd end)
    {
        var served = new Served(end, new ParentSession(KeyOf(end)), attendance.Opened()) { HeardAt = self.World.Now };
        open.Add(served);
        end.Receive = wire =>
        {
            if (!owner.IsOver) self.Guard(() => Take(served, wire));
        };
    }

    /// <summary>Once a second: ends sessions of silent children.</summary>
    public void Tick()
    {
        foreach (var served in open.Where(served => self.World.Now - served.HeardAt > LinkProtocol.DeadAfter).ToList()) End(served);
    }

    public void Drop(bool tell)
    {
        foreach (var served in open)
        {
            if (tell) served.End.Close();
            else served.End.Vanish();
        }
    }

    private string KeyOf(LinkEnd end)
    {
        if (self.World.Broken != Mutation.ParentAcceptsOldKey) return end.Peer.KeyId;
        var successor = State.Records.Values.FirstOrDefault(item => item.Record.Previous == end.Peer.KeyId);
        return successor?.Record.IdentityKey.Id ?? end.Peer.KeyId;
    }

    private void Take(Served served, Wire wire)
    {
        switch (wire)
        {
            case Wire.Cut:
                Leave(served);
                break;
            case Wire.Ask ask:
                served.End.Send(new Wire.Answer(ask.Blob, served.Session.Child is null ? null : handlers.Blob(ask.Blob)));
                break;
            default:
                TakeFrame(served, wire);
                break;
        }
    }

    private void TakeFrame(Served served, Wire wire)
    {
        try
        {
            served.HeardAt = self.World.Now;
            var frame = Process.ToFrame(wire)!;
            if (served.Attending is { } attending) attendance.Heard(attending, frame);
            if (served.End.Open) Decide(served, state => served.Session.OnFrame(frame, state));
        }
        catch (ProtocolException)
        {
            End(served);
        }
    }

    private void Decide(Served served, Func<DesiredState, IEnumerable<ParentOutput>> decide)
    {
        var outputs = decide(State).ToList();
        if (outputs.OfType<ParentOutput.Close>().Any(Keeps)) return;
        foreach (var output in outputs)
        {
            if (!served.End.Open) return;
            switch (output)
            {
                case ParentOutput.Send send: Send(served, send.Frame); break;
                case ParentOutput.Joined joined: Join(served, joined); break;
                case ParentOutput.Take take: handlers.TakeReport(take.Report, take.From, refused => Taken(served, take.Report, refused)); break;
                case ParentOutput.HeardOf heard: handlers.HeardOf(heard.Sites); break;
                case ParentOutput.Succeed up: handlers.Succeed(up.Succession, up.From, refused => Taken(served, up.Succession, refused)); break;
                case ParentOutput.TakeEvents events: handlers.TakeEvents(events.Batch, events.From, ack => Send(served, ack)); break;
                case ParentOutput.OldKeyShown shown:
                    attendance.RefusedOldKey(served.Opened, shown.Record.Node, served.End.Peer.KeyId, shown.Record.IdentityKey.Id);
                    break;
                case ParentOutput.Sighted sighted: handlers.SightedBelow(sighted.Sightings); break;
                case ParentOutput.Close: End(served); break;
            }
        }
    }

    private bool Keeps(ParentOutput.Close close) =>
        self.World.Broken == Mutation.ParentKeepsRevokedSessions && close.Reason.StartsWith("revoked", StringComparison.Ordinal);

    private void Join(Served served, ParentOutput.Joined joined)
    {
        served.Attending = served.Opened;
        attendance.Joined(served.Opened, joined.Child.Node, served.End.Peer.KeyId, joined.Boot, (code, text) =>
        {
            Send(served, new Frame.Refusal(code, text));
            End(served);
        }, number => Send(served, new Frame.Probe(number)));
        self.World.Safety.Joined(self, joined.Child.Node, served.End.Peer);
    }

    private void Taken(Served served, Envelope report, string? refused)
    {
        if (ParentSession.OnTaken(report, refused) is ParentOutput.Send send) Send(served, send.Frame);
    }

    private void Send(Served served, Frame frame)
    {
        foreach (var outgoing in Outgoing(served.End, frame)) served.End.Send(Process.ToWire(outgoing, self.World.Options.CheapFrames));
    }

    private void End(Served served)
    {
        served.End.Close();
        Leave(served);
    }

    private void Leave(Served served)
    {
        open.Remove(served);
        if (served.Attending is { } attending) attendance.Left(attending);
        served.Attending = null;
    }
}
