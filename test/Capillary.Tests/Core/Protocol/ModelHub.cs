using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Protocol;

/// <summary>The hub of the model: decides lines, moves, keys and beacons, and signs them. A rotation is one change of its state.</summary>
internal sealed class ModelHub
{
    private readonly SortedDictionary<SiteId, (RegionId Region, Assignment Line)> sites = [];
    private readonly TestKey[] roots = [.. TestFleet.Roots];
    private TestKey release = TestFleet.Release;
    private TestKey beaconKey = TestFleet.BeaconKey;
    private DateTimeOffset clock = TestFleet.Issued;
    private long generation;

    public ModelHub(IEnumerable<NodeRecord> regions, IEnumerable<NodeRecord> records)
    {
        var own = TestFleet.HubRecord with { IdentityKey = Keys.Current.Public };
        State = new DesiredState([SignedGoldens.Root1], Signed(own), null,
            regions.Concat(records).ToImmutableDictionary(record => record.Node, Signed), [], 0, []);
        foreach (var record in records) sites[new(record.Node.Value)] = (record.Region!.Value, TestFleet.Line(new(record.Node.Value), 1));
        Publish();
    }

    public LinkKeys Keys { get; private set; } = new(SigningKey.Create());

    public CloneWatch Watch { get; } = new(TwoSessionsPolicy.NewestStays);

    public DesiredState State { get; private set; }

    public NodeRecord RecordOf(NodeName node) => State.Records[node].Record;

    public void Change(IEnumerable<SiteId> some, string bundle)
    {
        foreach (var site in some.Where(sites.ContainsKey).ToList())
            sites[site] = (sites[site].Region, TestFleet.Line(site, generation + 1, bundle));
        Publish();
    }

    /// <summary>The line stays as it is and is proven anew, so that the new region gets it.</summary>
    /// <param name="site">Which.</param>
    /// <param name="region">Where to.</param>
    /// <param name="reported">The generation of the site's newest report.</param>
    public void Move(SiteId site, RegionId region, long reported)
    {
        var held = RecordOf(new(site.Value));
        if (!sites.TryGetValue(site, out var planned) || held.Region == region) return;
        Issue(held.MovedTo(region, [$"{region}:443"], wasHere: reported >= State.Lines[site].ProvenAt));
        sites[site] = (region, planned.Line);
        Publish(again: [site]);
    }

    /// <summary>The record says so at once, the beacon from now on.</summary>
    public void Revoke(SiteId site)
    {
        var held = RecordOf(new(site.Value));
        if (!sites.Remove(site)) return;
        Issue(held with { State = RecordState.Revoked });
        State = State with { Revocations = State.Revocations.Add(held.IdentityKey.Id), Lines = State.Lines.Remove(site) };
        Publish();
        Beat();
    }

    public void WantSuccession(NodeName node)
    {
        if (RecordOf(node) is { State: RecordState.Active } held) Issue(held with { SuccessionDue = true });
    }

    public string? Succeed(Envelope envelope)
    {
        try
        {
            var held = RecordOf(Succession.ClaimedNode(envelope)!.Value);
            var next = Succession.Verify(envelope, held).Next;
            Issue(held with { IdentityKey = next, Previous = held.IdentityKey.Id, SuccessionDue = false });
            return null;
        }
        catch (TrustFormatException e)
        {
            return e.Message;
        }
    }

    public void SucceedItself()
    {
        Keys = new LinkKeys(SigningKey.Create());
        var held = State.OwnRecord.Record;
        State = State with
        {
            OwnRecord = Signed(held with { Version = held.Version + 1, IdentityKey = Keys.Current.Public, Previous = held.IdentityKey.Id }),
        };
    }

    /// <summary>New release and beacon keys, and one new root key: everything is signed anew at once.</summary>
    public void Rotate()
    {
        var before = TrustRoot.Parse(State.TrustRoots[^1]);
        TestKey[] old = [.. roots];
        roots[before.Version % 3] = TestKey.Fresh();
        (release, beaconKey) = (TestKey.Fresh(), TestKey.Fresh());
        var next = before with
        {
            Version = before.Version + 1, RootKeys = [.. roots.Select(key => key.Public)], ReleaseKeys = [release.Public],
            BeaconKeys = [beaconKey.Public],
        };
        var root = TestFleet.Sign(next, [.. old.Union(roots)]);
        var own = State.OwnRecord.Record;
        State = State with
        {
            TrustRoots = [.. State.TrustRoots, root],
            OwnRecord = Signed(own with { Version = own.Version + 1 }),
            Records = State.Records.ToImmutableDictionary(item => item.Key,
                item => Signed(item.Value.Record with { Version = item.Value.Record.Version + 1 })),
        };
        Publish(again: [.. sites.Keys]);
        Beat();
    }

    public void Beat()
    {
        clock = clock.AddMinutes(5);
        var digest = Capillary.Core.Bundles.Digest.Of(System.Text.Encoding.UTF8.GetBytes($"checkpoint {generation}"));
        State = State with { Beacon = TestFleet.Sign(new Beacon(1, TestFleet.Name, clock, generation, digest, [.. State.Revocations]), beaconKey) };
    }

    private SignedRecord Signed(NodeRecord record) => new(record, TestFleet.Sign(record, release));

    private void Issue(NodeRecord record)
    {
        var signed = Signed(record with { Version = record.Version + 1 });
        State = State with { Records = State.Records.SetItem(record.Node, signed) };
    }

    // Lines keep the checkpoint under which they were last proven, as at a hub that proves no more than it must.
    private void Publish(IReadOnlyCollection<SiteId>? again = null)
    {
        generation++;
        var plan = sites.Values.Select(site => site.Line).ToList();
        var signed = TestFleet.Signed(generation, plan, release);
        var lines = State.Lines;
        for (var i = 0; i < plan.Count; i++)
        {
            if (plan[i].Since != generation && lines.ContainsKey(plan[i].Site) && again?.Contains(plan[i].Site) != true) continue;
            lines = lines.SetItem(plan[i].Site, new OfferedLine(plan[i], sites[plan[i].Site].Region, TestFleet.Proof(plan, i), signed));
        }
        State = State with { Lines = lines, Generation = generation };
    }
}
