using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;

namespace Capillary.Core.Protocol;

/// <summary>What a <see cref="ParentSession"/> wants done, in order.</summary>
public abstract record ParentOutput
{
    private ParentOutput() { }

    /// <summary>Send this frame.</summary>
    public sealed record Send(Frame Frame) : ParentOutput;

    /// <summary>
    /// The child proved who it is; the session is live. <paramref name="Proven"/> is the newest checkpoint that it proved to hold.
    /// </summary>
    public sealed record Joined(NodeRecord Child, string Agent, string Boot, VerifiedCheckpoint? Proven) : ParentOutput
    {
        /// <summary>The child holds exactly the records that this parent has for it.</summary>
        public bool SameRecords { get; init; }
    }

    /// <summary>Somebody proved a key that stands in no record of the name he gave.</summary>
    public sealed record Knocked(NodeName Node, string KeyId) : ParentOutput;

    /// <summary>
    /// A node of this parent says that it holds a trust root newer than any here, and so believes nothing that is said here.
    /// </summary>
    public sealed record RootAhead(NodeName Node, long Version) : ParentOutput;

    /// <summary>Somebody showed the key that the record's key succeeded.</summary>
    public sealed record OldKeyShown(NodeRecord Record) : ParentOutput;

    /// <summary>
    /// Take this succession in, then answer with <see cref="ParentSession.OnTaken"/>; only its signatures show that it holds.
    /// </summary>
    public sealed record Succeed(Envelope Succession, NodeRecord From) : ParentOutput;

    /// <summary>
    /// Take these events in. They claim to be of a site that this child may speak for. What the hub keeps is told with
    /// <see cref="Frame.EventsAck"/>.
    /// </summary>
    public sealed record TakeEvents(Envelope Batch, NodeRecord From) : ParentOutput;

    /// <summary>A region saw these signs of copied keys.</summary>
    public sealed record Sighted(IReadOnlyList<CloneSighting> Sightings, NodeRecord From) : ParentOutput;

    /// <summary>A region's records, asked for by <see cref="Frame.RecordQuery"/>; nothing of them is verified yet.</summary>
    public sealed record TakeRecords(IReadOnlyList<Envelope> Items, NodeRecord From, bool Complete) : ParentOutput;

    /// <summary>
    /// Take this report in (verify it, keep it), then answer with <see cref="ParentSession.OnTaken"/>. It claims to be of a site that this
    /// child may speak for; only its signature shows that it is.
    /// </summary>
    public sealed record Take(Envelope Report, NodeRecord From) : ParentOutput;

    /// <summary>These sites live, says this child; a site says it of itself by its hello and its beats.</summary>
    public sealed record HeardOf(IReadOnlyList<SiteId> Sites) : ParentOutput;

    /// <summary>End the session after what was sent.</summary>
    public sealed record Close(string Reason) : ParentOutput;
}

/// <summary>
/// The parent's side of one session: synchronous, no clock, no I/O. The child is known by the key it proved in TLS and by nothing it says.
/// </summary>
/// <param name="keyId">Id of the key that the child proved in TLS.</param>
public sealed class ParentSession(string keyId)
{
    private NodeName? node;
    private long rootVersionSent;
    private Envelope? beaconSent;
    private long generationSent;
    private Dictionary<NodeName, long>? recordsSent;

    // What was compared last: a state in which these are the same brings no record and no line, and looking would cost the whole fleet.
    private (object Records, object Withheld)? recordsSeen;
    private (object Lines, NodeRecord Child)? linesSeen;

    /// <summary>The child's record once it said hello; null before.</summary>
    public NodeRecord? Child { get; private set; }

    public IEnumerable<ParentOutput> OnFrame(Frame frame, DesiredState state) => frame switch
    {
        Frame.TrustQuery query => OnTrustQuery(query, state),
        Frame.Hello hello => OnHello(hello, state),
        _ when Child is null => Refuse("hello-first", "say hello before anything else"),
        Frame.ReportUp report => [OnReport(report.Report, Child, state)],
        Frame.Alive alive when Child.Kind == NodeKind.Region => [new ParentOutput.HeardOf(SitesOf(Child, alive.Sites, state))],
        Frame.SuccessionUp up => [OnSuccession(up.Succession, Child, state)],
        Frame.EventsUp events => [OnEvents(events.Batch, Child, state)],
        Frame.CloneUp clones when Child.Kind == NodeKind.Region =>
            [new ParentOutput.Sighted([.. clones.Sightings.Where(one => SpeaksFor(Child, one.Node, state))], Child)],
        Frame.RecordSet records when Child.Kind == NodeKind.Region => [new ParentOutput.TakeRecords(records.Items, Child,
            records.Complete)],
        Frame.Beat => [new ParentOutput.Send(Frame.Beat.Instance), .. Heard()],
        // What it proves is the business of who asked.
        Frame.Probe => [],
        _ => Refuse("unexpected-frame", $"a child does not send {frame.GetType().Name}"),
    };

    /// <summary>What was taken in is durable, or was refused for good.</summary>
    public static ParentOutput OnTaken(Envelope report, string? refused) =>
        new ParentOutput.Send(new Frame.ReportAck(report.Digest, refused is null ? null : LinkProtocol.Cut(refused)));

    /// <summary>Compares what was sent with the newest state; call after any change of it.</summary>
    public IEnumerable<ParentOutput> OnState(DesiredState state)
    {
        if (node is null || Child is null) yield break;
        if (Refusal(node.Value, state) is { } refusal)
        {
            // Its next record is the one word that a child gets with its refusal: it tells where to go on, or with which key.
            foreach (var frame in OwnRecord(state)) yield return new ParentOutput.Send(frame);
            foreach (var output in Refuse(refusal.Code, refusal.Text)) yield return output;
            yield break;
        }
        Child = state.Records[node.Value].Record;
        if (state.IsHeldBack(node.Value)) yield break;
        if (state.TrustRoots.Count > rootVersionSent) yield return new ParentOutput.Send(AnswerTrust(rootVersionSent, state));
        if (recordsSeen != (state.Records, state.Withheld))
        {
            foreach (var frame in NewRecords(state)) yield return new ParentOutput.Send(frame);
        }
        // Which lines are this child's hangs on its record too.
        if (linesSeen != (state.Lines, Child))
        {
            foreach (var frame in NewLines(state)) yield return new ParentOutput.Send(frame);
        }
        (recordsSeen, linesSeen) = ((state.Records, state.Withheld), (state.Lines, Child));
        if (state.Beacon is { } beacon && beacon != beaconSent)
        {
            beaconSent = beacon;
            yield return new ParentOutput.Send(new Frame.BeaconDown(beacon));
        }
    }

    private IEnumerable<ParentOutput> OnTrustQuery(Frame.TrustQuery query, DesiredState state)
    {
        if (query.Protocol != LinkProtocol.Version)
            return Refuse("protocol", $"link protocol {query.Protocol}; this parent speaks {LinkProtocol.Version}");
        // An answer may be a thousand times longer than the query.
        if (node is not null) return Refuse("unexpected-frame", "the trust query comes once");
        node = query.Node;
        IEnumerable<ParentOutput> ahead = query.RootVersion > state.TrustRoots.Count && state.ActiveRecord(query.Node, keyId) is not null
            ? [new ParentOutput.RootAhead(query.Node, query.RootVersion)]
            : [];
        return [.. ahead, new ParentOutput.Send(AnswerTrust(query.RootVersion, state))];
    }

    private Frame.TrustAnswer AnswerTrust(long after, DesiredState state)
    {
        rootVersionSent = state.TrustRoots.Count;
        // A hub that came back from a backup may know fewer revocations than the beacon that the region has.
        beaconSent = state.IsHeldBack(node!.Value) ? null : state.Beacon;
        // Versions begin at 1 and have no holes, so version n stands at n - 1.
        var chain = state.TrustRoots.Skip((int)Math.Clamp(after, 0, state.TrustRoots.Count)).ToList();
        return new(chain, state.OwnRecord.Envelope, beaconSent);
    }

    private IEnumerable<ParentOutput> OnHello(Frame.Hello hello, DesiredState state)
    {
        if (node is not { } name || Child is not null) return Refuse("unexpected-frame", "hello comes once, after the trust query");
        if (Refusal(name, state) is { } refusal)
        {
            var record = state.Records.GetValueOrDefault(name)?.Record;
            IEnumerable<ParentOutput> shown = refusal.Code switch
            {
                OldKey => [new ParentOutput.OldKeyShown(record!)],
                NotEnrolled => [new ParentOutput.Knocked(name, keyId), .. Replaced(record, state)],
                _ => [],
            };
            // A moved site is told where to; it proved its key, so the record is its own.
            var told = refusal.Code == Moved ? OwnRecord(state).Select(frame => new ParentOutput.Send(frame)) : [];
            return [.. shown, .. told, .. Refuse(refusal.Code, refusal.Text)];
        }
        Child = state.Records[name].Record;
        var proven = state.Proven(hello.Checkpoint);
        // A site's own word for its generation touches nobody but itself; a region speaks for others and proves it.
        generationSent = Child.Kind == NodeKind.Site ? hello.Generation : proven?.Checkpoint.Generation ?? 0;
        var records = state.RecordsFor(Child).ToList();
        var same = hello.Records is { } held && held == DesiredState.DigestOf(records);
        if (same)
        {
            recordsSent = records.ToDictionary(item => item.Record.Node, item => item.Record.Version);
            recordsSeen = (state.Records, state.Withheld);
        }
        IEnumerable<ParentOutput> ask = !same && state.IsHeldBack(name) ? [new ParentOutput.Send(Frame.RecordQuery.Instance)] : [];
        return [new ParentOutput.Joined(Child, hello.Agent, hello.Boot, proven) { SameRecords = same }, .. ask, .. Heard(),
            .. OnState(state)];
    }

    /// <summary>A key that was revoked when new hardware came is shown by the old one, or by a copy of its disk.</summary>
    private IEnumerable<ParentOutput> Replaced(NodeRecord? record, DesiredState state) =>
        record is not null && state.Revocations.Contains(keyId) ? [new ParentOutput.OldKeyShown(record)] : [];

    private const string NotEnrolled = "not-enrolled";
    private const string OldKey = "old-key";
    private const string Moved = "moved";

    private (string Code, string Text)? Refusal(NodeName name, DesiredState state)
    {
        if (!state.Records.TryGetValue(name, out var found)) return (NotEnrolled, $"'{name}' has no record here");
        var record = found.Record;
        if (record.IdentityKey.Id != keyId)
        {
            return record.Previous == keyId
                ? (OldKey, $"'{name}' has another key since its record version {record.Version}; this one is no longer accepted")
                : (NotEnrolled, $"'{name}' has no active record for key {keyId[..16]}");
        }
        if (record.State == RecordState.Revoked || state.Revocations.Contains(keyId)) return ("revoked", $"'{name}' was revoked");
        return state.OwnRecord.Record.Region is { } here && record.Region != here
            ? (Moved, $"'{name}' was moved to region '{record.Region}'")
            : null;
    }

    private IEnumerable<Frame> OwnRecord(DesiredState state) => state.Sendable(node!.Value) is { } own
        && (recordsSent?.GetValueOrDefault(node.Value) ?? 0) < own.Record.Version
        ? [new Frame.RecordSet([own.Envelope], Full: false, Complete: true)]
        : [];

    private IEnumerable<Frame> NewLines(DesiredState state)
    {
        // Lines of one region may have come with different checkpoints; each batch is proven by one.
        var batches = state.LinesFor(Child!, generationSent).GroupBy(line => line.Checkpoint.Digest)
            .OrderBy(group => group.First().Checkpoint.Checkpoint.Generation).ToList();
        for (var i = 0; i < batches.Count; i++)
        {
            var chunks = batches[i].OrderBy(line => line.Line.Index).Chunk(LinkProtocol.LinesPerFrame).ToList();
            for (var j = 0; j < chunks.Count; j++)
            {
                var last = i == batches.Count - 1 && j == chunks.Count - 1;
                yield return new Frame.Desired(chunks[j][0].Checkpoint.Envelope, [.. chunks[j].Select(line => line.Line)], last);
            }
        }
        if (batches.Count > 0) generationSent = batches[^1].First().Checkpoint.Checkpoint.Generation;
    }

    private IEnumerable<Frame> NewRecords(DesiredState state)
    {
        var records = state.RecordsFor(Child!).ToList();
        // A frame only adds. What left the region (a site that moved) leaves the child with a whole new set.
        var full = recordsSent is null || !recordsSent.Keys.ToHashSet().IsSubsetOf(records.Select(item => item.Record.Node));
        if (full) recordsSent = [];
        var changed = records.Where(item => recordsSent!.GetValueOrDefault(item.Record.Node) < item.Record.Version).ToList();
        foreach (var item in changed) recordsSent![item.Record.Node] = item.Record.Version;
        return changed.Count > 0 || full ? Frame.RecordSet.Split([.. changed.Select(item => item.Envelope)], full) : [];
    }

    private static ParentOutput OnSuccession(Envelope succession, NodeRecord child, DesiredState state) =>
        Succession.ClaimedNode(succession) is { } node && (node == child.Node || SpeaksFor(child, node, state))
            ? new ParentOutput.Succeed(succession, child)
            : OnTaken(succession, $"'{child.Node}' may not bring a succession of this node");

    private static ParentOutput OnReport(Envelope report, NodeRecord child, DesiredState state) =>
        Report.ClaimedSite(report) is { } site && SpeaksFor(child, new(site.Value), state)
            ? new ParentOutput.Take(report, child)
            : OnTaken(report, $"'{child.Node}' may not bring a report of this site");

    private static ParentOutput OnEvents(Envelope batch, NodeRecord child, DesiredState state) =>
        EventBatch.ClaimedSite(batch) is { } site && SpeaksFor(child, new(site.Value), state)
            ? new ParentOutput.TakeEvents(batch, child)
            : OnTaken(batch, $"'{child.Node}' may not bring events of this site");

    private IEnumerable<ParentOutput> Heard() =>
        Child is { Kind: NodeKind.Site } site ? [new ParentOutput.HeardOf([new SiteId(site.Node.Value)])] : [];

    private static List<SiteId> SitesOf(NodeRecord region, IReadOnlyList<SiteId> sites, DesiredState state) =>
        [.. sites.Where(site => site.Value is not null && SpeaksFor(region, new(site.Value), state))];

    // A site speaks for itself, a region for the sites of its region.
    private static bool SpeaksFor(NodeRecord child, NodeName site, DesiredState state) =>
        state.Records.TryGetValue(site, out var found) && found.Record.Kind == NodeKind.Site
        && (child.Kind == NodeKind.Site ? found.Record.Node == child.Node : found.Record.Region == child.Region);

    private static ParentOutput[] Refuse(string code, string text) =>
        [new ParentOutput.Send(new Frame.Refusal(code, LinkProtocol.Cut(text))), new ParentOutput.Close($"{code}: {text}")];
}
