using System.Collections.Concurrent;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;
using Capillary.Node.Blobs;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Publish;

/// <summary>What became of a plan.</summary>
internal abstract record PublishOutcome
{
    private PublishOutcome() { }

    /// <summary>It is durable and offered.</summary>
    public sealed record Published(VerifiedCheckpoint Checkpoint) : PublishOutcome;

    /// <summary>Another plan became the newest meanwhile: plan again.</summary>
    public sealed record Overtaken : PublishOutcome;

    /// <summary>A bundle of the plan is not whole here; nothing was signed.</summary>
    public sealed record BundleMissing(Digest Bundle) : PublishOutcome;
}

/// <summary>Lines that are to be proven anew, though nothing of them changes.</summary>
/// <param name="Which">The sites whose lines they are.</param>
internal sealed record Reproof(Func<SiteId, bool> Which)
{
    /// <summary>Signs the checkpoint; null: the release key in use.</summary>
    public SigningKey? Key { get; init; }

    /// <summary>Written in the same transaction.</summary>
    public Action<SqliteConnection> Also { get; init; } = _ => { };

    /// <summary>Called once all is durable, before any of it is offered.</summary>
    public Action Kept { get; init; } = () => { };

    /// <summary>What else changes for children, in the same step.</summary>
    public Func<DesiredState, DesiredState> Offer { get; init; } = state => state;
}

/// <summary>
/// Makes plans real, in the order manifest, signature, pointer; the blobs are kept with the release. It is the only one that signs
/// checkpoints, one at a time.
/// </summary>
internal sealed class Publisher
{
    private readonly FleetName fleet;
    private readonly HubDatabase database;
    private readonly HubKeys keys;
    private readonly BlobStore blobs;
    private readonly DesiredStateCell cell;
    private readonly BeaconSigner beacons;
    private readonly TimeProvider time;
    private readonly Action<PublishStep>? reached;
    private readonly Lock gate = new();
    private readonly HashSet<Digest> whole = [];
    private readonly ConcurrentDictionary<long, PlanSummary> plans;

    // Made beside the rest of a start; who needs it first waits for it.
    private Task<LineTree> lineTree;
    private volatile VerifiedCheckpoint? newest;

    public Publisher(HubDatabase database, HubKeys keys, BlobStore blobs, DesiredStateCell cell, BeaconSigner beacons, TimeProvider time,
        Action<PublishStep>? reached = null)
    {
        (this.database, this.keys, this.blobs, this.cell) = (database, keys, blobs, cell);
        (this.beacons, this.time, this.reached) = (beacons, time, reached);
        fleet = cell.Value.OwnRecord.Record.Fleet;
        var root = HubStart.NewestRoot(cell.Value.TrustRoots);
        newest = database.Read(db => PlanTables.NewestCheckpoint(db, root));
        plans = new(database.Read(PlanTables.Summaries).ToDictionary(plan => plan.Generation));
        var lines = cell.Value.Lines.Values;
        lineTree = Task.Run(() => LineTree.Of(lines));
    }

    /// <summary>The newest generation; 0 before the first.</summary>
    public long Generation => newest?.Checkpoint.Generation ?? 0;

    /// <summary>Each generation's release and commit.</summary>
    public IReadOnlyDictionary<long, PlanSummary> Plans => plans;

    /// <exception cref="IOException">The disk is full or broken; the newest plan stays.</exception>
    /// <exception cref="SqliteException">As above.</exception>
    /// <param name="plan">The plan.</param>
    /// <param name="commitId">The commit of its release.</param>
    /// <param name="also">Written in the same transaction.</param>
    public PublishOutcome Publish(Plan plan, string commitId, Action<SqliteConnection> also)
    {
        lock (gate) return PublishInTurn(plan, commitId, also);
    }

    /// <summary>
    /// A generation that changes no line and proves some of them anew: for a region that has to get them now, or by another key. With no
    /// such line there is no generation, and only what belongs to it happens.
    /// </summary>
    /// <exception cref="SqliteException">The disk is full or broken; nothing changed.</exception>
    public void Reprove(Reproof proof)
    {
        lock (gate)
        {
            var state = proof.Offer(cell.Value);
            var again = state.Lines.Values.Where(line => proof.Which(line.Assignment.Site)).ToList();
            if (again.Count == 0) KeepWithoutLines(proof);
            else ReproveInTurn(proof, again, state);
        }
    }

    /// <summary>Proves the lines of these sites anew.</summary>
    /// <inheritdoc cref="Reprove(Reproof)"/>
    public void Reprove(IReadOnlySet<SiteId> sites) => Reprove(new Reproof(sites.Contains));

    private void KeepWithoutLines(Reproof proof)
    {
        database.Write(proof.Also);
        proof.Kept();
        var beacon = beacons.Sign(Generation, newest?.Digest);
        cell.Update(state => proof.Offer(state) with { Beacon = beacon });
    }

    private void ReproveInTurn(Reproof proof, List<OfferedLine> again, DesiredState state)
    {
        var plan = new Plan(Generation + 1, Generation, newest!.Checkpoint.Release, []);
        var tree = lineTree.GetAwaiter().GetResult();
        var checkpoint = Sign(plan, tree.Tree, proof.Key ?? keys.Release);
        var lines = again.ConvertAll(line =>
        {
            var (site, index) = (line.Assignment.Site, tree.PlaceOf(line.Assignment.Site));
            var region = state.Records.GetValueOrDefault(new NodeName(site.Value))?.Record.Region ?? line.Region;
            return new OfferedLine(line.Assignment, region, new ProvenLine(line.Line.Leaf, index, tree.Tree.Path(index)), checkpoint);
        });
        database.Write(db =>
        {
            proof.Also(db);
            PlanTables.Add(db, plan, checkpoint, lines);
        });
        var commit = plans[Generation].CommitId;
        newest = checkpoint;
        plans[plan.Generation] = new(plan.Generation, plan.Release, commit, checkpoint.Checkpoint.IssuedAt);
        proof.Kept();
        Point(checkpoint, lines, proof.Offer);
    }

    private PublishOutcome PublishInTurn(Plan plan, string commitId, Action<SqliteConnection> also)
    {
        if (plan.Parent != Generation) return new PublishOutcome.Overtaken();
        foreach (var bundle in plan.Changes.Select(line => line.Bundle).Distinct())
        {
            if (!IsWhole(bundle)) return new PublishOutcome.BundleMissing(bundle);
        }
        var leaves = plan.Changes.ToDictionary(line => line.Site, line => ToAssignment(line).ToLeaf());
        var tree = lineTree.GetAwaiter().GetResult().With(leaves);
        var checkpoint = Sign(plan, tree.Tree, keys.Release);
        reached?.Invoke(PublishStep.CheckpointSigned);
        var lines = Offer(plan, leaves, tree, checkpoint);
        database.Write(db =>
        {
            PlanTables.Add(db, plan, checkpoint, lines);
            also(db);
        });
        (lineTree, newest) = (Task.FromResult(tree), checkpoint);
        plans[plan.Generation] = new(plan.Generation, plan.Release, commitId, checkpoint.Checkpoint.IssuedAt);
        reached?.Invoke(PublishStep.PlanKept);
        Point(checkpoint, lines, state => state);
        reached?.Invoke(PublishStep.Offered);
        return new PublishOutcome.Published(checkpoint);
    }

    private Assignment ToAssignment(PlannedLine line) =>
        new(1, fleet, line.Site, line.Since, line.Bundle, line.Fallback, line.Mode, null);

    private VerifiedCheckpoint Sign(Plan plan, MerkleTree tree, SigningKey key)
    {
        var checkpoint = new Checkpoint(1, fleet, plan.Generation, plan.Release, time.GetUtcNow(), newest?.Digest, tree.Root, tree.Size);
        return new(checkpoint, key.Sign(PayloadTypes.Checkpoint, checkpoint.ToPayload()));
    }

    private List<OfferedLine> Offer(Plan plan, Dictionary<SiteId, byte[]> leaves, LineTree tree, VerifiedCheckpoint checkpoint)
    {
        var records = cell.Value.Records;
        var lines = new List<OfferedLine>(plan.Changes.Count);
        foreach (var change in plan.Changes)
        {
            var index = tree.PlaceOf(change.Site);
            // The region that has the site's record is the one that serves it, until the site is enrolled anew elsewhere.
            var region = records.GetValueOrDefault(new NodeName(change.Site.Value))?.Record.Region ?? change.Region;
            lines.Add(new(ToAssignment(change), region, new ProvenLine(leaves[change.Site], index, tree.Tree.Path(index)),
                checkpoint));
        }
        return lines;
    }

    private void Point(VerifiedCheckpoint checkpoint, List<OfferedLine> lines, Func<DesiredState, DesiredState> also)
    {
        var beacon = beacons.Sign(checkpoint.Checkpoint.Generation, checkpoint.Digest);
        cell.Update(state => also(state) with
        {
            Lines = state.Lines.SetItems(lines.Select(line => KeyValuePair.Create(line.Assignment.Site, line))),
            Generation = checkpoint.Checkpoint.Generation,
            Beacon = beacon,
        });
    }

    /// <summary>Signs a beacon of the newest generation and offers it.</summary>
    public void Beat()
    {
        lock (gate)
        {
            var beacon = beacons.Sign(Generation, newest?.Digest);
            cell.Update(state => state with { Beacon = beacon });
        }
    }

    /// <summary>This hub has the whole bundle.</summary>
    public bool Has(Digest bundle)
    {
        lock (gate) return IsWhole(bundle);
    }

    private bool IsWhole(Digest bundle)
    {
        if (whole.Contains(bundle)) return true;
        if (!Node.Child.BlobFetcher.IsComplete(blobs, bundle)) return false;
        return whole.Add(bundle);
    }
}
