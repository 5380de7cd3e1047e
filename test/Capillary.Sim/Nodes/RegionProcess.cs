using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
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
    private const string GenerationDocument = "generation";
    private readonly SimRegion region;
    private readonly UpLink link;
    private readonly DownPort port;
    private readonly BlobBox blobs;
    private readonly SortedDictionary<SiteId, OfferedLine> received = [];
    private readonly SortedDictionary<SiteId, DateTimeOffset> heard = [];
    private readonly SortedDictionary<SiteId, Report> newest = [];
    private readonly HashSet<Digest> fetching = [];
    private long generation;

    public RegionProcess(World world, SimRegion region) : base(world, region)
    {
        this.region = region;
        var trust = LoadTrust();
        var handlers = new ChildHandlers(Hello, KeepTrust, TakeLines, (items, _, _) => TakeRecords(items), Alive, _ => Offer());
        link = new UpLink(this, region, world.Hub, trust, handlers);
        blobs = new BlobBox(region.Disk, link);
        var state = new DesiredState(world.Authority.TrustRoots, world.RecordOf(region), trust.BeaconEnvelope,
            ImmutableDictionary<NodeName, SignedRecord>.Empty, ImmutableDictionary<SiteId, OfferedLine>.Empty, 0, []);
        port = new DownPort(this, region, state, new DownHandlers(TakeReport, HeardOf, Blob));
        if (region.Evil is { } evil) port.Outgoing = evil.Outgoing;
    }

    /// <summary>Nothing waits here to be passed on.</summary>
    public bool IsQuiet => link.IsLive && link.Waiting == 0 && received.All(item => IsOffered(item.Key, item.Value));

    /// <summary>What it offers its sites.</summary>
    public DesiredState State => port.State;

    public override void Start()
    {
        Note("starts");
        var damaged = LoadRecords() | LoadLines();
        generation = ToNumber(region.Disk.Read(GenerationDocument));
        // What is damaged has to be asked for again, and a parent sends only what is newer than the generation it is told.
        if (damaged && World.Broken != Mutation.RegionKeepsGenerationOverDamage) generation = 0;
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

    private ChildHello Hello() => new(generation, DesiredState.DigestOf(port.State.Records.Values), "sim", "sim");

    private void KeepTrust(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        region.Disk.Replace("beacon", trust.BeaconEnvelope!.ToBytes());
        port.Update(state => state with { Beacon = trust.BeaconEnvelope });
    }

    private void TakeLines(VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> lines, bool complete)
    {
        foreach (var line in lines)
        {
            if (Receive(checkpoint, line) is not { } fresh) continue;
            if (World.Broken == Mutation.RegionRemembersBeforeKeeping) received[fresh.Assignment.Site] = fresh;
            // Kept first: a full disk must leave no memory of a line, or it would not be kept when it comes again.
            region.Disk.Replace($"{Lines}{fresh.Assignment.Site}",
                JsonSerializer.SerializeToUtf8Bytes(new KeptLine(checkpoint.Envelope, line)));
            received[fresh.Assignment.Site] = fresh;
        }
        if (complete && checkpoint.Checkpoint.Generation > generation)
        {
            generation = checkpoint.Checkpoint.Generation;
            region.Disk.Replace(GenerationDocument, Encoding.ASCII.GetBytes($"{generation}"));
        }
        Offer();
    }

    private void TakeRecords(IReadOnlyList<SignedRecord> records)
    {
        foreach (var record in records.OrderBy(item => item.Record.Node.Value, StringComparer.Ordinal))
            region.Disk.Replace($"{Records}{record.Record.Node}", record.Envelope.ToBytes());
        Admit(records);
    }

    private void Admit(IReadOnlyList<SignedRecord> records) => port.Update(state => state with
    {
        Records = state.Records.SetItems(records
            .Where(item => item.Record.Version > (state.Records.GetValueOrDefault(item.Record.Node)?.Record.Version ?? 0))
            .Select(item => KeyValuePair.Create(item.Record.Node, item))),
    });

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
            if (Acceptance.Accept(accepted, assignment.Site, checkpoint, line) is not AcceptResult.Accepted { Acts: true }) return null;
            return new OfferedLine(assignment, region.Id, line, checkpoint);
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    private bool LoadLines()
    {
        var damaged = false;
        foreach (var (_, content) in region.Disk.Under(Lines))
        {
            try
            {
                var kept = JsonSerializer.Deserialize<KeptLine>(content)!;
                if (Receive(VerifiedCheckpoint.Verify(kept.Checkpoint, World.Authority.Root), kept.Line) is { } line)
                    received[line.Assignment.Site] = line;
            }
            catch (Exception e) when (e is JsonException or TrustFormatException)
            {
                damaged = true;
                Note("leaves out a damaged line");
            }
        }
        return damaged;
    }

    private bool LoadRecords()
    {
        var (whole, damaged) = (new List<SignedRecord>(), false);
        foreach (var (_, content) in region.Disk.Under(Records))
        {
            try
            {
                var envelope = Envelope.Parse(content);
                whole.Add(new SignedRecord(NodeRecord.Verify(envelope, World.Authority.Root), envelope));
            }
            catch (TrustFormatException)
            {
                damaged = true;
                Note("leaves out a damaged record");
            }
        }
        Admit(whole);
        return damaged;
    }

    /// <summary>Offers every line that is whole here, and brings what others lack.</summary>
    private void Offer()
    {
        foreach (var (site, line) in received.Where(item => !IsOffered(item.Key, item.Value)).ToList())
        {
            Digest[] needed = line.Assignment.Fallback is { } fallback ? [line.Assignment.Bundle, fallback] : [line.Assignment.Bundle];
            var absent = needed.Where(bundle => !blobs.IsComplete(bundle)).ToList();
            if (absent.Count == 0) port.Update(state => state with { Lines = state.Lines.SetItem(site, line) });
            else if (link.IsLive) absent.ForEach(Fetch);
        }
    }

    private bool IsOffered(SiteId site, OfferedLine line) => ReferenceEquals(port.State.Lines.GetValueOrDefault(site), line);

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
