using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Protocol;

/// <summary>The hub of the model: decides lines, moves and beacons, and signs them.</summary>
internal sealed class ModelHub
{
    private readonly SortedDictionary<SiteId, (RegionId Region, Assignment Line)> sites = [];
    private DateTimeOffset clock = TestFleet.Issued;
    private long generation;

    public ModelHub(IEnumerable<NodeRecord> regions, IEnumerable<NodeRecord> records)
    {
        State = new DesiredState([SignedGoldens.Root1], TestSessions.Signed(TestFleet.HubRecord), null,
            regions.Concat(records).ToImmutableDictionary(record => record.Node, TestSessions.Signed), [], 0, []);
        foreach (var record in records) sites[new(record.Node.Value)] = (record.Region!.Value, TestFleet.Line(new(record.Node.Value), 1));
        Publish();
    }

    public DesiredState State { get; private set; }

    public RegionId RegionOf(SiteId site) => sites[site].Region;

    public void Change(IEnumerable<SiteId> some, string bundle)
    {
        foreach (var site in some.ToList()) sites[site] = (sites[site].Region, TestFleet.Line(site, generation + 1, bundle));
        Publish();
    }

    public void Move(SiteId site, RegionId region)
    {
        var held = State.Records[new(site.Value)].Record;
        var moved = TestSessions.Signed(held with { Region = region, Version = held.Version + 1 });
        sites[site] = (region, sites[site].Line with { Since = generation + 1 });
        State = State with { Records = State.Records.SetItem(moved.Record.Node, moved) };
        Publish();
    }

    public void Beat()
    {
        clock = clock.AddMinutes(5);
        var checkpoint = State.Lines.Values.First().Checkpoint.Digest;
        State = State with { Beacon = TestFleet.Sign(new Beacon(1, TestFleet.Name, clock, generation, checkpoint, [])) };
    }

    // Lines keep the checkpoint under which they last changed, as at a hub that proves no more than it must.
    private void Publish()
    {
        generation++;
        var plan = sites.Values.Select(site => site.Line).ToList();
        var signed = TestFleet.Signed(generation, plan);
        var lines = State.Lines;
        for (var i = 0; i < plan.Count; i++)
        {
            if (plan[i].Since != generation && lines.ContainsKey(plan[i].Site)) continue;
            lines = lines.SetItem(plan[i].Site, new OfferedLine(plan[i], sites[plan[i].Site].Region, TestFleet.Proof(plan, i), signed));
        }
        State = State with { Lines = lines, Generation = generation };
    }
}

/// <summary>A child of the model: what survives a session.</summary>
internal abstract class ModelChild(NodeRecord record)
{
    public NodeRecord Record { get; } = record;

    public TrustState Trust { get; private set; } = TrustState.Begin(SignedGoldens.Root1);

    public abstract ChildHello Hello();

    /// <summary>Carries an output out; false ends the session.</summary>
    public bool Carry(ChildOutput output)
    {
        if (output is ChildOutput.KeepTrust keep)
        {
            Trust = keep.Trust;
            OnTrust(keep);
        }
        if (output is ChildOutput.Lines lines) OnLines(lines);
        if (output is ChildOutput.Records records) OnRecords(records);
        return output is not ChildOutput.Fail;
    }

    protected virtual void OnTrust(ChildOutput.KeepTrust keep) { }

    protected abstract void OnLines(ChildOutput.Lines lines);

    protected abstract void OnRecords(ChildOutput.Records records);
}

/// <summary>A site: accepts its line or refuses it.</summary>
internal sealed class ModelSite(NodeRecord record) : ModelChild(record)
{
    public SiteId Id { get; } = new(record.Node.Value);

    public AcceptedLine Accepted { get; private set; } = AcceptedLine.None;

    public override ChildHello Hello() => new(Accepted.Generation, null, "model", "boot");

    protected override void OnLines(ChildOutput.Lines lines)
    {
        foreach (var line in lines.Items)
        {
            // A refusal is no failure of the model: a region that lags may offer an older line.
            if (Acceptance.Accept(Accepted, Id, lines.Checkpoint, line) is AcceptResult.Accepted accepted) Accepted = accepted.State;
        }
    }

    protected override void OnRecords(ChildOutput.Records records) => throw new InvalidOperationException("a site was sent records");
}

/// <summary>A region: keeps what it took and serves it again.</summary>
internal sealed class ModelRegion : ModelChild
{
    private readonly RegionId region;

    public ModelRegion(NodeRecord record) : base(record)
    {
        region = record.Region!.Value;
        State = new DesiredState([SignedGoldens.Root1], TestSessions.Signed(record), null,
            ImmutableDictionary<NodeName, SignedRecord>.Empty, [], 0, []);
    }

    public DesiredState State { get; private set; }

    public override ChildHello Hello() => new(State.Generation, DesiredState.DigestOf(State.Records.Values), "model", "boot");

    protected override void OnTrust(ChildOutput.KeepTrust keep) => State = State with
    {
        TrustRoots = [.. State.TrustRoots, .. keep.NewRoots],
        Beacon = keep.Trust.BeaconEnvelope,
        Revocations = [.. keep.Trust.Beacon?.Revocations ?? []],
    };

    protected override void OnRecords(ChildOutput.Records records)
    {
        var held = records.Full ? ImmutableDictionary<NodeName, SignedRecord>.Empty : State.Records;
        foreach (var item in records.Items) held = held.SetItem(item.Record.Node, item);
        State = State with { Records = held, Lines = State.Lines.RemoveRange(State.Lines.Keys.Where(site => !held.ContainsKey(new(site.Value)))) };
    }

    protected override void OnLines(ChildOutput.Lines lines)
    {
        var checkpoint = lines.Checkpoint.Checkpoint;
        var held = State.Lines;
        foreach (var line in lines.Items)
        {
            if (!MerkleTree.Verify(MerkleTree.HashLeaf(line.Leaf), line.Index, checkpoint.Size, line.Path, checkpoint.Root))
                throw new InvalidOperationException("a genuine proof does not hold");
            var assignment = Assignment.Parse(line.Leaf);
            held = held.SetItem(assignment.Site, new OfferedLine(assignment, region, line, lines.Checkpoint));
        }
        State = State with { Lines = held, Generation = lines.Complete ? Math.Max(State.Generation, checkpoint.Generation) : State.Generation };
    }
}

/// <summary>One session of the model, with frames on their way as bytes; whoever holds it decides when one arrives.</summary>
internal sealed class ModelLink
{
    private readonly ModelChild child;
    private readonly Func<DesiredState> offered;
    private readonly ParentSession parent;
    private readonly ChildSession session;
    private readonly Queue<byte[]> up = [];
    private readonly Queue<byte[]> down = [];

    public ModelLink(ModelChild child, NodeRecord above, Func<DesiredState> offered)
    {
        (this.child, this.offered) = (child, offered);
        parent = new ParentSession(child.Record.IdentityKey.Id);
        session = new ChildSession(child.Record.Node, child.Trust, above.IdentityKey.Id, child.Hello);
        FromChild(session.Start(TestSessions.Now));
    }

    public bool Alive { get; private set; } = true;

    public bool Busy => Alive && up.Count + down.Count > 0;

    /// <summary>One frame arrives, if one is on its way.</summary>
    public void Deliver(bool upwards)
    {
        if (!Alive) return;
        if (upwards && up.TryDequeue(out var frame)) FromParent(parent.OnFrame(Frame.Parse(frame), offered()));
        else if (!upwards && down.TryDequeue(out frame)) FromChild(session.OnFrame(Frame.Parse(frame), TestSessions.Now));
    }

    /// <summary>The parent compares with the newest state.</summary>
    public void Compare()
    {
        if (Alive) FromParent(parent.OnState(offered()));
    }

    private void FromChild(IEnumerable<ChildOutput> outputs)
    {
        foreach (var output in outputs)
        {
            if (output is ChildOutput.Send send) up.Enqueue(send.Frame.ToBytes());
            if (!child.Carry(output)) Alive = false;
        }
    }

    private void FromParent(IEnumerable<ParentOutput> outputs)
    {
        foreach (var output in outputs)
        {
            if (output is ParentOutput.Send send) down.Enqueue(send.Frame.ToBytes());
            if (output is ParentOutput.Close) Alive = false;
        }
    }
}
