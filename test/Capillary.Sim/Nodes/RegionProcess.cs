using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Parent;
using Capillary.RegionNode;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>A line as it lies on a region's disk.</summary>
internal sealed record KeptLine(Envelope Checkpoint, ProvenLine Line);

/// <summary>
/// A region node as <c>RegionNode.Mirror</c> and <c>Region</c> behave: what is received is durable, a line is offered when its blobs are
/// here, reports and proofs of life go on to the hub.
/// </summary>
internal sealed class RegionProcess : Process
{
    public const string Lines = "line/";
    public const string Records = "record/";
    public const string NewestDocument = "checkpoint";
    private readonly SimRegion region;
    private readonly Identity identity;
    private readonly TrustBox trustBox;
    private readonly RegionState state;
    private readonly UpLink link;
    private readonly DownPort port;
    private readonly BlobBox blobs;
    private readonly SortedDictionary<SiteId, OfferedLine> received = [];
    private readonly SortedDictionary<SiteId, DateTimeOffset> heard = [];
    private readonly SortedDictionary<SiteId, Report> newest = [];
    private readonly Dictionary<SiteId, EventsAnswer> answers = [];
    private readonly HashSet<Digest> fetching = [];
    private HashSet<NodeName>? incoming;
    private IReadOnlyList<CloneSighting> sightings = [];
    private VerifiedCheckpoint? complete;

    public RegionProcess(World world, SimRegion region) : base(world, region)
    {
        this.region = region;
        trustBox = new TrustBox(region.Disk);
        var (trust, roots) = trustBox.Load();
        identity = new Identity(world, region, roots);
        var damaged = false;
        state = new RegionState(new DesiredState(roots, identity.Record, trust.BeaconEnvelope, LoadRecords(roots, ref damaged),
            ImmutableDictionary<SiteId, OfferedLine>.Empty, 0, Revoked(trust)));
        LoadLines(roots, ref damaged);
        LoadNewest(roots, damaged);
        var handlers = new ChildHandlers(Hello, KeepTrust, TakeLines, TakeRecords, Alive, status => OnLive())
        {
            Clones = () => sightings,
            EventsKept = kept => answers.GetValueOrDefault(kept.Site)?.Invoke(new Frame.EventsAck(kept.Site, kept.Incarnation, kept.Seq)),
        };
        link = new UpLink(this, region, () => [world.Hub], identity, trust, handlers);
        blobs = new BlobBox(region.Disk, link);
        port = new DownPort(this, region, Offered(), new DownHandlers(TakeReport, HeardOf, Blob, Succeed, TakeEvents, TakeSightings));
        if (region.Evil is { } evil) port.Outgoing = evil.Outgoing;
    }

    /// <summary>Nothing waits here to be passed on.</summary>
    public bool IsQuiet => link.IsLive && link.Reports == 0 && received.All(item => IsOffered(item.Key, item.Value));

    /// <summary>What it offers its sites.</summary>
    public DesiredState State => port.State;

    /// <summary>What it holds.</summary>
    public DesiredState Held => state.Held;

    public DownPort Port => port;

    public override string ShownKeyId => identity.Keys.Current.Public.Id;

    public override void Start()
    {
        Note("starts");
        Offer();
        link.Dial();
        Every(TimeSpan.FromSeconds(1), () =>
        {
            link.Tick();
            port.Tick();
        });
        Every(TimeSpan.FromSeconds(2), Offer);
    }

    public override void Accept(LinkEnd end) => port.Accept(end);

    public override void DropLinks(bool tell)
    {
        link.Drop(tell);
        port.Drop(tell);
    }

    private ChildHello Hello() => new(complete?.Checkpoint.Generation ?? 0, DesiredState.DigestOf(state.Held.Records.Values), "sim", Boot,
        complete?.Envelope);

    private DesiredState Offered() => World.Broken == Mutation.RegionOffersRootTooEarly ? state.Held : state.Cell.Value;

    private void Update(Func<DesiredState, DesiredState> change)
    {
        state.Update(change);
        port.Update(_ => Offered());
    }

    private void OnLive()
    {
        SaySuccession();
        Offer();
    }

    private void SaySuccession()
    {
        if (identity.Pending() is { } succession) link.PutSuccession(region.Name, succession);
    }

    private void KeepTrust(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        trustBox.Keep(trust, newRoots);
        Update(held => held with
        {
            TrustRoots = [.. held.TrustRoots, .. newRoots],
            Beacon = trust.BeaconEnvelope,
            Revocations = Revoked(trust),
        });
    }

    private static ImmutableHashSet<string> Revoked(TrustState trust) => trust.Beacon?.Revocations.ToImmutableHashSet() ?? [];

    private void TakeLines(VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> lines, bool ends)
    {
        foreach (var line in lines)
        {
            if (Receive(checkpoint, line) is not { } fresh) continue;
            // Kept first: a full disk must leave no memory of a line, or it would not be kept when it comes again.
            region.Disk.Replace($"{Lines}{fresh.Assignment.Site}",
                JsonSerializer.SerializeToUtf8Bytes(new KeptLine(checkpoint.Envelope, line)));
            received[fresh.Assignment.Site] = fresh;
        }
        if (ends && checkpoint.Checkpoint.Generation > (complete?.Checkpoint.Generation ?? 0))
        {
            region.Disk.Replace(NewestDocument, checkpoint.Envelope.ToBytes());
            complete = checkpoint;
            // Lines whose blobs are here move on together with the trust root.
            if (state.Held.TrustRoots.Count > state.Cell.Value.TrustRoots.Count) Offer();
            state.Complete(checkpoint);
            port.Update(_ => Offered());
        }
        Offer();
    }

    private void TakeRecords(IReadOnlyList<SignedRecord> records, bool full, bool ends)
    {
        // Its own first, as in Region: what it says to hold at its next start does not come again.
        foreach (var own in records)
        {
            if (identity.Take(own)) Update(held => held with { OwnRecord = identity.Record });
        }
        var newer = records.Where(item => item.Record.Version > VersionHeld(item.Record.Node))
            .OrderBy(item => item.Record.Node.Value, StringComparer.Ordinal).ToList();
        foreach (var record in newer) region.Disk.Replace($"{Records}{record.Record.Node}", record.Envelope.ToBytes());
        if (full) incoming = [];
        incoming?.UnionWith(records.Select(item => item.Record.Node));
        Update(held => held with { Records = held.Records.SetItems(newer.Select(item => KeyValuePair.Create(item.Record.Node, item))) });
        if (ends && incoming is { } whole)
        {
            Forget([.. state.Held.Records.Keys.Where(node => !whole.Contains(node))]);
            incoming = null;
        }
        ForgetLines([.. newer.Select(item => new SiteId(item.Record.Node.Value)).Where(IsServedElsewhere)]);
        SaySuccession();
    }

    private long VersionHeld(NodeName node) => state.Held.Records.GetValueOrDefault(node)?.Record.Version ?? 0;

    private bool IsServedElsewhere(SiteId site) => state.Held.Records.TryGetValue(new(site.Value), out var held)
        && (held.Record.Region != region.Id || held.Record.State == RecordState.Revoked);

    private void Forget(List<NodeName> nodes)
    {
        foreach (var node in nodes) region.Disk.Remove($"{Records}{node}");
        Update(held => held with { Records = held.Records.RemoveRange(nodes) });
        ForgetLines([.. nodes.Select(node => new SiteId(node.Value))]);
    }

    private void ForgetLines(List<SiteId> sites)
    {
        foreach (var site in sites)
        {
            region.Disk.Remove($"{Lines}{site}");
            received.Remove(site);
        }
        if (sites.Count > 0) Update(held => held with { Lines = held.Lines.RemoveRange(sites) });
    }

    /// <summary>The line, if it holds and is newer than what was received before.</summary>
    private OfferedLine? Receive(VerifiedCheckpoint checkpoint, ProvenLine line)
    {
        try
        {
            var assignment = Assignment.Parse(line.Leaf);
            var before = received.GetValueOrDefault(assignment.Site);
            var accepted = before is null ? AcceptedLine.None
                : new AcceptedLine(before.Checkpoint.Checkpoint.Generation, before.Checkpoint.Digest, before.Assignment.Since,
                    before.Line.Leaf);
            if (Acceptance.Accept(accepted, assignment.Site, checkpoint, line) is not AcceptResult.Accepted taken) return null;
            // A line that is proven anew counts too: after a rotation of keys only the new proof holds.
            var isNew = taken.Acts || checkpoint.Checkpoint.Generation > accepted.Generation;
            return isNew ? new OfferedLine(assignment, region.Id, line, checkpoint) : null;
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    private void LoadLines(IReadOnlyList<Envelope> roots, ref bool damaged)
    {
        foreach (var (name, content) in region.Disk.Under(Lines))
        {
            try
            {
                var kept = JsonSerializer.Deserialize<KeptLine>(content)!;
                var checkpoint = TrustChain.UnderAny(roots, root => VerifiedCheckpoint.Verify(kept.Checkpoint, root));
                if (Receive(checkpoint, kept.Line) is not { } line) continue;
                // A power cut may have come between a record and the line that went with it.
                if (IsServedElsewhere(line.Assignment.Site)) region.Disk.Remove(name);
                else received[line.Assignment.Site] = line;
            }
            catch (Exception e) when (e is JsonException or TrustFormatException)
            {
                damaged = true;
                Note("leaves out a damaged line");
            }
        }
    }

    private ImmutableDictionary<NodeName, SignedRecord> LoadRecords(IReadOnlyList<Envelope> roots, ref bool damaged)
    {
        var whole = ImmutableDictionary<NodeName, SignedRecord>.Empty;
        foreach (var (name, content) in region.Disk.Under(Records))
        {
            try
            {
                var envelope = Envelope.Parse(content);
                var record = TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root));
                whole = whole.SetItem(record.Node, new SignedRecord(record, envelope));
            }
            catch (TrustFormatException)
            {
                region.Disk.Remove(name);
                damaged = true;
                Note("leaves out a damaged record");
            }
        }
        return whole;
    }

    private void LoadNewest(IReadOnlyList<Envelope> roots, bool damaged)
    {
        if (region.Disk.Read(NewestDocument) is not { } newestKept) return;
        // What is damaged has to be asked for again, and a parent sends only what is newer than the generation that is proven to it.
        if (damaged && World.Broken != Mutation.RegionKeepsGenerationOverDamage) region.Disk.Remove(NewestDocument);
        else complete = TrustChain.UnderAny(roots, root => VerifiedCheckpoint.Verify(Envelope.Parse(newestKept), root));
        if (complete is not null) state.Complete(complete);
    }

    /// <summary>Offers every line that is whole here, and brings what others lack.</summary>
    private void Offer()
    {
        foreach (var (site, line) in received.Where(item => !IsOffered(item.Key, item.Value)).ToList())
        {
            Digest[] needed = line.Assignment.Fallback is { } fallback ? [line.Assignment.Bundle, fallback] : [line.Assignment.Bundle];
            var absent = needed.Where(bundle => !blobs.IsComplete(bundle)).ToList();
            if (absent.Count == 0) Update(held => held with { Lines = held.Lines.SetItem(site, line) });
            else if (link.IsLive) absent.ForEach(Fetch);
        }
    }

    private bool IsOffered(SiteId site, OfferedLine line) => ReferenceEquals(state.Held.Lines.GetValueOrDefault(site), line);

    private void Fetch(Digest bundle)
    {
        if (fetching.Count >= 4 || !fetching.Add(bundle)) return;
        blobs.Fetch(bundle, problem =>
        {
            fetching.Remove(bundle);
            if (problem is null) After(TimeSpan.Zero, Offer);
        });
    }

    private byte[]? Blob(Digest digest) => region.Evil is { } evil ? evil.Blob(blobs.Read(digest)) : blobs.Read(digest);

    private void TakeReport(Envelope envelope, NodeRecord from, Action<string?> answer)
    {
        try
        {
            var report = Report.Verify(envelope, from);
            heard[report.Site] = World.Now;
            if (report.IsNewerThan(newest.GetValueOrDefault(report.Site)))
            {
                newest[report.Site] = report;
                Relay(report.Site, envelope);
            }
            answer(null);
        }
        catch (TrustFormatException e)
        {
            answer(e.Message);
        }
    }

    /// <summary>Verified here too; the site says it again until its record has come.</summary>
    private void Succeed(Envelope envelope, NodeRecord from, Action<string?> answer)
    {
        try
        {
            Succession.Verify(envelope, from);
            link.PutSuccession(from.Node, envelope);
            answer(null);
        }
        catch (TrustFormatException e)
        {
            answer(e.Message);
        }
    }

    private void TakeEvents(Envelope envelope, NodeRecord from, EventsAnswer answer)
    {
        try
        {
            var batch = EventBatch.Verify(envelope, from);
            answers[batch.Site] = answer;
            link.PutEvents(batch.Site, envelope, batch.Incarnation, batch.Last);
        }
        catch (TrustFormatException)
        {
            Note($"refuses events of {from.Node}");
        }
    }

    private void TakeSightings(IReadOnlyList<CloneSighting> seen)
    {
        sightings = seen;
        link.SendWaiting();
    }

    private void Relay(SiteId site, Envelope envelope)
    {
        link.SayAlive([site]);
        if (region.Evil is { } evil) envelope = evil.Report(envelope);
        link.Put(site, envelope);
    }

    private void HeardOf(IReadOnlyList<SiteId> sites)
    {
        foreach (var site in sites) heard[site] = World.Now;
    }

    private List<SiteId> Alive() => [.. heard.Where(item => item.Value >= World.Now - LinkProtocol.DeadAfter).Select(item => item.Key)];
}
