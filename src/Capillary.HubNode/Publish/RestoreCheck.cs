using System.Collections.Concurrent;
using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Publish;

/// <summary>
/// Whether this hub is the newest of itself (DESIGN section 6). After a start it asks every enrolled region what it holds, and signs and
/// sends it nothing before; a region that holds what this hub never signed says that the hub came back from a backup. Then nothing new is
/// signed until <c>capillary hub resume</c>.
/// </summary>
internal sealed partial class RestoreCheck
{
    private readonly HubDatabase database;
    private readonly DesiredStateCell cell;
    private readonly HubConditions conditions;
    private readonly TimeProvider time;
    private readonly ILogger<RestoreCheck> log;
    private readonly TimeSpan grace;
    private readonly ConcurrentDictionary<NodeName, RegionAhead> ahead;
    private readonly ConcurrentDictionary<NodeName, long> newerRoots = new();
    private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RegionNodes? regions;
    private long lastResume;
    private long recovered;

    public RestoreCheck(HubDatabase database, DesiredStateCell cell, HubConditions conditions, TimeSpan grace, TimeProvider time,
        ILogger<RestoreCheck> log)
    {
        (this.database, this.cell, this.conditions, this.grace, this.time, this.log) = (database, cell, conditions, grace, time, log);
        ahead = new(database.Read(RestoreTables.Ahead).ToDictionary(one => one.Node));
        lastResume = database.Read(RestoreTables.LastResume);
        cell.Update(state => state with { Met = [] });
        if (!ahead.IsEmpty) RaiseBehind();
        SettleIfAllTold();
    }

    /// <summary>Called when something changed that lets the hub go on, or stops it.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Done when every enrolled region told what it holds, or the time for that is over.</summary>
    public Task Settled => settled.Task;

    /// <summary>Why the hub signs nothing at all until a person says so; null when it may.</summary>
    public string? Behind => ahead.IsEmpty ? null : Text();

    /// <summary>Why no plan is published now; null when it may be.</summary>
    public string? Paused => Behind ?? (settled.Task.IsCompleted ? null : $"waiting up to {grace.TotalSeconds:0} s for what "
        + $"{string.Join(", ", Untold())} holds, in case this hub came back from a backup");

    /// <summary>Regions that hold what this hub never signed.</summary>
    public IReadOnlyList<RegionAhead> Ahead => [.. ahead.Values.OrderBy(one => one.Node.Value, StringComparer.Ordinal)];

    /// <summary>Records that regions gave back since the start.</summary>
    public long Recovered => Interlocked.Read(ref recovered);

    /// <summary>Ends the wait when its time is over.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (!settled.Task.IsCompleted)
        {
            await Task.WhenAny(settled.Task, Task.Delay(grace, time, stop));
            stop.ThrowIfCancellationRequested();
            if (settled.TrySetResult()) LogUntold(string.Join(", ", Untold()));
            Changed();
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
    }

    /// <summary>
    /// A node that holds a newer trust root than this hub believes nothing of what this hub signs, and hangs up. It proves its key and not
    /// what it says, so it stops nothing here but what concerns itself.
    /// </summary>
    public void RootAhead(ParentOutput.RootAhead found)
    {
        var isNew = newerRoots.TryAdd(found.Node, found.Version);
        newerRoots[found.Node] = found.Version;
        ShowRoots();
        if (!isNew) return;
        LogRootBehind(found.Node, found.Version, cell.Value.TrustRoots.Count);
        database.Write(db => JournalTable.Append(db, time.GetUtcNow(), "hub", "hub.root-behind", null,
            new { node = found.Node.Value, version = found.Version }));
    }

    /// <summary>A region is linked; before anything is sent to it.</summary>
    public void Joined(ParentOutput.Joined joined)
    {
        if (newerRoots.TryRemove(joined.Child.Node, out _)) ShowRoots();
        if (joined.Child.Kind != NodeKind.Region) return;
        var node = joined.Child.Node;
        if (joined.Proven is { } proven && IsForeign(proven)) Fall(node, proven);
        else if (joined.SameRecords || cell.Value.Met!.Contains(node)) Meet(node);
    }

    /// <summary>Takes in what a region holds and this hub does not; each record shows by its signature that this hub once signed
    /// it.</summary>
    public void TakeRecords(IReadOnlyList<Envelope> items, NodeRecord from, bool complete)
    {
        var known = cell.Value.RecordsFor(from).Select(item => item.Envelope.Digest).ToHashSet();
        var newer = items.Where(item => !known.Contains(item.Digest)).Select(item => Verified(item, from)).OfType<SignedRecord>().ToList();
        if (newer.Count > 0) Keep(newer, from);
        if (complete && !ahead.ContainsKey(from.Node)) Meet(from.Node);
    }

    /// <summary>The hub went on with this generation: every region may be sent everything again.</summary>
    public void Resumed(long generation, string actor, long before)
    {
        var was = Ahead;
        database.Write(db =>
        {
            RestoreTables.Resume(db, generation, time.GetUtcNow());
            JournalTable.Append(db, time.GetUtcNow(), actor, "hub.resume", new { generation = before,
                ahead = was.ToDictionary(one => one.Node.Value, one => one.Generation) }, new { generation, records = Recovered });
        });
        lastResume = generation;
        ahead.Clear();
        conditions.Clear(HubConditions.HubBehind);
        cell.Update(state => state with { Met = state.Met!.Union(was.Select(one => one.Node)) });
        SettleIfAllTold();
        Changed();
    }

    private bool IsForeign(VerifiedCheckpoint proven)
    {
        var generation = proven.Checkpoint.Generation;
        // What was signed before the hub went on is older than all that it signed since, whoever has it.
        if (generation < lastResume) return false;
        return database.Read(db => RestoreTables.Signed(db, generation))?.Digest != proven.Digest;
    }

    private void Fall(NodeName node, VerifiedCheckpoint proven)
    {
        var found = new RegionAhead(node, proven.Checkpoint.Generation, proven.Envelope, time.GetUtcNow());
        cell.Update(state => state with { Met = state.Met!.Remove(node) });
        // In memory first: whatever the disk says, nothing may be signed from here on.
        ahead[node] = found;
        RaiseBehind();
        database.Write(db =>
        {
            RestoreTables.Put(db, found);
            JournalTable.Append(db, found.At, "hub", "hub.behind", null, new { region = node.Value, generation = found.Generation });
        });
        LogBehind(node, found.Generation, cell.Value.Generation);
        SettleIfAllTold();
        Changed();
    }

    private void Meet(NodeName node)
    {
        cell.Update(state => state.Met!.Contains(node) ? state : state with { Met = state.Met.Add(node) });
        SettleIfAllTold();
        Changed();
    }

    private void SettleIfAllTold()
    {
        if (!settled.Task.IsCompleted && (grace == TimeSpan.Zero || Untold().Count == 0)) settled.TrySetResult();
    }

    private List<NodeName> Untold()
    {
        var state = cell.Value;
        return [.. RegionsOf(state).Nodes.Where(node => !state.Met!.Contains(node) && !ahead.ContainsKey(node))];
    }

    /// <summary>Every loop of the hub asks at each turn; the regions are looked for among all sites only when a record changed.</summary>
    private RegionNodes RegionsOf(DesiredState state)
    {
        if (regions is { } known && known.Of == state.Records) return known;
        return regions = new(state.Records, [.. state.Records.Values
            .Where(item => item.Record is { Kind: NodeKind.Region, State: RecordState.Active }).Select(item => item.Record.Node)
            .OrderBy(node => node.Value, StringComparer.Ordinal)]);
    }

    private sealed record RegionNodes(ImmutableDictionary<NodeName, SignedRecord> Of, IReadOnlyList<NodeName> Nodes);

    private SignedRecord? Verified(Envelope envelope, NodeRecord from)
    {
        try
        {
            var record = TrustChain.UnderAny(cell.Value.TrustRoots, root => NodeRecord.Verify(envelope, root));
            var isOfRegion = record.Node == from.Node || (record.Kind == NodeKind.Site && record.IsKnownIn(from.Region));
            var held = cell.Value.Records.GetValueOrDefault(record.Node)?.Record.Version ?? 0;
            return isOfRegion && record.Version > held ? new SignedRecord(record, envelope) : null;
        }
        catch (TrustFormatException e)
        {
            LogBadRecord(from.Node, e.Message);
            return null;
        }
    }

    private void Keep(List<SignedRecord> newer, NodeRecord from)
    {
        var now = time.GetUtcNow();
        database.Write(db =>
        {
            foreach (var item in newer)
            {
                RecordTables.AddRecord(db, item, now);
                if (item.Record.State == RecordState.Revoked) Revocations.Add(db, item.Record.IdentityKey.Id, now);
            }
            JournalTable.Append(db, now, $"node:{from.Node}", "records.recover", null,
                new { records = newer.ToDictionary(item => item.Record.Node.Value, item => item.Record.Version) });
        });
        cell.Update(state => state with
        {
            Records = state.Records.SetItems(newer.Select(item => KeyValuePair.Create(item.Record.Node, item))),
        });
        Interlocked.Add(ref recovered, newer.Count);
        LogRecovered(newer.Count, from.Node);
    }

    private void ShowRoots()
    {
        var nodes = string.Join(", ", newerRoots.OrderBy(one => one.Key.Value, StringComparer.Ordinal).Take(5)
            .Select(one => $"{one.Key} (version {one.Value})"));
        if (newerRoots.IsEmpty) conditions.Clear(HubConditions.TrustRootBehind);
        else conditions.Raise(HubConditions.TrustRootBehind, $"this hub has trust root version {cell.Value.TrustRoots.Count}, and nodes "
            + $"hold a newer one: {nodes}; it came back from a backup of before a rotation, and they believe nothing that it signs. See "
            + "docs/operations/site-life.md, 'A hub from before a rotation'");
    }

    private void RaiseBehind() => conditions.Raise(HubConditions.HubBehind, Text());

    private string Text()
    {
        var regions = string.Join(", ", Ahead.Select(one => $"{one.Node} (generation {one.Generation})"));
        return $"this hub is at generation {cell.Value.Generation}, and regions hold what it never signed: {regions}; it came back from an "
            + "old backup, or another hub runs with its keys. Nothing is published until: capillary hub resume";
    }

    [LoggerMessage(EventId = 2151, Level = LogLevel.Error,
        Message = "region node {Node} proves generation {Generation}, this hub is at {Own}: it came back from a backup; nothing is "
            + "published")]
    private partial void LogBehind(NodeName node, long generation, long own);

    [LoggerMessage(EventId = 2155, Level = LogLevel.Error,
        Message = "{Node} holds trust root version {Version}, this hub has {Own}: it believes nothing of what this hub signs")]
    private partial void LogRootBehind(NodeName node, long version, int own);

    [LoggerMessage(EventId = 2152, Level = LogLevel.Warning, Message = "{Count} newer records were taken in from region node {Node}")]
    private partial void LogRecovered(int count, NodeName node);

    [LoggerMessage(EventId = 2153, Level = LogLevel.Warning,
        Message = "region node {Node} holds a record that does not hold here: {Problem}")]
    private partial void LogBadRecord(NodeName node, string problem);

    [LoggerMessage(EventId = 2154, Level = LogLevel.Warning, Message = "going on without having heard of: {Nodes}")]
    private partial void LogUntold(string nodes);
}
