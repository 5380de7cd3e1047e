using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Observe;

/// <summary>
/// Signs that a node's key was copied, seen here or by a region, durable and bounded. One stands until the node is enrolled anew or
/// revoked, or was not seen again for <see cref="StandsFor"/>.
/// </summary>
internal sealed partial class CopiedKeys(HubDatabase database, DesiredStateCell cell, HubConditions conditions, TimeProvider time,
    ILogger<CopiedKeys> log)
{
    /// <summary>The condition's code at a site. A warning, as it says nothing of the workload: the state stays.</summary>
    public const string KeyCopied = "KeyCopied";

    private const int MostPerNode = 8;
    private const int Most = 10_000;
    private static readonly TimeSpan BetweenWrites = TimeSpan.FromMinutes(1);
    private readonly Lock gate = new();
    private readonly Dictionary<NodeName, List<StoredSighting>> known = database.Read(SightingTable.All).GroupBy(item => item.Node)
        .ToDictionary(group => group.Key, group => group.ToList());

    /// <summary>How long one stands after it was last seen.</summary>
    public static TimeSpan StandsFor { get; } = TimeSpan.FromDays(30);

    /// <summary>What stands of a node, oldest first.</summary>
    public IReadOnlyList<StoredSighting> Of(NodeName node)
    {
        lock (gate) return known.TryGetValue(node, out var items) ? [.. items.Where(item => Stands(item))] : [];
    }

    /// <summary>Every node of which one stands.</summary>
    public IReadOnlySet<NodeName> Nodes()
    {
        lock (gate) return known.Where(item => item.Value.Exists(Stands)).Select(item => item.Key).ToHashSet();
    }

    /// <summary>Two reports that cannot both be of one site.</summary>
    public void TwoReports(SiteId site, string keyId) =>
        Take([new CloneSighting(new NodeName(site.Value), keyId, CloneSign.TwoReports, 1, time.GetUtcNow())], HubFolder.HubNode);

    /// <summary>The node was revoked, or has a new identity: what was seen of the old one is over.</summary>
    public void Forget(NodeName node)
    {
        lock (gate)
        {
            if (known.Remove(node, out var items)) database.Write(db => items.ForEach(item => SightingTable.Remove(db, item)));
            Show();
        }
    }

    /// <summary>Takes signs in, from this parent or a region; what was told before changes nothing.</summary>
    public void Take(IReadOnlyList<CloneSighting> sightings, NodeName seenBy)
    {
        lock (gate)
        {
            foreach (var sighting in sightings) Take(sighting, seenBy.Value);
            Show();
        }
    }

    /// <summary>Raises or clears the hub's condition; call now and then, as signs lapse.</summary>
    public void Look()
    {
        lock (gate) Show();
    }

    /// <summary>The condition of a site; null: none stands.</summary>
    public Condition? ConditionOf(NodeName node)
    {
        if (Of(node) is not { Count: > 0 } items) return null;
        var seen = items.Select(item => $"{Says(item.Sign)} (key {item.KeyId[..12]}, {item.Count}x, seen by {item.SeenBy}, last at "
            + $"{item.LastAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z)");
        return new Condition(KeyCopied, Severity.Warning, $"this site's key was copied: {string.Join("; ", seen)}. Find the copy; "
            + $"then give the site a new identity: capillary site replace {node}, or shut it out: capillary site revoke {node}");
    }

    private void Take(CloneSighting sighting, string seenBy)
    {
        var now = time.GetUtcNow();
        if (!known.TryGetValue(sighting.Node, out var items)) known[sighting.Node] = items = [];
        var at = items.FindIndex(item => item.KeyId == sighting.KeyId && item.Sign == sighting.Sign && item.SeenBy == seenBy);
        var before = at < 0 ? null : items[at];
        if (before?.ToldAt.ToUnixTimeMilliseconds() == sighting.LastAt.ToUnixTimeMilliseconds()) return;
        var count = Math.Max(sighting.Count, (before?.Count ?? 0) + 1);
        var next = new StoredSighting(sighting.Node, sighting.KeyId, sighting.Sign, seenBy, count, before?.FirstAt ?? now, now,
            sighting.LastAt);
        var leaving = before is null ? MakeRoom(items) : [];
        if (at < 0) items.Add(next);
        else items[at] = next;
        // Whoever holds a copy may show it as often as he likes; that must not wear the disk.
        if (before is null || now - before.LastAt > BetweenWrites) Keep(next, before is null, leaving);
    }

    /// <summary>The oldest leave when a node, or the fleet, has too many.</summary>
    private List<StoredSighting> MakeRoom(List<StoredSighting> items)
    {
        var leaving = new List<StoredSighting>();
        if (items.Count >= MostPerNode) leaving.Add(items.MinBy(item => item.LastAt)!);
        if (leaving.Count == 0 && known.Values.Sum(list => list.Count) >= Most)
            leaving.Add(known.Values.SelectMany(list => list).MinBy(item => item.LastAt)!);
        foreach (var item in leaving) known[item.Node].Remove(item);
        return leaving;
    }

    private void Keep(StoredSighting item, bool isFirst, List<StoredSighting> leaving)
    {
        if (isFirst) LogCopied(item.Node, item.KeyId, item.Sign, item.SeenBy);
        try
        {
            database.Write(db =>
            {
                foreach (var old in leaving) SightingTable.Remove(db, old);
                SightingTable.Put(db, item);
                if (isFirst)
                    JournalTable.Append(db, item.LastAt, item.SeenBy, "key.copied", null,
                        new { node = item.Node.Value, key = item.KeyId, sign = item.Sign.ToString() });
            });
        }
        catch (SqliteException e)
        {
            // It is known as long as this process lives, and a copy shows itself again.
            LogNotKept(item.Node, e.Message);
        }
    }

    private bool Stands(StoredSighting item) => time.GetUtcNow() - item.LastAt <= StandsFor
        && cell.Value.Records.TryGetValue(item.Node, out var found) && found.Record.State == RecordState.Active;

    private void Show()
    {
        var nodes = Nodes();
        if (nodes.Count == 0)
        {
            conditions.Clear(HubConditions.KeyCopied);
            return;
        }
        var names = string.Join(", ", nodes.Order().Take(5)) + (nodes.Count > 5 ? $" and {nodes.Count - 5} more" : "");
        conditions.Raise(HubConditions.KeyCopied, $"the key of {names} was copied; see: capillary site show NAME");
    }

    private static string Says(CloneSign sign) => sign switch
    {
        CloneSign.OldKey => "somebody shows a key that it gave up",
        CloneSign.TwoSessions => "two machines were at work with it at the same time",
        _ => "two machines reported with it",
    };

    [LoggerMessage(EventId = 2311, Level = LogLevel.Error, Message = "the key {Key} of {Node} was copied: {Sign}, seen by {SeenBy}")]
    private partial void LogCopied(NodeName node, string key, CloneSign sign, string seenBy);

    [LoggerMessage(EventId = 2312, Level = LogLevel.Error, Message = "the copied key of {Node} cannot be kept: {Problem}")]
    private partial void LogNotKept(NodeName node, string problem);
}
