using System.Collections.Immutable;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.RegionNode;

/// <summary>
/// Which trust root a region's children are led to. After a rotation of the release keys its records and lines arrive signed anew, one
/// after another; a child that had the new root already could take nothing that is still signed with the old keys. So the root moves on when
/// all that is held here holds under it.
/// </summary>
internal static class Offer
{
    /// <summary>What to offer after a start: the newest root under which at least the own record holds.</summary>
    public static DesiredState First(DesiredState held)
    {
        var version = held.TrustRoots.Count;
        while (version > 1 && !Holds(held.OwnRecord.Envelope, TrustRoot.Parse(held.TrustRoots[version - 1]))) version--;
        return Next(held with { TrustRoots = [.. held.TrustRoots.Take(version)] }, held);
    }

    /// <summary>What to offer of what is held.</summary>
    /// <param name="before">What is offered now.</param>
    /// <param name="held">Every trust root, the own record, the newest beacon, all records and every whole line.</param>
    public static DesiredState Next(DesiredState before, DesiredState held)
    {
        var version = Version(before.TrustRoots.Count, held);
        var root = TrustRoot.Parse(held.TrustRoots[version - 1]);
        var beacon = held.Beacon is { } newest && SignedBy(newest, root.BeaconKeys) ? newest : before.Beacon;
        return held with
        {
            TrustRoots = [.. held.TrustRoots.Take(version)],
            OwnRecord = Holds(held.OwnRecord.Envelope, root) ? held.OwnRecord : before.OwnRecord,
            Beacon = beacon,
            Records = Chosen(before.Records, held.Records, item => Holds(item.Envelope, root)),
            Lines = Chosen(before.Lines, held.Lines, line => Holds(line.Checkpoint.Envelope, root)),
        };
    }

    /// <summary>The newest root under which everything holds; else the one that is offered now.</summary>
    private static int Version(int offered, DesiredState held)
    {
        if (offered == held.TrustRoots.Count) return offered;
        var newest = TrustRoot.Parse(held.TrustRoots[^1]);
        var all = held.Records.Values.Select(item => item.Envelope).Append(held.OwnRecord.Envelope)
            .Concat(held.Lines.Values.Select(line => line.Checkpoint.Envelope).Distinct<Envelope>(ReferenceEqualityComparer.Instance));
        return all.All(envelope => Holds(envelope, newest)) ? held.TrustRoots.Count : offered;
    }

    private static ImmutableDictionary<TKey, TItem> Chosen<TKey, TItem>(ImmutableDictionary<TKey, TItem> before,
        ImmutableDictionary<TKey, TItem> held, Func<TItem, bool> holds)
        where TKey : notnull
    {
        // Almost always everything holds, and nothing is copied.
        var waiting = held.Where(item => !holds(item.Value)).ToList();
        foreach (var (key, _) in waiting)
            held = before.TryGetValue(key, out var old) && holds(old) ? held.SetItem(key, old) : held.Remove(key);
        return held;
    }

    private static bool Holds(Envelope envelope, TrustRoot root) => SignedBy(envelope, root.ReleaseKeys);

    // Each was verified when it came; what is asked here is only which key it was. A false key id leads to a refusal by the child.
    private static bool SignedBy(Envelope envelope, IReadOnlyList<PublicKey> keys) =>
        envelope.Signatures.Any(signature => keys.Any(key => key.Id == signature.Keyid));
}
