using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Publish;

/// <summary>What came of a wish for a new key.</summary>
internal abstract record AskOutcome
{
    private AskOutcome() { }

    /// <summary>The node is asked, since then; it answers when it has a link.</summary>
    public sealed record Asked(DateTimeOffset Since) : AskOutcome;

    /// <summary>The hub's own key is the new one.</summary>
    public sealed record Done(string KeyId) : AskOutcome;

    /// <summary>It cannot be asked.</summary>
    public sealed record Refused(string Reason) : AskOutcome;
}

/// <summary>How often keys are replaced.</summary>
/// <param name="Lifetime">From this age on a key is due (1 minute to 10 years, default 90 days).</param>
/// <param name="AtOnce">The most nodes that are asked at one time (1 to 10,000, default 100).</param>
internal sealed record KeyPolicy(TimeSpan Lifetime, int AtOnce)
{
    public static KeyPolicy Default { get; } = new(TimeSpan.FromDays(90), 100);

    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public void Validate()
    {
        if (Lifetime < TimeSpan.FromMinutes(1) || Lifetime > TimeSpan.FromDays(3653))
            throw new ArgumentException("the key lifetime is 1 minute to 10 years");
        if (AtOnce is < 1 or > 10_000) throw new ArgumentException("1 to 10,000 successions may be under way at once");
    }
}

/// <summary>
/// New identity keys for nodes over the years: asks for them by age or on command, and issues the next record when both keys signed the
/// succession. Ages are by the hub's own times of first naming a key; no clock of a node plays a part.
/// </summary>
internal sealed partial class Successions(HubDatabase database, HubKeys keys, LinkKeys links, RecordSigner records, DesiredStateCell cell,
    KeyPolicy policy, Func<NodeName, bool> isHeard, TimeProvider time, ILogger<Successions> log)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    // One that does not answer must not keep others waiting for ever.
    private static readonly TimeSpan HoldsPlaceFor = TimeSpan.FromMinutes(10);

    /// <summary><see cref="ParentHandlers.Succeed"/>: null when the newest record names the next key, else why not.</summary>
    public string? Take(Envelope envelope, NodeRecord from)
    {
        if (Succession.ClaimedNode(envelope) is not { } node) return "it is no succession";
        try
        {
            lock (records.Gate)
            {
                var refused = TakeInTurn(envelope, node);
                if (refused is not null) LogRefused(node, from.Node, refused);
                return refused;
            }
        }
        catch (SqliteException e)
        {
            // The node says it again in its next session.
            LogNotKept(node, e.Message);
            return $"the hub cannot write now: {e.Message}";
        }
    }

    private string? TakeInTurn(Envelope envelope, NodeName node)
    {
        if (records.Closed() is { } closed) return $"the hub signs no records now: {closed}";
        if (records.Newest(node) is not { Kind: not NodeKind.Hub } record) return $"'{node}' has no record";
        Succession succession;
        try
        {
            succession = Succession.Verify(envelope, record);
        }
        catch (TrustFormatException e)
        {
            return IsDone(envelope, record) ? null : e.Message;
        }
        // Whoever stole the current key would otherwise make the node his own for ever.
        if (!record.SuccessionDue) return $"no new key was asked of '{node}'; ask with: capillary {Kind(record)} rotate-key {node}";
        if (database.Read(db => KeyTables.OwnerOf(db, succession.Next.Id)) is { } owner)
            return $"the next key was named before, in a record of '{owner}'; a key is used once";
        records.Issue(node, $"node:{node}", "node.succeed",
            _ => record with { IdentityKey = succession.Next, Previous = record.IdentityKey.Id, SuccessionDue = false });
        LogSucceeded(node, succession.Next.Id);
        return null;
    }

    private static string Kind(NodeRecord record) => record.Kind.ToString().ToLowerInvariant();

    /// <summary>A node that did not hear of its new record says the same succession again.</summary>
    private bool IsDone(Envelope envelope, NodeRecord record)
    {
        if (record.Previous is not { } previous) return false;
        var before = database.Read(db => RecordTables.History(db, record.Node, cell.Value.TrustRoots))
            .Find(older => older.IdentityKey.Id == previous);
        if (before is null) return false;
        try
        {
            return Succession.Verify(envelope, before with { State = RecordState.Active }).Next.Equals(record.IdentityKey);
        }
        catch (TrustFormatException)
        {
            return false;
        }
    }

    /// <summary>Asks a node for a new key, or makes the hub's own.</summary>
    /// <param name="node">The node.</param>
    /// <param name="actor">For the journal.</param>
    /// <param name="revokesOld">Of the hub: its old key goes into the beacons, as somebody else may have it.</param>
    /// <exception cref="SqliteException">The disk is full or broken; nothing changed.</exception>
    /// <exception cref="IOException">As above.</exception>
    public AskOutcome Ask(NodeName node, string actor, bool revokesOld = false)
    {
        if (records.Closed() is { } closed) return new AskOutcome.Refused($"the hub signs no records now: {closed}");
        if (node == HubFolder.HubNode) return new AskOutcome.Done(RotateOwn(actor, revokesOld));
        lock (records.Gate)
        {
            if (records.Newest(node) is not { } record) return new AskOutcome.Refused($"'{node}' is not enrolled");
            if (record.State != RecordState.Active) return new AskOutcome.Refused($"'{node}' is revoked");
            var now = time.GetUtcNow();
            if (record.SuccessionDue) return new AskOutcome.Asked(database.Read(db => KeyTables.SuccessionSince(db, node)) ?? now);
            records.Issue(node, actor, "node.rotate-key", _ => record with { SuccessionDue = true },
                (db, _) => KeyTables.SuccessionAsked(db, node, now, actor));
            return new AskOutcome.Asked(now);
        }
    }

    /// <summary>
    /// The next key stands on disk before the record names it, and the record before the key is used. A crash between any two steps leaves
    /// what <see cref="HubKeys.Settle"/> finishes or undoes.
    /// </summary>
    private string RotateOwn(string actor, bool revokesOld)
    {
        lock (records.Gate)
        {
            var next = keys.Next(KeyUse.Identity);
            records.Issue(HubFolder.HubNode, actor, "hub.rotate-key",
                own => own! with { IdentityKey = next.Public, Previous = own!.IdentityKey.Id }, kept: () =>
                {
                    keys.Promote(KeyUse.Identity);
                    links.Begin(next);
                    links.Promote();
                }, revokesOld: revokesOld);
            LogSucceeded(HubFolder.HubNode, next.Public.Id);
            return next.Public.Id;
        }
    }

    /// <summary>Asks nodes whose key is due, the oldest first, until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                Step();
            }
            catch (Exception e) when (e is SqliteException or IOException)
            {
                LogNotKept(HubFolder.HubNode, e.Message);
            }
            await Task.Delay(LookEvery, time, stop);
        }
    }

    /// <summary>One look.</summary>
    public void Step()
    {
        if (records.Closed() is not null) return;
        var now = time.GetUtcNow();
        var (old, asked) = database.Read(db => (KeyTables.OlderThan(db, now - policy.Lifetime),
            KeyTables.SuccessionsAskedAfter(db, now - HoldsPlaceFor)));
        var places = policy.AtOnce - asked;
        foreach (var key in old.Where(IsDue))
        {
            if (key.Node == HubFolder.HubNode) RotateOwn("hub", revokesOld: false);
            // Whoever is away is asked when it comes back.
            else if (places > 0 && isHeard(key.Node))
            {
                Ask(key.Node, "hub");
                places--;
            }
        }
    }

    private bool IsDue(HeldKey key) => records.Newest(key.Node) is { State: RecordState.Active, SuccessionDue: false } record
        && record.IdentityKey.Id == key.KeyId;

    [LoggerMessage(EventId = 2111, Level = LogLevel.Information, Message = "{Node} has a new key, {Key}")]
    private partial void LogSucceeded(NodeName node, string key);

    [LoggerMessage(EventId = 2112, Level = LogLevel.Warning, Message = "a succession of {Node}, brought by {From}, was refused: {Problem}")]
    private partial void LogRefused(NodeName node, NodeName from, string problem);

    [LoggerMessage(EventId = 2113, Level = LogLevel.Error, Message = "a new key of {Node} cannot be recorded: {Problem}")]
    private partial void LogNotKept(NodeName node, string problem);
}
