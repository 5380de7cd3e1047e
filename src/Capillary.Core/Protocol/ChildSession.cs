using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Protocol;

/// <summary>What a node trusts; durable before anything is believed on its ground.</summary>
/// <param name="Root">The newest trust root it verified.</param>
/// <param name="RootEnvelope">The envelope of that root.</param>
/// <param name="Beacon">The newest beacon it verified; null before the first.</param>
/// <param name="BeaconEnvelope">Its envelope.</param>
/// <param name="TimeFloor">The latest hub-signed time it has seen; its clock may not be believed below.</param>
public sealed record TrustState(TrustRoot Root, Envelope RootEnvelope, Beacon? Beacon, Envelope? BeaconEnvelope, DateTimeOffset TimeFloor)
{
    public static TrustState Begin(Envelope rootEnvelope) =>
        new(TrustChain.Begin(rootEnvelope), rootEnvelope, null, null, DateTimeOffset.MinValue);

    /// <exception cref="TrustFormatException">A link of the chain does not hold.</exception>
    public TrustState WithChain(IReadOnlyList<Envelope> chain)
    {
        var root = TrustChain.Extend(Root, chain);
        return root.Version == Root.Version
            ? this
            : this with { Root = root, RootEnvelope = chain.Last(envelope => TrustRoot.Parse(envelope).Version == root.Version) };
    }

    /// <summary>An older beacon than the one held is a replay and changes nothing.</summary>
    /// <exception cref="TrustFormatException">No beacon key signed it.</exception>
    public TrustState WithBeacon(Envelope envelope)
    {
        var beacon = Trust.Beacon.Verify(envelope, Root);
        return beacon.IssuedAt <= TimeFloor || beacon.Generation < (Beacon?.Generation ?? 0)
            ? this
            : this with { Beacon = beacon, BeaconEnvelope = envelope, TimeFloor = beacon.IssuedAt };
    }

    /// <summary>The beacon that this node kept; the beacon keys may have changed since.</summary>
    /// <exception cref="TrustFormatException">No beacon key of any of the roots signed it.</exception>
    public TrustState WithHeldBeacon(Envelope envelope, IReadOnlyList<Envelope> roots)
    {
        var beacon = TrustChain.UnderAny(roots, root => Trust.Beacon.Verify(envelope, root));
        return this with { Beacon = beacon, BeaconEnvelope = envelope, TimeFloor = beacon.IssuedAt };
    }

    /// <summary>Whether a key was revoked by the newest beacon.</summary>
    public bool IsRevoked(PublicKey key) => Beacon?.Revocations.Contains(key.Id) ?? false;
}

/// <summary>
/// What a <see cref="ChildSession"/> wants done, in order. A state must be durable before the next output is carried out.
/// </summary>
public abstract record ChildOutput
{
    private ChildOutput() { }

    /// <summary>Send this frame.</summary>
    public sealed record Send(Frame Frame) : ChildOutput;

    /// <summary>Keep this durably.</summary>
    public sealed record KeepTrust(TrustState Trust, IReadOnlyList<Envelope> NewRoots) : ChildOutput;

    /// <summary>The parent is proven and greeted; reports may flow.</summary>
    public sealed record Live(NodeRecord Parent) : ChildOutput;

    /// <summary>Lines under a verified checkpoint; their proofs are still to be verified by <see cref="Acceptance"/>.</summary>
    public sealed record Lines(VerifiedCheckpoint Checkpoint, IReadOnlyList<ProvenLine> Items, bool Complete) : ChildOutput;

    /// <summary>
    /// Verified records, this node's own among them; <paramref name="Full"/> begins a whole set, <paramref name="Complete"/> ends it.
    /// Records
    /// that come beside a whole set have neither, so that a set that was cut in an earlier session is never ended by them.
    /// </summary>
    public sealed record Records(IReadOnlyList<SignedRecord> Items, bool Full, bool Complete) : ChildOutput;

    /// <summary>The parent asks for the records held here; answer with <see cref="Frame.RecordSet"/>.</summary>
    public sealed record RecordsAsked : ChildOutput;

    /// <summary>The hub keeps this site's events up to this number.</summary>
    public sealed record EventsKept(SiteId Site, long Incarnation, long Seq) : ChildOutput;

    /// <summary>The parent keeps this report, or will never take it.</summary>
    public sealed record Acked(Digest Report, string? Refused) : ChildOutput;

    /// <summary>Close and dial again later.</summary>
    public sealed record Fail(string Code, string Reason) : ChildOutput;
}

/// <summary>What a child tells of itself in its hello.</summary>
/// <param name="Generation">Highest generation it has fully taken.</param>
/// <param name="Records">Digest of the records it holds: of its own, and (a region) of its sites.</param>
/// <param name="Agent">Its version.</param>
/// <param name="Boot">A random name of this process, 1 to 64 characters.</param>
/// <param name="Checkpoint">A region: the checkpoint of <paramref name="Generation"/>, which proves it.</param>
public sealed record ChildHello(long Generation, Digest? Records, string Agent, string Boot, Envelope? Checkpoint = null);

/// <summary>
/// The child's side of one session: synchronous. It asks for the trust chain, its parent's record and the beacon, and sends nothing else
/// before they hold.
/// </summary>
/// <param name="self">This node.</param>
/// <param name="trust">What it trusts now.</param>
/// <param name="parentKeyId">Id of the key that the parent proved in TLS.</param>
/// <param name="hello">Asked when the parent is proven.</param>
/// <param name="kind">What this node is. A region's parent is the hub and nobody else; a site's may be any region, as sites move.</param>
public sealed class ChildSession(NodeName self, TrustState trust, string parentKeyId, Func<ChildHello> hello,
    NodeKind kind = NodeKind.Site)
{
    private bool inWholeSet;
    private const int MaxCode = 40;
    private const int MaxText = 400;
    private DateTimeOffset? lastHeard;
    private DateTimeOffset lastBeat;
    private NodeRecord? parent;

    /// <summary>What it trusts by now.</summary>
    public TrustState Trust { get; private set; } = trust;

    public IEnumerable<ChildOutput> Start(DateTimeOffset now)
    {
        lastHeard = lastBeat = now;
        return [new ChildOutput.Send(new Frame.TrustQuery(LinkProtocol.Version, self, Trust.Root.Version))];
    }

    /// <summary>Call at least once a second: sends the heartbeat, ends a dead link.</summary>
    public IEnumerable<ChildOutput> OnTick(DateTimeOffset now)
    {
        // A clock that was set back would make silence last for years: what it showed before counts no more.
        if (now < lastHeard) lastHeard = now;
        if (now < lastBeat) lastBeat = now - LinkProtocol.BeatEvery;
        if (now - lastHeard > LinkProtocol.DeadAfter)
            return [new ChildOutput.Fail("link-dead", $"no frame for {LinkProtocol.DeadAfter.TotalSeconds:0} s")];
        if (parent is null || now - lastBeat < LinkProtocol.BeatEvery) return [];
        lastBeat = now;
        return [new ChildOutput.Send(Frame.Beat.Instance)];
    }

    public IReadOnlyList<ChildOutput> OnFrame(Frame frame, DateTimeOffset now)
    {
        lastHeard = now;
        try
        {
            return frame switch
            {
                Frame.TrustAnswer answer => OnTrust(answer),
                Frame.Refusal refusal => [new ChildOutput.Fail(Said(refusal.Code, MaxCode), Said(refusal.Text, MaxText))],
                _ when parent is null => [new ChildOutput.Fail("unproven-parent", $"{frame.GetType().Name} before the parent was proven")],
                Frame.Desired desired => [LinesOf(desired)],
                Frame.RecordSet records => [OnRecords(records)],
                Frame.RecordQuery => [new ChildOutput.RecordsAsked()],
                Frame.EventsAck ack => [new ChildOutput.EventsKept(ack.Site, ack.Incarnation, ack.Seq)],
                Frame.BeaconDown beacon => OnBeacon(beacon.Beacon),
                Frame.ReportAck ack => [new ChildOutput.Acked(ack.Report, ack.Refused)],
                Frame.Beat => [],
                Frame.Probe => [new ChildOutput.Send(frame)],
                _ => [new ChildOutput.Fail("unexpected-frame", $"a parent does not send {frame.GetType().Name}")],
            };
        }
        catch (TrustFormatException e)
        {
            return [new ChildOutput.Fail("untrusted", e.Message)];
        }
    }

    // Whoever answers the dial may refuse, proven or not; what it says stands in logs, files and terminals.
    private static string Said(string text, int most) =>
        string.Concat(text.Take(most).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    private List<ChildOutput> OnTrust(Frame.TrustAnswer answer)
    {
        var next = Trust.WithChain(answer.Chain);
        if (answer.Beacon is not null) next = next.WithBeacon(answer.Beacon);
        var record = NodeRecord.Verify(answer.Record, next.Root);
        if (record.Kind == NodeKind.Site || record.State != RecordState.Active || next.IsRevoked(record.IdentityKey))
            return [new ChildOutput.Fail("untrusted", $"'{record.Node}' may not be a parent")];
        // Another region could otherwise give this one an empty set of records, and so lock its sites out.
        if (kind == NodeKind.Region && record.Kind != NodeKind.Hub)
            return [new ChildOutput.Fail("untrusted", $"'{record.Node}' is not the hub, and a region has no other parent")];
        if (record.IdentityKey.Id != parentKeyId)
            return [new ChildOutput.Fail("wrong-parent-key", $"the key on the wire is not that of '{record.Node}'")];
        var outputs = Keep(next, answer.Chain);
        var first = parent is null;
        parent = record;
        if (!first) return outputs;
        var said = hello();
        outputs.Add(new ChildOutput.Send(new Frame.Hello(said.Generation, said.Records, said.Agent, said.Boot, said.Checkpoint)));
        outputs.Add(new ChildOutput.Live(record));
        return outputs;
    }

    private List<ChildOutput> OnBeacon(Envelope beacon)
    {
        var next = Trust.WithBeacon(beacon);
        var outputs = Keep(next, []);
        if (next.IsRevoked(parent!.IdentityKey)) outputs.Add(new ChildOutput.Fail("untrusted", $"'{parent.Node}' was revoked"));
        return outputs;
    }

    private ChildOutput.Lines LinesOf(Frame.Desired desired) =>
        new(VerifiedCheckpoint.Verify(desired.Checkpoint, Trust.Root), desired.Lines, desired.Complete);

    private List<ChildOutput> Keep(TrustState next, IReadOnlyList<Envelope> chain)
    {
        if (next == Trust) return [];
        var newRoots = chain.Where(envelope => TrustRoot.Parse(envelope).Version > Trust.Root.Version).ToList();
        Trust = next;
        return [new ChildOutput.KeepTrust(next, newRoots)];
    }

    private ChildOutput.Records OnRecords(Frame.RecordSet records)
    {
        var verified = Verified(records.Items);
        inWholeSet |= records.Full;
        var ends = inWholeSet && records.Complete;
        if (records.Complete) inWholeSet = false;
        return new ChildOutput.Records(verified, records.Full, ends);
    }

    private List<SignedRecord> Verified(IReadOnlyList<Envelope> items) =>
        [.. items.Select(envelope => new SignedRecord(NodeRecord.Verify(envelope, Trust.Root), envelope))];
}
