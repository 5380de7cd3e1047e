using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>
/// The child's side of a link, as <c>ParentLink</c> and <c>CarriedSession</c> carry out what a real <see cref="ChildSession"/> decides:
/// dial, prove, keep one session live, send what waits, dial again for ever.
/// </summary>
internal sealed class UpLink(Process owner, SimNode self, SimNode parent, TrustState trust, ChildHandlers handlers)
{
    private readonly World world = self.World;
    private readonly Backoff backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), self.Chance.Unit);
    private readonly SortedDictionary<SiteId, Envelope> outbox = [];
    private readonly HashSet<Digest> sent = [];
    private readonly Dictionary<Digest, Action<byte[]?>> asked = [];
    private ChildSession? session;
    private LinkEnd? end;
    private DateTimeOffset? liveSince;

    /// <summary>What it trusts by now.</summary>
    public TrustState Trust { get; private set; } = trust;

    public bool IsLive => liveSince is not null;

    /// <summary>Reports that no parent has taken yet.</summary>
    public int Waiting => outbox.Count;

    public void Dial()
    {
        if (owner.IsOver) return;
        world.Network.Dial(self, parent, answer =>
        {
            if (owner.IsOver) answer?.Close();
            else self.Guard(() => Dialled(answer));
        });
    }

    /// <summary>Once a second.</summary>
    public void Tick()
    {
        if (session is not null) Carry(session.OnTick(self.Clock));
    }

    /// <summary>The newest report of a site replaces the one that waits.</summary>
    public void Put(SiteId site, Envelope report)
    {
        outbox[site] = report;
        SendReports();
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
        sent.Clear();
        session = new ChildSession(self.Name, Trust, parent.Key.Public.Id, handlers.Hello);
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
        handlers.KeepTrust(keep.Trust, keep.NewRoots);
        Trust = keep.Trust;
    }

    private void Live()
    {
        liveSince = world.Now;
        owner.Note($"is linked to {parent.Name}");
        handlers.Live(new LinkStatus(true, world.Now, null));
        // Before the reports that waited: what is told late is no sign of life.
        SayAlive(handlers.Alive());
        SendReports();
    }

    private void SendReports()
    {
        if (!IsLive) return;
        foreach (var report in outbox.Values.Where(report => sent.Add(report.Digest)).ToList()) Send(new Frame.ReportUp(report));
    }

    private void Acknowledge(Digest report, string? refused)
    {
        if (refused is not null) owner.Note("has a report refused");
        foreach (var site in outbox.Where(item => item.Value.Digest == report).Select(item => item.Key).ToList()) outbox.Remove(site);
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
        if (lived > TimeSpan.FromSeconds(5)) backoff.Reset();
        if (lived is not null || why != "no answer") owner.Note($"is unlinked: {why}");
        var failed = asked.Values.ToList();
        asked.Clear();
        foreach (var answer in failed) answer(null);
        owner.After(backoff.Next(), Dial);
    }
}
