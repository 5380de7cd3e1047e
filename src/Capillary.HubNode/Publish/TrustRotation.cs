using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Publish;

/// <summary>What the next trust root is to change.</summary>
/// <param name="Release">A new release key.</param>
/// <param name="Beacon">A new beacon key.</param>
/// <param name="RootKeys">Other root keys; null: as they are.</param>
/// <param name="Threshold">How many of them sign the one after it; null: as it is.</param>
internal sealed record RotationWish(bool Release, bool Beacon, IReadOnlyList<PublicKey>? RootKeys, int? Threshold)
{
    /// <summary>Trust roots that came into force after the backup that this hub is from; it has none of the keys that they name.</summary>
    public IReadOnlyList<Envelope> After { get; init; } = [];
}

/// <summary>What came of a rotation's step.</summary>
internal abstract record RotationOutcome
{
    private RotationOutcome() { }

    /// <summary>The payload that the root keys sign.</summary>
    public sealed record Prepared(TrustRoot Next, byte[] Payload, Envelope Current) : RotationOutcome;

    /// <summary>It is in force here, and offered.</summary>
    public sealed record Applied(long Version, int Records) : RotationOutcome;

    /// <summary>It holds not, or not yet.</summary>
    public sealed record Refused(string Reason) : RotationOutcome;
}

/// <summary>
/// The next version of the trust root. The hub makes the new release and beacon keys and applies what the root keys' holders signed: all of
/// it in one transaction and one step for children, so that at no moment a document stands under a root that does not prove it.
/// </summary>
internal sealed partial class TrustRotation(HubKeys keys, RecordSigner records, Publisher publisher, DesiredStateCell cell,
    TimeProvider time, ILogger<TrustRotation> log)
{
    private TrustRoot Current => TrustRoot.Parse(cell.Value.TrustRoots[^1]);

    /// <summary>Makes the new private keys, which never leave the hub, and says what is to be signed.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    /// <exception cref="TrustFormatException">What is to be followed does not follow the root in force.</exception>
    public RotationOutcome Prepare(RotationWish wish)
    {
        lock (records.Gate)
        {
            var current = TrustChain.Extend(Current, wish.After);
            if (current.Version > Current.Version) wish = wish with { Release = true, Beacon = true };
            var rootKeys = wish.RootKeys ?? current.RootKeys;
            var threshold = wish.Threshold ?? current.Threshold;
            if (rootKeys.Count is < 1 or > 16 || rootKeys.DistinctBy(key => key.Id).Count() != rootKeys.Count)
                return new RotationOutcome.Refused("a trust root has 1 to 16 different root keys");
            if (threshold < 1 || threshold > rootKeys.Count)
                return new RotationOutcome.Refused($"the threshold is 1 to {rootKeys.Count}, the number of root keys");
            if (!wish.Release && !wish.Beacon && wish.RootKeys is null && wish.Threshold is null)
                return new RotationOutcome.Refused("nothing is to change");
            var next = current with
            {
                Version = current.Version + 1, RootKeys = rootKeys, Threshold = threshold,
                ReleaseKeys = wish.Release ? [keys.Next(KeyUse.Release).Public] : current.ReleaseKeys,
                BeaconKeys = wish.Beacon ? [keys.Next(KeyUse.Beacon).Public] : current.BeaconKeys,
            };
            var newest = cell.Value.TrustRoots.Concat(wish.After).Last(one => TrustRoot.Parse(one).Version == current.Version);
            return new RotationOutcome.Prepared(next, next.ToPayload(), newest);
        }
    }

    /// <summary>Applies a signed trust root; one that is in force already is applied.</summary>
    /// <param name="envelope">It.</param>
    /// <param name="actor">For the journal.</param>
    /// <param name="after">As in <see cref="RotationWish.After"/>.</param>
    /// <exception cref="SqliteException">The disk is full or broken; nothing changed.</exception>
    public RotationOutcome Submit(Envelope envelope, string actor, IReadOnlyList<Envelope>? after = null)
    {
        if (records.Closed() is { } closed) return new RotationOutcome.Refused($"the hub signs no records now: {closed}");
        lock (records.Gate)
        {
            TrustRoot next;
            List<Envelope> foreign;
            try
            {
                next = TrustRoot.Parse(envelope);
                var before = cell.Value.TrustRoots;
                if (next.Version <= before.Count && before[(int)next.Version - 1].Digest == envelope.Digest)
                    return new RotationOutcome.Applied(next.Version, 0);
                foreign = [.. (after ?? []).Where(one => TrustRoot.Parse(one).Version > before.Count)];
                if (next.Version != before.Count + foreign.Count + 1)
                    return new RotationOutcome.Refused($"it is version {next.Version}, the next one here is "
                        + $"{before.Count + foreign.Count + 1}; begin anew with: capillary trust rotate");
                TrustChain.Extend(Current, [.. foreign, envelope]);
            }
            catch (TrustFormatException e)
            {
                return new RotationOutcome.Refused(e.Message);
            }
            if (Changed(KeyUse.Release, next.ReleaseKeys, out var release) is { } noRelease) return noRelease;
            if (Changed(KeyUse.Beacon, next.BeaconKeys, out var beacon) is { } noBeacon) return noBeacon;
            return Apply(new Turn(envelope, next, foreign, actor), release, beacon);
        }
    }

    /// <summary>Refuses keys that are not the hub's: it could sign nothing more.</summary>
    private RotationOutcome.Refused? Changed(KeyUse use, IReadOnlyList<PublicKey> named, out bool changed)
    {
        changed = !named.Contains(keys.Of(use).Public);
        if (!changed || (keys.HasNext(use) && named.Contains(keys.Next(use).Public))) return null;
        var name = use.ToString().ToLowerInvariant();
        return new RotationOutcome.Refused($"its {name} key is not one that this hub made; begin anew with: "
            + $"capillary trust rotate --{name}");
    }

    /// <summary>What is put into force: the next root, after roots that this hub never had.</summary>
    private sealed record Turn(Envelope Envelope, TrustRoot Next, IReadOnlyList<Envelope> Foreign, string Actor);

    private RotationOutcome.Applied Apply(Turn turn, bool release, bool beacon)
    {
        var now = time.GetUtcNow();
        var state = cell.Value;
        // After roots that this hub never had there are newer records than it knows: RecordRenewal signs those when they are told.
        var due = turn.Foreign.Count > 0 ? [] : state.Records.Values;
        var signed = release ? due.Append(state.OwnRecord).Select(item => SignAnew(item.Record)).ToList() : [];
        var own = signed.Find(item => item.Record.Kind == NodeKind.Hub) ?? state.OwnRecord;
        var others = signed.Where(item => item.Record.Kind != NodeKind.Hub).ToList();
        publisher.Reprove(new Reproof(_ => release)
        {
            Key = release ? keys.Next(KeyUse.Release) : keys.Release,
            Also = db => Keep(db, turn, signed, now),
            Kept = () =>
            {
                if (release) keys.Promote(KeyUse.Release);
                if (beacon) keys.Promote(KeyUse.Beacon);
            },
            Offer = offered => offered with
            {
                TrustRoots = [.. offered.TrustRoots, .. turn.Foreign, turn.Envelope],
                Foreign = offered.Foreign.Union(turn.Foreign.Select(one => TrustRoot.Parse(one).Version)),
                OwnRecord = own,
                Records = offered.Records.SetItems(others.Select(item => KeyValuePair.Create(item.Record.Node, item))),
            },
        });
        LogRotated(turn.Next.Version, signed.Count);
        return new RotationOutcome.Applied(turn.Next.Version, signed.Count);
    }

    private SignedRecord SignAnew(NodeRecord record) =>
        records.Sign(record with { Version = record.Version + 1 }, keys.Next(KeyUse.Release));

    private void Keep(SqliteConnection db, Turn turn, List<SignedRecord> signed, DateTimeOffset now)
    {
        var before = Current;
        foreach (var root in turn.Foreign.Append(turn.Envelope)) RecordTables.AddTrustRoot(db, root, now);
        foreach (var item in signed) RecordTables.AddRecord(db, item, now);
        JournalTable.Append(db, now, turn.Actor, "trust.rotate", Shown(before), Shown(turn.Next));
    }

    private static object Shown(TrustRoot root) => new
    {
        version = root.Version, threshold = root.Threshold, rootKeys = root.RootKeys.Select(key => key.Id).ToList(),
        releaseKeys = root.ReleaseKeys.Select(key => key.Id).ToList(), beaconKeys = root.BeaconKeys.Select(key => key.Id).ToList(),
    };

    [LoggerMessage(EventId = 2121, Level = LogLevel.Warning,
        Message = "trust root version {Version} is in force; {Records} records signed anew")]
    private partial void LogRotated(long version, int records);
}
