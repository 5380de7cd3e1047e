using System.Text;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>
/// The hub as <c>HubNode</c> behaves: takes commits, asks the real <see cref="Planner"/>, signs and keeps plans, offers them. What it shows
/// and what it plans from is rebuilt from its disk at each start.
/// </summary>
internal sealed class HubProcess : Process
{
    public const string Plans = "plan/";
    private const string ReleaseDocument = "release";
    private readonly SimHub hub;
    private readonly DownPort port;
    private readonly SiteLedger sites;
    private readonly DateTimeOffset listeningSince;
    private VerifiedCheckpoint? newest;
    private bool looking;

    public HubProcess(World world, SimHub hub) : base(world, hub)
    {
        this.hub = hub;
        listeningSince = world.Now;
        sites = new SiteLedger(this, hub, Look);
        port = new DownPort(this, hub, world.Authority.State, new DownHandlers(sites.Take, sites.HeardOf,
            world.Releases.Blobs.GetValueOrDefault));
    }

    public RolloutStatus Status { get; private set; } = new(0, RolloutPhase.Idle, "", [], []);

    public long Generation => newest?.Checkpoint.Generation ?? 0;

    public DesiredState State => port.State;

    public DateTimeOffset ListeningSince => listeningSince;

    public Report? ReportOf(SiteId site) => sites.Seen.GetValueOrDefault(site)?.Report;

    public override void Start()
    {
        foreach (var (name, content) in hub.Disk.Under(Plans)) Restore(name, JsonSerializer.Deserialize<KeptPlan>(content)!);
        sites.Restore();
        Note($"starts at generation {Generation}");
        Beat();
        Every(LinkProtocol.BeaconEvery, Beat);
        Every(TimeSpan.FromSeconds(1), port.Tick);
        Every(TimeSpan.FromSeconds(5), Look);
        After(TimeSpan.Zero, Look);
    }

    public override void Accept(LinkEnd end) => port.Accept(end);

    public override void DropLinks(bool tell) => port.Drop(tell);

    public SiteState View(SiteId site)
    {
        var line = State.Lines.GetValueOrDefault(site)?.Assignment;
        var seen = sites.Seen.GetValueOrDefault(site);
        var heard = World.Broken == Mutation.HubTrustsSilence && seen is not null ? World.Now : seen?.HeardAt;
        var facts = new SiteFacts(false, seen?.Report, heard, line?.Since ?? 0, line?.Bundle, Generation);
        return SiteStatus.Derive(facts, Freshness.Default, World.Now);
    }

    /// <summary>Plans, soon; many wishes are one look.</summary>
    public void Look()
    {
        if (looking) return;
        looking = true;
        After(TimeSpan.FromMilliseconds(50), () =>
        {
            looking = false;
            try
            {
                Step();
            }
            catch (IOException)
            {
                // The disk is full: the newest plan stays, and the next look tries again.
            }
        });
    }

    private void Step()
    {
        if (TakeCommit() is not { } release) return;
        var decision = Planner.Next(Inputs(release), World.Now);
        if (Status.Phase != decision.Status.Phase || Status.Release != decision.Status.Release)
            Note($"rollout of release {decision.Status.Release} is {decision.Status.Phase}: {decision.Status.Reason}");
        Status = decision.Status;
        if (decision is PlanDecision.NewPlan { Plan: var plan }) Publish(plan);
    }

    private SimRelease? TakeCommit()
    {
        if (World.Releases.Newest is not { } head) return null;
        if (head.Target.Number > Process.ToNumber(hub.Disk.Read(ReleaseDocument)))
            hub.Disk.Replace(ReleaseDocument, Encoding.ASCII.GetBytes($"{head.Target.Number}"));
        return head;
    }

    private PlannerInputs Inputs(SimRelease release)
    {
        var target = World.Broken != Mutation.PlannerIgnoresWaves ? release.Target : release.Target with
        {
            Sites = release.Target.Sites.ToDictionary(site => site.Key, site => site.Value with { Wave = 0 }),
        };
        var lines = State.Lines.ToDictionary(
            line => line.Key, line => new CurrentLine(line.Value.Assignment.Since, line.Value.Assignment.Bundle));
        var evidence = sites.Seen.ToDictionary(
            item => item.Key, item => new SiteEvidence(item.Value.Report, item.Value.HeardAt, item.Value.LastHealthy, false));
        return new PlannerInputs(target, Generation, lines, evidence, Freshness.Default, listeningSince);
    }

    private void Publish(Plan plan)
    {
        var leaves = State.Lines.ToDictionary(line => line.Key, line => line.Value.Line.Leaf);
        foreach (var line in plan.Changes)
            leaves[line.Site] = World.Authority.ToAssignment(line.Site, line.Since, line.Bundle, line.Fallback).ToLeaf();
        var order = leaves.Keys.Order().ToList();
        var tree = new MerkleTree([.. order.Select(site => MerkleTree.HashLeaf(leaves[site]))]);
        var checkpoint = World.Authority.SignCheckpoint(plan.Generation, plan.Release, World.Now, newest?.Digest, tree);
        var kept = new KeptPlan(checkpoint.Envelope, plan.Release, [.. plan.Changes.Select(line =>
        {
            var index = order.IndexOf(line.Site);
            return new KeptPlanLine(line.Region.Value, new ProvenLine(leaves[line.Site], index, tree.Path(index)));
        })]);
        var document = $"{Plans}{plan.Generation:d8}";
        hub.Disk.Replace(document, JsonSerializer.SerializeToUtf8Bytes(kept));
        Note($"publishes generation {plan.Generation} of release {plan.Release}: {plan.Changes.Count} lines");
        Offer(checkpoint, kept);
        Beat();
    }

    private void Restore(string name, KeptPlan plan)
    {
        if (World.Broken == Mutation.HubForgetsItsLastPlan && hub.Disk.Under(Plans).Last().Key == name) return;
        Offer(VerifiedCheckpoint.Verify(plan.Checkpoint, World.Authority.Root), plan);
    }

    private void Offer(VerifiedCheckpoint checkpoint, KeptPlan plan)
    {
        newest = checkpoint;
        var lines = plan.Lines.Select(item =>
        {
            var assignment = Assignment.Parse(item.Line.Leaf);
            return KeyValuePair.Create(assignment.Site, new OfferedLine(assignment, new RegionId(item.Region), item.Line, checkpoint));
        }).ToList();
        port.Update(state => state with { Lines = state.Lines.SetItems(lines), Generation = checkpoint.Checkpoint.Generation });
    }

    private void Beat()
    {
        var beacon = World.Authority.SignBeacon(World.Now, Generation, newest?.Digest);
        port.Update(state => state with { Beacon = beacon });
    }
}
