using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.RegionNode;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Protocol;

/// <summary>A child of the model: what survives a session, and which process it is.</summary>
internal abstract class ModelChild(NodeRecord record, SigningKey key)
{
    private int starts;
    private SignedRecord? signed;

    /// <summary>The newest record it knows of itself.</summary>
    public NodeRecord Record { get; private set; } = record;

    public LinkKeys Keys { get; } = new(key);

    public TrustState Trust { get; private set; } = TrustState.Begin(SignedGoldens.Root1);

    /// <summary>Successions that wait for a session, by node: its own, and those it relays.</summary>
    public Dictionary<NodeName, Envelope> Successions { get; } = [];

    public abstract ChildHello Hello();

    protected string Boot => $"{Record.Node}/{starts}";

    /// <summary>The process ends and another begins; all that is durable stays.</summary>
    public void Restart()
    {
        starts++;
        Successions.Clear();
    }

    /// <summary>Carries an output out; false ends the session.</summary>
    public bool Carry(ChildOutput output)
    {
        if (output is ChildOutput.KeepTrust keep)
        {
            Trust = keep.Trust;
            OnTrust(keep);
        }
        if (output is ChildOutput.Lines lines) OnLines(lines);
        if (output is ChildOutput.Records records)
        {
            OnRecords(records);
            foreach (var own in records.Items.Where(item => item.Record.Node == Record.Node)) Take(own);
        }
        if (output is ChildOutput.Live or ChildOutput.Records or ChildOutput.KeepTrust) Succeed();
        return output is not ChildOutput.Fail;
    }

    protected Capillary.Core.Bundles.Digest? OwnDigest => signed is null ? null : DesiredState.DigestOf([signed]);

    protected virtual void OnTrust(ChildOutput.KeepTrust keep) { }

    protected abstract void OnLines(ChildOutput.Lines lines);

    protected abstract void OnRecords(ChildOutput.Records records);

    protected virtual void OnOwn(SignedRecord own) { }

    // As NodeIdentity does it.
    private void Take(SignedRecord own)
    {
        if (own.Record.Version <= Record.Version && signed is not null) return;
        var promotes = Keys.Next is { } next && next.Public.Equals(own.Record.IdentityKey);
        if (!promotes && !own.Record.IdentityKey.Equals(Keys.Current.Public)) throw new InvalidOperationException("a record without its key");
        (Record, signed) = (own.Record, own);
        if (promotes) Keys.Promote();
        if (Record.SuccessionDue && Keys.Next is null) Keys.Begin(SigningKey.Create());
        OnOwn(own);
    }

    private void Succeed()
    {
        if (Keys.Next is not { } next) return;
        var payload = new Succession(1, Record.Fleet, Record.Node, Keys.Current.Public, next.Public).ToPayload();
        Successions[Record.Node] = new Envelope(PayloadTypes.Succession, payload,
            [Keys.Current.SignatureOf(PayloadTypes.Succession, payload), next.SignatureOf(PayloadTypes.Succession, payload)]);
    }
}

/// <summary>A site: accepts its line or refuses it.</summary>
internal sealed class ModelSite(NodeRecord record, SigningKey key) : ModelChild(record, key)
{
    public SiteId Id { get; } = new(record.Node.Value);

    public AcceptedLine Accepted { get; private set; } = AcceptedLine.None;

    public override ChildHello Hello() => new(Accepted.Generation, OwnDigest, "model", Boot);

    protected override void OnLines(ChildOutput.Lines lines)
    {
        foreach (var line in lines.Items)
        {
            // A refusal is no failure of the model: a region that lags may offer an older line.
            if (Acceptance.Accept(Accepted, Id, lines.Checkpoint, line) is AcceptResult.Accepted accepted) Accepted = accepted.State;
        }
    }

    protected override void OnRecords(ChildOutput.Records records)
    {
        if (records.Items.Any(item => item.Record.Node != Record.Node)) throw new InvalidOperationException("a site was sent another's record");
    }
}

/// <summary>A region: keeps what it took and offers it again, as <see cref="RegionState"/> decides.</summary>
internal sealed class ModelRegion : ModelChild
{
    private readonly RegionId region;
    private readonly RegionState state;
    private HashSet<NodeName>? incoming;
    private VerifiedCheckpoint? newest;

    public ModelRegion(NodeRecord record, SigningKey key) : base(record, key)
    {
        region = record.Region!.Value;
        state = new RegionState(new DesiredState([SignedGoldens.Root1], TestSessions.Signed(record), null,
            ImmutableDictionary<NodeName, SignedRecord>.Empty, [], 0, []));
    }

    public DesiredState Held => state.Held;

    public DesiredState Offered => state.Cell.Value;

    public CloneWatch Watch { get; } = new(TwoSessionsPolicy.NewestStays);

    public override ChildHello Hello() =>
        new(newest?.Checkpoint.Generation ?? 0, DesiredState.DigestOf(Held.Records.Values), "model", Boot, newest?.Envelope);

    /// <summary>A site's succession goes on to the hub.</summary>
    public string? Relay(Envelope succession, NodeRecord from)
    {
        try
        {
            Successions[Succession.Verify(succession, from).Node] = succession;
            return null;
        }
        catch (TrustFormatException e)
        {
            return e.Message;
        }
    }

    protected override void OnTrust(ChildOutput.KeepTrust keep) => state.Update(held => held with
    {
        TrustRoots = [.. held.TrustRoots, .. keep.NewRoots],
        Beacon = keep.Trust.BeaconEnvelope,
        Revocations = [.. keep.Trust.Beacon?.Revocations ?? []],
    });

    protected override void OnOwn(SignedRecord own) => state.Update(held => held with { OwnRecord = own });

    // As Mirror does it.
    protected override void OnRecords(ChildOutput.Records records)
    {
        var newer = records.Items.Where(item => item.Record.Version > (Held.Records.GetValueOrDefault(item.Record.Node)?.Record.Version ?? 0));
        if (records.Full) incoming = [];
        incoming?.UnionWith(records.Items.Select(item => item.Record.Node));
        state.Update(held => held with { Records = held.Records.SetItems(newer.Select(item => KeyValuePair.Create(item.Record.Node, item))) });
        if (records.Complete && incoming is { } whole)
        {
            state.Update(held => held with { Records = held.Records.RemoveRange(held.Records.Keys.Where(node => !whole.Contains(node))) });
            incoming = null;
        }
        state.Update(held => held with
        {
            Lines = held.Lines.RemoveRange(held.Lines.Keys.Where(site => held.Records.GetValueOrDefault(new(site.Value))?.Record is not
                { State: RecordState.Active } one || one.Region != region)),
        });
    }

    protected override void OnLines(ChildOutput.Lines lines)
    {
        var checkpoint = lines.Checkpoint.Checkpoint;
        foreach (var line in lines.Items)
        {
            if (!MerkleTree.Verify(MerkleTree.HashLeaf(line.Leaf), line.Index, checkpoint.Size, line.Path, checkpoint.Root))
                throw new InvalidOperationException("a genuine proof does not hold");
            var assignment = Assignment.Parse(line.Leaf);
            state.Update(held => held with
            {
                Lines = held.Lines.SetItem(assignment.Site, new OfferedLine(assignment, region, line, lines.Checkpoint)),
            });
        }
        if (!lines.Complete || checkpoint.Generation <= (newest?.Checkpoint.Generation ?? 0)) return;
        newest = lines.Checkpoint;
        state.Complete(newest);
    }
}
