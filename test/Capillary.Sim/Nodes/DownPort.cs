using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>What a parent does with what its children send.</summary>
/// <param name="TakeReport">Calls back with null when the report is kept, else with why it never will be.</param>
/// <param name="HeardOf">These sites live.</param>
/// <param name="Blob">The bytes of a blob; null when it is not here.</param>
internal sealed record DownHandlers(
    Action<Envelope, NodeRecord, Action<string?>> TakeReport, Action<IReadOnlyList<SiteId>> HeardOf, Func<Digest, byte[]?> Blob);

/// <summary>
/// The parent's side of all links of a node, as <c>ParentServer</c> and <c>ServedSession</c> carry out real <see cref="ParentSession"/>s.
/// </summary>
internal sealed class DownPort(Process owner, SimNode self, DesiredState first, DownHandlers handlers)
{
    private readonly List<Served> open = [];
    private bool told = true;

    /// <summary>Changes what goes out to a child; an evil region's hand. Null result: withheld.</summary>
    public Func<LinkEnd, Frame, IEnumerable<Frame>> Outgoing { get; set; } = (_, frame) => [frame];

    public DesiredState State { get; private set; } = first;

    private sealed record Served(LinkEnd End, ParentSession Session)
    {
        public DateTimeOffset HeardAt { get; set; }
    }

    public void Update(Func<DesiredState, DesiredState> change)
    {
        State = change(State);
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
        var served = new Served(end, new ParentSession(end.Peer.Node.Key.Public.Id)) { HeardAt = self.World.Now };
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

    private void Take(Served served, Wire wire)
    {
        switch (wire)
        {
            case Wire.Cut:
                open.Remove(served);
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
            Decide(served, state => served.Session.OnFrame(frame, state));
        }
        catch (ProtocolException)
        {
            End(served);
        }
    }

    private void Decide(Served served, Func<DesiredState, IEnumerable<ParentOutput>> decide)
    {
        foreach (var output in decide(State).ToList())
        {
            if (!served.End.Open) return;
            switch (output)
            {
                case ParentOutput.Send send: Send(served, send.Frame); break;
                case ParentOutput.Take take:
                    handlers.TakeReport(take.Report, take.From, refused => Taken(served, take.Report, refused));
                    break;
                case ParentOutput.HeardOf heard: handlers.HeardOf(heard.Sites); break;
                case ParentOutput.Close: End(served); break;
            }
        }
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
        open.Remove(served);
    }
}
