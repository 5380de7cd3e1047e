using System.Collections.Immutable;
using System.Globalization;
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
    public const string Steps = "step/";
    private const string ReleaseDocument = "release";
    private readonly SimHub hub;
    private readonly DownPort port;
    private readonly SiteLedger sites;
    private readonly EventLedger events;
    private readonly HubTrust trust;
    private readonly DateTimeOffset listeningSince;
    private VerifiedCheckpoint? newest;
    private RolloutState? rollout;
    private int steps;
    private bool looking;

    public HubProcess(World world, SimHub hub) : base(world, hub)
    {
        this.hub = hub;
        listeningSince = world.Now;
        trust = new HubTrust(world);
        sites = new SiteLedger(this, hub, Look);
        events = new EventLedger(this, hub);
        port = new DownPort(this, hub, world.Authority.State, new DownHandlers(sites.Take, sites.HeardOf,
            world.Releases.Blobs.GetValueOrDefault, TakeSuccession, (batch, _, answer) => events.Take(batch, answer), TakeSightings)
        {
            SightedBelow = TakeSightings,
        });
    }

    public RolloutStatus Status { get; private set; } = new(0, RolloutPhase.Idle, "", [], []);

    public long Generation => newest?.Checkpoint.Generation ?? 0;

    public DesiredState State => port.State;

    public DateTimeOffset ListeningSince => listeningSince;

    public Report? ReportOf(SiteId site) => sites.Seen.GetValueOrDefault(site)?.Report;

    /// <summary>As <c>SiteLife</c> tells it.</summary>
    public bool WasHeardInItsRegion(SiteId site) =>
        State.Lines.GetValueOrDefault(site) is { } line && ReportOf(site)?.Generation >= line.ProvenAt;

    /// <summary>Nodes whose keys were seen to be copied, as this process was told.</summary>
    public SortedSet<string> Sighted { get; } = new(StringComparer.Ordinal);

    public DownPort Port => port;

    public EventLedger Events => events;

    public override string ShownKeyId => trust.Identity.Public.Id;

    public override void Start()
    {
        foreach (var (name, content) in hub.Disk.Under(Steps)) Restore(name, JsonSerializer.Deserialize<KeptStep>(content)!);
        sites.Restore();
        World.Safety.HubRestored(sites.Seen.ContainsKey);
        events.Restore();
        Note($"starts at generation {Generation}");
        Beat();
        Every(LinkProtocol.BeaconEvery, Beat);
        Every(TimeSpan.FromSeconds(1), port.Tick);
        Every(TimeSpan.FromSeconds(5), Look);
        After(TimeSpan.Zero, Look);
    }

    /// <summary>An operator's act; nothing happens when the disk is full.</summary>
    public void Act(Func<DesiredState, HubTrust, KeptTrust?> act, IReadOnlyList<SiteId> proveAnew)
    {
        try
        {
            if (act(State, trust) is { } change) Keep(change, proveAnew);
        }
        catch (IOException)
        {
            Note("has no room for an operator's act");
        }
    }

    /// <summary>New hardware under the name of a site: what the old one said is no longer said of it.</summary>
    public void Forget(SiteId site)
    {
        sites.Forget(site);
        World.Safety.HubForgot(site);
    }

    public override void Accept(LinkEnd end) => port.Accept(end);

    public override void DropLinks(bool tell) => port.Drop(tell);

    public SiteState View(SiteId site)
    {
        var line = State.Lines.GetValueOrDefault(site)?.Assignment;
        var seen = sites.Seen.GetValueOrDefault(site);
        var heard = World.Broken == Mutation.HubTrustsSilence && seen is not null ? World.Now : seen?.HeardAt;
        var facts = new SiteFacts(RecordOf(site).State == RecordState.Revoked, seen?.Report, heard, line?.Since ?? 0, line?.Bundle, Generation);
        return SiteStatus.Derive(facts, Freshness.Default, World.Now);
    }

    private NodeRecord RecordOf(SiteId site) => State.Records[new NodeName(site.Value)].Record;

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
        if (decision is PlanDecision.NewPlan { Plan: var plan }) Publish(plan, decision.State);
        // As the hub does: when each site began and was well may be lost, which rollout there is may not.
        else if (decision.State is { } state && (rollout?.Id != state.Id || rollout.CompletedAt != state.CompletedAt))
            Keep(new KeptStep(null, null) { Rollout = KeptRollout.Of(state) });
        else rollout = decision.State;
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
        TargetRelease Of(SimRelease one) => World.Broken != Mutation.PlannerIgnoresWaves ? one.Target : one.Target with
        {
            Sites = one.Target.Sites.ToDictionary(site => site.Key, site => site.Value with { Choices = SiteChoices.Of("waves", 0) }),
        };
        var lines = State.Lines.ToDictionary(
            line => line.Key, line => new CurrentLine(line.Value.Assignment.Since, line.Value.Assignment.Bundle));
        var evidence = sites.Seen.ToDictionary(
            item => item.Key, item => new SiteEvidence(item.Value.Report, item.Value.HeardAt, item.Value.LastHealthy, RecordOf(item.Key).State == RecordState.Revoked));
        return new PlannerInputs(Of(release), rollout, Generation, lines, evidence, Freshness.Default, listeningSince)
        {
            Target = rollout is null ? null : Of(World.Releases[rollout.Release]),
        };
    }

    private void Publish(Plan plan, RolloutState? state)
    {
        var kept = ToPlan(plan.Generation, plan.Release, [.. plan.Changes.Select(line =>
            World.Authority.ToAssignment(line.Site, line.Since, line.Bundle, line.Fallback))], [], null);
        Keep(new KeptStep(kept, null) { Rollout = state is null ? null : KeptRollout.Of(state) });
        Note($"publishes generation {plan.Generation} of release {plan.Release}: {plan.Changes.Count} lines");
    }

    private KeptPlan ToPlan(long generation, long release, IReadOnlyList<Assignment> changes, IReadOnlyList<SiteId> proveAnew,
        KeptTrust? change)
    {
        var leaves = State.Lines.ToDictionary(line => line.Key, line => line.Value.Line.Leaf);
        foreach (var line in changes) leaves[line.Site] = line.ToLeaf();
        var order = leaves.Keys.Order().ToList();
        var tree = new MerkleTree([.. order.Select(site => MerkleTree.HashLeaf(leaves[site]))]);
        var checkpoint = trust.SignCheckpoint(new Checkpoint(1, World.Authority.Fleet, generation, release, World.Now, newest?.Digest,
            tree.Root, tree.Size), change);
        var proven = changes.Select(line => line.Site).Concat(proveAnew.Where(leaves.ContainsKey)).Distinct().Order();
        return new KeptPlan(checkpoint.Envelope, release, [.. proven.Select(site =>
        {
            var index = order.IndexOf(site);
            return new KeptPlanLine(new ProvenLine(leaves[site], index, tree.Path(index)));
        })]);
    }

    /// <summary>A change of trust, and the lines that have to be proven anew for it, in one step.</summary>
    private void Keep(KeptTrust change, IReadOnlyList<SiteId> proveAnew)
    {
        var proves = proveAnew.Any(State.Lines.ContainsKey) && World.Broken != Mutation.HubRotatesRootFirst;
        var plan = proves ? ToPlan(Generation + 1, newest!.Checkpoint.Release, [], proveAnew, change) : null;
        Keep(new KeptStep(plan, change));
    }

    private void Keep(KeptStep step)
    {
        var document = string.Create(CultureInfo.InvariantCulture, $"{Steps}{steps + 1:d8}");
        hub.Disk.Replace(document, JsonSerializer.SerializeToUtf8Bytes(step));
        Take(step);
    }

    private void Restore(string name, KeptStep step)
    {
        steps++;
        if (World.Broken == Mutation.HubForgetsItsLastPlan && hub.Disk.Under(Steps).Last().Key == name) return;
        steps--;
        Take(step);
    }

    /// <summary>What became durable is offered as one state, with a beacon that goes with it.</summary>
    private void Take(KeptStep step)
    {
        steps++;
        if (step.Rollout is { } remembered) rollout = remembered.ToState();
        var next = State;
        if (step.Trust is { } change)
        {
            trust.Restore(change);
            next = next with
            {
                TrustRoots = change.Root is null ? next.TrustRoots : [.. next.TrustRoots, change.Root],
                OwnRecord = Read(change.Own),
                Records = next.Records.SetItems(change.Records.Select(Read).Select(item => KeyValuePair.Create(item.Record.Node, item))),
                Revocations = next.Revocations.Union(change.Revoked),
            };
        }
        if (step.Plan is { } plan) next = next with { Generation = TakePlan(plan, next, out var lines), Lines = lines };
        if (step.Trust is not null) next = next with { Lines = Placed(next) };
        port.Update(_ => next with { Beacon = trust.SignBeacon(next, newest?.Digest) });
    }

    private SignedRecord Read(Envelope envelope) =>
        new(NodeRecord.Parse(envelope, World.Authority.Root), envelope);

    private long TakePlan(KeptPlan plan, DesiredState state, out ImmutableDictionary<SiteId, OfferedLine> lines)
    {
        var checkpoint = TrustChain.UnderAny(state.TrustRoots, root => VerifiedCheckpoint.Verify(plan.Checkpoint, root));
        newest = checkpoint;
        lines = state.Lines.SetItems(plan.Lines.Select(item =>
        {
            var assignment = Assignment.Parse(item.Line.Leaf);
            var region = state.Records[new(assignment.Site.Value)].Record.Region!.Value;
            return KeyValuePair.Create(assignment.Site, new OfferedLine(assignment, region, item.Line, checkpoint));
        }));
        return checkpoint.Checkpoint.Generation;
    }

    /// <summary>Each line goes to the region in which its site is now.</summary>
    private static ImmutableDictionary<SiteId, OfferedLine> Placed(DesiredState state) =>
        state.Lines.SetItems(state.Lines.Select(item => (item.Key, item.Value, state.Records[new(item.Key.Value)].Record.Region!.Value))
            .Where(item => item.Item2.Region != item.Item3)
            .Select(item => KeyValuePair.Create(item.Key, item.Item2 with { Region = item.Item3 })));

    private void TakeSuccession(Envelope envelope, NodeRecord from, Action<string?> answer)
    {
        try
        {
            if (Succession.ClaimedNode(envelope) is not { } name || !State.Records.TryGetValue(name, out var held)) return;
            var wish = Succession.Verify(envelope, held.Record);
            // Whoever stole a key must not make the node his own with it.
            if (!held.Record.SuccessionDue)
            {
                answer("no new key was asked for");
                return;
            }
            Keep(trust.Change(State, [held.Record with
            {
                Version = held.Record.Version + 1, IdentityKey = wish.Next, Previous = wish.Previous.Id, SuccessionDue = false,
            }]), []);
            Note($"gives {name} its next key");
            answer(null);
        }
        catch (TrustFormatException e)
        {
            answer(e.Message);
        }
        catch (IOException)
        {
            // Not answered: it is said again.
        }
    }

    private void TakeSightings(IReadOnlyList<CloneSighting> seen)
    {
        foreach (var one in seen)
        {
            if (Sighted.Add(one.Node.Value)) Note($"hears that the key of {one.Node} was copied: {one.Sign}");
        }
    }

    private void Beat() => port.Update(state => state with { Beacon = trust.SignBeacon(state, newest?.Digest) });
}
