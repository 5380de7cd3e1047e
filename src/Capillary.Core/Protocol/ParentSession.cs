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

    /// <summary>The child proved who it is; the session is live.</summary>
    public sealed record Joined(NodeRecord Child, string Agent) : ParentOutput;

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

    /// <summary>The child's record once it said hello; null before.</summary>
    public NodeRecord? Child { get; private set; }

    public IEnumerable<ParentOutput> OnFrame(Frame frame, DesiredState state) => frame switch
    {
        Frame.TrustQuery query => OnTrustQuery(query, state),
        Frame.Hello hello => OnHello(hello, state),
        _ when Child is null => Refuse("hello-first", "say hello before anything else"),
        Frame.ReportUp report => [OnReport(report.Report, Child, state)],
        Frame.Alive alive when Child.Kind == NodeKind.Region => [new ParentOutput.HeardOf(SitesOf(Child, alive.Sites, state))],
        Frame.Beat => [new ParentOutput.Send(Frame.Beat.Instance), .. Heard()],
        _ => Refuse("unexpected-frame", $"a child does not send {frame.GetType().Name}"),
    };

    /// <summary>What was taken in is durable, or was refused for good.</summary>
    public static ParentOutput OnTaken(Envelope report, string? refused) =>
        new ParentOutput.Send(new Frame.ReportAck(report.Digest, refused));

    /// <summary>Compares what was sent with the newest state; call after any change of it.</summary>
    public IEnumerable<ParentOutput> OnState(DesiredState state)
    {
        if (node is null || Child is null) yield break;
        if (state.ActiveRecord(node.Value, keyId) is not { } signed)
        {
            foreach (var output in Refuse("not-enrolled", $"'{node}' has no active record for this key")) yield return output;
            yield break;
        }
        Child = signed.Record;
        if (state.TrustRoots.Count > rootVersionSent) yield return new ParentOutput.Send(AnswerTrust(rootVersionSent, state));
        foreach (var frame in NewRecords(state)) yield return new ParentOutput.Send(frame);
        foreach (var frame in NewLines(state)) yield return new ParentOutput.Send(frame);
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
        return [new ParentOutput.Send(AnswerTrust(query.RootVersion, state))];
    }

    private Frame.TrustAnswer AnswerTrust(long after, DesiredState state)
    {
        rootVersionSent = state.TrustRoots.Count;
        beaconSent = state.Beacon;
        // Versions begin at 1 and have no holes, so version n stands at n - 1.
        var chain = state.TrustRoots.Skip((int)Math.Clamp(after, 0, state.TrustRoots.Count)).ToList();
        return new(chain, state.OwnRecord.Envelope, state.Beacon);
    }

    private IEnumerable<ParentOutput> OnHello(Frame.Hello hello, DesiredState state)
    {
        if (node is not { } name || Child is not null) return Refuse("unexpected-frame", "hello comes once, after the trust query");
        if (state.ActiveRecord(name, keyId) is not { } signed)
            return Refuse("not-enrolled", $"'{name}' has no active record for key {keyId[..16]}");
        Child = signed.Record;
        generationSent = hello.Generation;
        if (Child.Kind == NodeKind.Region && hello.Records is { } held && held == DesiredState.DigestOf(state.RecordsFor(Child)))
            recordsSent = state.RecordsFor(Child).ToDictionary(item => item.Record.Node, item => item.Record.Version);
        return [new ParentOutput.Joined(Child, hello.Agent), .. Heard(), .. OnState(state)];
    }

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
        if (Child!.Kind != NodeKind.Region) yield break;
        var records = state.RecordsFor(Child).ToList();
        // A frame only adds. What left the region (a site that moved) leaves the child with a whole new set.
        var full = recordsSent is null || !recordsSent.Keys.ToHashSet().IsSubsetOf(records.Select(item => item.Record.Node));
        if (full) recordsSent = [];
        var changed = records.Where(item => recordsSent!.GetValueOrDefault(item.Record.Node) < item.Record.Version).ToList();
        foreach (var item in changed) recordsSent![item.Record.Node] = item.Record.Version;
        if (changed.Count == 0 && full) yield return new Frame.RecordSet([], true);
        foreach (var chunk in changed.Chunk(LinkProtocol.RecordsPerFrame))
        {
            yield return new Frame.RecordSet([.. chunk.Select(item => item.Envelope)], full);
            full = false;
        }
    }

    private static ParentOutput OnReport(Envelope report, NodeRecord child, DesiredState state) =>
        Report.ClaimedSite(report) is { } site && SpeaksFor(child, site, state)
            ? new ParentOutput.Take(report, child)
            : OnTaken(report, $"'{child.Node}' may not bring a report of this site");

    private IEnumerable<ParentOutput> Heard() =>
        Child is { Kind: NodeKind.Site } site ? [new ParentOutput.HeardOf([new SiteId(site.Node.Value)])] : [];

    private static List<SiteId> SitesOf(NodeRecord region, IReadOnlyList<SiteId> sites, DesiredState state) =>
        [.. sites.Where(site => site.Value is not null && SpeaksFor(region, site, state))];

    // A site speaks for itself, a region for the sites of its region.
    private static bool SpeaksFor(NodeRecord child, SiteId site, DesiredState state) =>
        state.Records.TryGetValue(new NodeName(site.Value), out var found) && found.Record.Kind == NodeKind.Site
        && (child.Kind == NodeKind.Site ? found.Record.Node == child.Node : found.Record.Region == child.Region);

    private static ParentOutput[] Refuse(string code, string text) =>
        [new ParentOutput.Send(new Frame.Refusal(code, text)), new ParentOutput.Close($"{code}: {text}")];
}
