using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Tests.Core.Protocol;

/// <summary>A parent of the model, as its sessions see it.</summary>
internal sealed record ModelParent(string Address, Func<PublicKey> Key, Func<DesiredState> Offered, CloneWatch Watch,
    Func<Envelope, NodeRecord, string?> Succeed)
{
    private long lastSession;

    public Dictionary<long, ModelLink> Sessions { get; } = [];

    public long NextSession() => ++lastSession;
}

/// <summary>One session of the model, with frames on their way as bytes; whoever holds it decides when one arrives.</summary>
internal sealed class ModelLink
{
    private readonly ModelChild child;
    private readonly ModelParent above;
    private readonly SigningKey shown;
    private readonly ParentSession parent;
    private readonly ChildSession session;
    private readonly Queue<byte[]> up = [];
    private readonly Queue<byte[]> down = [];
    private readonly HashSet<Envelope> sent = [];
    private readonly long opened;
    private long attending;
    private bool served = true;

    public ModelLink(ModelChild child, ModelParent above)
    {
        (this.child, this.above, shown, opened) = (child, above, child.Keys.ForDial(above.Address), above.NextSession());
        parent = new ParentSession(shown.Public.Id);
        session = new ChildSession(child.Record.Node, child.Trust, above.Key().Id, child.Hello,
            child is ModelRegion ? NodeKind.Region : NodeKind.Site);
        FromChild(session.Start(TestSessions.Now));
    }

    /// <summary>The child holds it.</summary>
    public bool Alive { get; private set; } = true;

    /// <summary>It was live once.</summary>
    public bool WasLive { get; private set; }

    public bool Busy => (served && up.Count > 0) || (Alive && down.Count > 0);

    /// <summary>The child lost it; what it sent before may yet arrive.</summary>
    public void Cut(bool lost)
    {
        End(null);
        if (lost) EndServing();
    }

    /// <summary>The child says that it is there.</summary>
    public void Beat()
    {
        if (Alive && WasLive) up.Enqueue(Frame.Beat.Instance.ToBytes());
    }

    /// <summary>One frame arrives, if one is on its way.</summary>
    public void Deliver(bool upwards)
    {
        if (upwards && served && up.TryDequeue(out var frame)) FromParent(Frame.Parse(frame));
        else if (!upwards && Alive && down.TryDequeue(out frame)) FromChild(session.OnFrame(Frame.Parse(frame), TestSessions.Now));
    }

    /// <summary>The parent compares with the newest state, the child with what waits.</summary>
    public void Compare()
    {
        if (served) Carry(parent.OnState(above.Offered()));
        if (!Alive || !WasLive) return;
        foreach (var succession in child.Successions.Values.Where(one => sent.Add(one)))
            up.Enqueue(new Frame.SuccessionUp(succession).ToBytes());
    }

    private void FromChild(IEnumerable<ChildOutput> outputs)
    {
        foreach (var output in outputs)
        {
            if (output is ChildOutput.Send send) up.Enqueue(send.Frame.ToBytes());
            if (output is ChildOutput.Live) WasLive = true;
            if (output is ChildOutput.Acked acked)
            {
                foreach (var (node, _) in child.Successions.Where(item => item.Value.Digest == acked.Report).ToList())
                    child.Successions.Remove(node);
            }
            if (!child.Carry(output)) End(((ChildOutput.Fail)output).Code);
        }
    }

    private void FromParent(Frame frame)
    {
        if (attending != 0)
        {
            var losers = frame is Frame.Probe answer
                ? above.Watch.Answered(attending, answer.Number, TestSessions.Now)
                : above.Watch.Heard(attending, TestSessions.Now);
            foreach (var loser in losers ?? []) above.Sessions.GetValueOrDefault(loser.Session)?.Refuse(loser);
        }
        if (served) Carry(parent.OnFrame(frame, above.Offered()));
    }

    private void Carry(IEnumerable<ParentOutput> outputs)
    {
        foreach (var output in outputs.ToList())
        {
            switch (output)
            {
                case ParentOutput.Send send:
                    down.Enqueue(send.Frame.ToBytes());
                    break;
                case ParentOutput.Joined joined:
                    Join(joined);
                    break;
                case ParentOutput.OldKeyShown old:
                    above.Watch.RefusedOldKey(opened, old.Record.Node, shown.Public.Id, old.Record.IdentityKey.Id, TestSessions.Now);
                    break;
                case ParentOutput.Succeed succeed:
                    Carry([ParentSession.OnTaken(succeed.Succession, above.Succeed(succeed.Succession, succeed.From))]);
                    break;
                case ParentOutput.Close:
                    EndServing();
                    break;
            }
        }
    }

    private void Join(ParentOutput.Joined joined)
    {
        attending = opened;
        above.Sessions[attending] = this;
        var arrival = above.Watch.Joined(attending, joined.Child.Node, shown.Public.Id, joined.Boot, TestSessions.Now);
        foreach (var ended in arrival.Ended) above.Sessions[ended.Session].Refuse(ended);
        foreach (var probed in arrival.Probed) above.Sessions[probed.Session].down.Enqueue(new Frame.Probe(probed.Number).ToBytes());
    }

    private void Refuse(CloneWatch.Ended ended)
    {
        down.Enqueue(new Frame.Refusal(ended.Code, ended.Text).ToBytes());
        EndServing();
    }

    private void EndServing()
    {
        served = false;
        if (attending == 0) return;
        above.Watch.Left(attending);
        above.Sessions.Remove(attending);
        attending = 0;
    }

    private void End(string? code)
    {
        if (!Alive) return;
        Alive = false;
        child.Keys.Ended(above.Address, shown, code is "not-enrolled" or "old-key");
    }
}
