using System.Collections.Immutable;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.RegionNode;

/// <summary>
/// Which trust root a region's children are led to. After a rotation of the release keys its records and lines arrive signed anew, one
/// after another; a child that had the new root already could take nothing that is still signed with the old keys. So the root moves on
/// when
/// all that the parent signs anew is here. Whom the region lets in never depends on it: that is the newest record's word.
/// </summary>
internal static class Offer
{
    /// <summary>What to offer after a start: the newest root under which at least the own record holds.</summary>
    public static DesiredState First(DesiredState held)
    {
        var version = NewestOfOwn(held);
        return Next(held with { TrustRoots = [.. held.TrustRoots.Take(version)] }, held, null);
    }

    /// <summary>What to offer of what is held.</summary>
    /// <param name="before">What is offered now.</param>
    /// <param name="held">Every trust root, the own record, the newest beacon, all records and every whole line.</param>
    /// <param name="complete">The newest checkpoint whose lines came to their end; null at first.</param>
    public static DesiredState Next(DesiredState before, DesiredState held, Envelope? complete)
    {
        var version = Version(before, held, complete);
        var root = TrustRoot.Parse(held.TrustRoots[version - 1]);
        return held with
        {
            TrustRoots = [.. held.TrustRoots.Take(version)],
            OwnRecord = Holds(held.OwnRecord.Envelope, root) ? held.OwnRecord : before.OwnRecord,
            Beacon = new[] { held.Beacon, before.Beacon }.FirstOrDefault(one => one is not null && SignedBy(one, root.BeaconKeys)),
            Withheld = [.. held.Records.Values.Where(item => !Holds(item.Envelope, root)).Select(item => item.Record.Node)],
            Lines = Chosen(before.Lines, held.Lines, line => Holds(line.Checkpoint.Envelope, root)),
        };
    }

    /// <summary>
    /// The newest root, once all holds under it: a complete checkpoint that does is proof that the parent sent all it will ever send,
    /// so that
    /// a line or a record that is never signed anew (of a site that retired) holds nobody back.
    /// </summary>
    private static int Version(DesiredState before, DesiredState held, Envelope? complete)
    {
        var offered = before.TrustRoots.Count;
        if (offered == held.TrustRoots.Count) return offered;
        var newest = TrustRoot.Parse(held.TrustRoots[^1]);
        if (Holds(held.OwnRecord.Envelope, newest)
            && ((complete is not null && Holds(complete, newest)) || Signed(held).All(envelope => Holds(envelope, newest))))
            return held.TrustRoots.Count;
        // The server shows the newest key. Children can only be shown the record that names it.
        return held.OwnRecord.Record.IdentityKey.Equals(before.OwnRecord.Record.IdentityKey)
            ? offered
            : Math.Max(offered, NewestOfOwn(held));
    }

    private static int NewestOfOwn(DesiredState held)
    {
        var version = held.TrustRoots.Count;
        while (version > 1 && !Holds(held.OwnRecord.Envelope, TrustRoot.Parse(held.TrustRoots[version - 1]))) version--;
        return version;
    }

    /// <summary>What must be signed anew before the root moves on: records, and the lines of sites that are served here.</summary>
    private static IEnumerable<Envelope> Signed(DesiredState held)
    {
        var lines = held.Lines.Values.Where(line => held.Records.TryGetValue(new(line.Assignment.Site.Value), out var site)
            && site.Record.State == RecordState.Active && site.Record.Region == line.Region);
        return held.Records.Values.Select(item => item.Envelope)
            .Concat(lines.Select(line => line.Checkpoint.Envelope).Distinct<Envelope>(ReferenceEqualityComparer.Instance));
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
