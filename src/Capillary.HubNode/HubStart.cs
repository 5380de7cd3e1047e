using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;

namespace Capillary.HubNode;

/// <summary>Brings back from storage what the hub offered before it stopped.</summary>
internal static class HubStart
{
    /// <exception cref="InvalidDataException">The database holds no hub.</exception>
    public static DesiredStateCell Restore(HubDatabase database)
    {
        var roots = database.Read(RecordTables.TrustRoots);
        if (roots.Count == 0) throw new InvalidDataException("this folder holds no hub; make one with: capillary hub init --data DIR "
            + "--fleet NAME");
        var root = NewestRoot(roots);
        database.Write(db => KeyTables.Learn(db, roots));
        // Beside the records: each has work that only one core can do.
        var reading = Task.Run(() => database.Read(db => PlanTables.Lines(db, root)).ToImmutableDictionary(line => line.Assignment.Site));
        var records = database.Read(db => RecordTables.Newest(db, root));
        var own = records.Single(record => record.Record.Kind == NodeKind.Hub);
        var below = records.Where(record => record != own).ToImmutableDictionary(record => record.Record.Node);
        var generation = database.Read(db => PlanTables.NewestCheckpoint(db, root))?.Checkpoint.Generation ?? 0;
        return new(new DesiredState(roots, own, null, below, reading.GetAwaiter().GetResult(), generation, [])
        {
            Foreign = Foreign(roots, database.Read(db => RecordTables.Signers(db, own.Record.Node))),
        });
    }

    /// <summary>A hub signs its own record with each release key that it comes to have.</summary>
    private static ImmutableHashSet<long> Foreign(IReadOnlyList<Envelope> roots, IReadOnlySet<string> signers) =>
        [.. roots.Select(TrustRoot.Parse).Where(root => !root.ReleaseKeys.Any(key => signers.Contains(key.Id)))
            .Select(root => root.Version)];

    /// <summary>The trust root in force.</summary>
    public static TrustRoot NewestRoot(IReadOnlyList<Envelope> roots) => TrustChain.Extend(TrustChain.Begin(roots[0]), roots);
}
