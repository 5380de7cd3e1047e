using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>
/// The child's side of a link, as <c>ParentLink</c> and <c>CarriedSession</c> carry out what a real <see cref="ChildSession"/> decides:
/// dial each parent in turn, prove, keep one session live, send what waits, dial again for ever.
/// </summary>
internal sealed class UpLink(Process owner, SimNode self, Func<IReadOnlyList<SimNode>> joined, Identity identity, TrustState trust,
    ChildHandlers handlers)
{
    private readonly World world = self.World;
    private readonly Backoff backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15), self.Chance.Unit);
    private readonly Waiting outbox = new();
    private readonly Dictionary<Digest, Action<byte[]?>> asked = [];
    private readonly Queue<SimNode> round = [];
    private SimNode? lastGood;
    private SimNode? parent;
    private SigningKey shown = identity.Keys.Current;
    private bool triedOther;
    private bool wasGood;
    private ChildSession? session;
    private LinkEnd? end;
    private DateTimeOffset? liveSince;

    /// <summary>What it trusts by now.</summary>
    public TrustState Trust { get; private set; } = trust;

    public bool IsLive => liveSince is not null;

    /// <summary>The parent of the live session.</summary>
    public SimNode? LiveParent => IsLive ? parent : null;

    /// <summary>Reports that no parent has taken yet.</summary>
    public int Reports => outbox.Reports;

    /// <summary>Dials each parent once, until one was good.</summary>
    public void Dial()
    {
        if (owner.IsOver) return;
        wasGood = false;
        foreach (var next in Order()) round.Enqueue(next);
        DialNext();
    }

    /// <summary>Once a second.</summary>
    public void Tick()
    {
        if (session is not null) Carry(session.OnTick(self.Clock));
        if (liveSince + Backoff.ProvenAfter <= world.Now) lastGood = parent;
    }

    public void Put(SiteId site, Envelope report)
    {
        outbox.Put(site, report);
        SendWaiting();
    }

    public void PutSuccession(NodeName node, Envelope succession)
    {
        outbox.PutSuccession(node, succession);
        SendWaiting();
    }

    public void PutEvents(SiteId site, Envelope batch, long incarnation, long lastSeq)
    {
        outbox.PutEvents(site, batch, incarnation, lastSeq);
        SendWaiting();
    }

    /// <summary>Sends what is new of anything that is told upward.</summary>
    public void SendWaiting()
    {
        if (!IsLive) return;
        foreach (var frame in outbox.Unsent(handlers.Clones()).ToList()) Send(frame);
    }

    /// <summary>These sites live, if the link does.</summary>
    public void SayAlive(IReadOnlyList<SiteId> sites)
    {
        if (IsLive && sites.Count > 0) Send(new Frame.Alive(sites));
    }

    /// <summary>One blob of the parent, or null; answers exactly once.</summary>
    public void Ask(Digest blob, Action<byte[]?> answer)
    {
        if (!IsLive || asked.ContainsKey(blob))
        {
            owner.After(TimeSpan.FromMilliseconds(100), () => answer(null));
            return;
        }
        asked[blob] = answer;
        end!.Send(new Wire.Ask(blob));
    }

    public void Drop(bool tell)
    {
        if (tell) end?.Close();
        else end?.Vanish();
    }

    private IEnumerable<SimNode> Order()
    {
        var signed = (identity.Record.Record.Parents ?? []).Select(address => EndPoint(address.Split(':')[0])).ToList();
        var last = lastGood is null ? null : EndPoint(lastGood.Label);
        return ParentOrder.Of(last, signed, [.. joined().Select(node => EndPoint(node.Label))]).Select(place => world.Parent(place.Host));
    }

    private static DnsEndPoint EndPoint(string host) => new(host, World.Port);

    private void DialNext()
    {
        if (wasGood || !round.TryDequeue(out var next))
        {
            round.Clear();
            owner.After(backoff.Next(), Dial);
            return;
        }
        triedOther = false;
        Dial(next);
    }

    private void Dial(SimNode next)
    {
        (parent, shown) = (next, identity.Keys.ForDial(next.Label));
        world.Network.Dial(self, next, shown.Public.Id, answer =>
        {
            if (owner.IsOver) answer?.Close();
            else self.Guard(() => Dialled(answer));
        });
    }

    private void Dialled(LinkEnd? answer)
    {
        if (answer is null)
        {
            Ended("no answer");
            return;
        }
        end = answer;
        end.Receive = wire =>
        {
            if (!owner.IsOver) self.Guard(() => Take(wire));
        };
        outbox.Again();
        session = new ChildSession(self.Name, Trust, end.Peer.KeyId, handlers.Hello,
            identity.Record.Record.Kind);
        Carry(session.Start(self.Clock));
    }

    private void Take(Wire wire)
    {
        switch (wire)
        {
            case Wire.Cut:
                Ended("cut");
                break;
            case Wire.Answer answer:
                if (asked.Remove(answer.Blob, out var waiting)) waiting(answer.Content);
                break;
            case var framed when session is not null:
                TakeFrame(framed);
                break;
        }
    }

    private void TakeFrame(Wire wire)
    {
        try
        {
            Carry(session!.OnFrame(Process.ToFrame(wire)!, self.Clock));
        }
        catch (ProtocolException e)
        {
            Fail($"{e.Code}");
        }
        catch (IOException)
        {
            // The disk is full: what had to be durable is not, so the session ends and all of it comes again.
            Fail("disk full");
        }
    }

    private void Carry(IEnumerable<ChildOutput> outputs)
    {
        foreach (var output in outputs)
        {
            if (session is null) return;
            switch (output)
            {
                case ChildOutput.Send send: Send(send.Frame); break;
                case ChildOutput.KeepTrust keep: Keep(keep); break;
                case ChildOutput.Live: Live(); break;
                case ChildOutput.Lines lines: handlers.Lines(lines.Checkpoint, lines.Items, lines.Complete); break;
                case ChildOutput.Records records: handlers.Records(records.Items, records.Full, records.Complete); break;
                case ChildOutput.EventsKept kept:
                    outbox.EventsKept(kept);
                    handlers.EventsKept(kept);
                    break;
                case ChildOutput.Acked acked: Acknowledge(acked.Report, acked.Refused); break;
                case ChildOutput.Fail fail: Fail(fail.Code); break;
            }
        }
    }

    private void Send(Frame frame)
    {
        end!.Send(Process.ToWire(frame, world.Options.CheapFrames));
        if (frame is Frame.Beat) SayAlive(handlers.Alive());
    }

    private void Keep(ChildOutput.KeepTrust keep)
    {
        // A region may have lost what it acknowledged: at each beacon a succession that waits is said again.
        outbox.SuccessionsAgain();
        handlers.KeepTrust(keep.Trust, keep.NewRoots);
        Trust = keep.Trust;
    }

    private void Live()
    {
        liveSince = world.Now;
        owner.Note($"is linked to {parent!.Name}");
        handlers.Live(new LinkStatus(true, world.Now, null));
        // Before the reports that waited: what is told late is no sign of life.
        SayAlive(handlers.Alive());
        SendWaiting();
    }

    private void Acknowledge(Digest report, string? refused)
    {
        if (refused is not null) owner.Note("has something refused");
        outbox.Acknowledge(report);
    }

    private void Fail(string code)
    {
        end?.Close();
        Ended(code);
    }

    private void Ended(string why)
    {
        var lived = world.Now - liveSince;
        (session, end, liveSince) = (null, null, null);
        if (lived is not null || why != "no answer") owner.Note($"is unlinked from {parent!.Name}: {why}");
        var failed = asked.Values.ToList();
        asked.Clear();
        foreach (var answer in failed) answer(null);
        // Of two keys of a succession the parent knows one; and a new record may have made the other one the right one.
        var other = identity.Keys.Ended(parent!.Label, shown, why is "not-enrolled" or "old-key") || identity.Keys.ForDial(parent!.Label) != shown;
        if (lived is { } time)
        {
            backoff.Lived(time);
            wasGood |= time >= Backoff.ProvenAfter;
        }
        if (!other || triedOther)
        {
            owner.After(TimeSpan.FromMilliseconds(1), DialNext);
            return;
        }
        triedOther = true;
        Dial(parent!);
    }
}
