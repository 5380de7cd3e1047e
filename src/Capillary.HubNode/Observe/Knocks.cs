using Capillary.Core.Identity;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Observe;

/// <summary>
/// Who knocked and was not let in, so that an operator finds the site that a technician set up and nobody declared. In memory, and written
/// now and then: knocking must not cost this hub a disk write each.
/// </summary>
internal sealed class Knocks(HubDatabase database, TimeProvider time)
{
    /// <summary>The most that are remembered; the one who knocked longest ago leaves.</summary>
    public const int Most = 1000;

    private readonly Lock gate = new();
    private readonly Dictionary<(NodeName, string), Knock> seen =
        database.Read(KnockTable.All).ToDictionary(knock => (knock.Node, knock.KeyId));

    private bool changed;

    /// <summary>Oldest knock first.</summary>
    public IReadOnlyList<Knock> All
    {
        get
        {
            lock (gate) return [.. seen.Values.OrderBy(knock => knock.Last).ThenBy(knock => knock.Node.Value, StringComparer.Ordinal)];
        }
    }

    public void Add(NodeName node, string keyId, string via, string why)
    {
        var now = time.GetUtcNow();
        lock (gate)
        {
            var known = seen.GetValueOrDefault((node, keyId));
            if (known is null && seen.Count >= Most)
            {
                var oldest = seen.Values.MinBy(knock => knock.Last)!;
                seen.Remove((oldest.Node, oldest.KeyId));
            }
            seen[(node, keyId)] = new(node, keyId, via, known?.First ?? now, now, (known?.Count ?? 0) + 1, why);
            changed = true;
        }
    }

    /// <summary>This name was given to somebody: who else knocked under it is known by the journal.</summary>
    public void Forget(NodeName node, string keyId)
    {
        lock (gate) changed |= seen.Remove((node, keyId));
    }

    /// <summary>Makes them durable.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The disk is full; they stay in memory.</exception>
    public void Keep()
    {
        lock (gate)
        {
            if (!changed) return;
            database.Write(db => KnockTable.Replace(db, seen.Values));
            changed = false;
        }
    }
}
