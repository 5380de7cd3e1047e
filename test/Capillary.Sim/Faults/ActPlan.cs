using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Faults;

/// <summary>
/// What operators, technicians and thieves do to keys and places, drawn from the seed: successions, rotations, moves, revocations, copied
/// disks. A technician joins a site again when somebody else got its next key.
/// </summary>
internal sealed class ActPlan(World world)
{
    private readonly Prng chance = new(world.Options.Seed, "acts");
    private readonly SortedDictionary<FaultKind, int> counts = [];
    private readonly List<SimCopy> copies = [];
    private SimRegion? leaving;
    private bool stopped;

    private static readonly (FaultKind Kind, int Weight)[] Weights =
    [
        (FaultKind.SuccessionAsked, 14), (FaultKind.HubSuccession, 3), (FaultKind.Rotation, 5), (FaultKind.Move, 10),
        (FaultKind.SiteRevoked, 2), (FaultKind.RegionRevoked, 1), (FaultKind.DiskCopied, 6),
    ];

    public IReadOnlyDictionary<FaultKind, int> Counts => counts;

    /// <summary>Machines that run with a copied disk.</summary>
    public IReadOnlyList<SimCopy> Copies => copies;

    private IEnumerable<SimRegion> Remaining => world.Regions.Where(region => !IsRevoked(region));

    public void Start()
    {
        world.Schedule.After(chance.Between(20, 90), Next);
        world.Schedule.After(TimeSpan.FromSeconds(60), Visit);
    }

    /// <summary>No more acts; whoever has a copy is locked out by a last succession, and technicians go where a link cannot help.</summary>
    public void Stop()
    {
        stopped = true;
        foreach (var region in world.Regions.Where(region => IsRevoked(region) && !region.IsGone)) Remove(region);
        foreach (var copy in copies) Ask(copy.Original);
    }

    private bool IsRevoked(SimNode node) => world.Safety.HubWord.IsRevoked(node.Name);

    private void Next()
    {
        if (stopped) return;
        var draw = chance.Below(Weights.Sum(item => item.Weight));
        var kind = Weights.First(item => (draw -= item.Weight) < 0).Kind;
        if (Cause(kind)) counts[kind] = counts.GetValueOrDefault(kind) + 1;
        world.Schedule.After(chance.Between(2, 1800.0 / (world.Sites.Count + 20)), Next);
    }

    private bool Cause(FaultKind kind)
    {
        if (world.Hub.Process is null) return false;
        var site = chance.Pick(world.Sites);
        if (IsRevoked(site)) return false;
        switch (kind)
        {
            case FaultKind.SuccessionAsked: return Ask(chance.Chance(0.2) ? chance.Pick([.. Remaining]) : site);
            case FaultKind.HubSuccession: return Act((state, trust) => trust.Succeed(state));
            case FaultKind.Rotation: return Rotate(1 + chance.Below(7));
            case FaultKind.Move: return Move([site], chance.Pick([.. Remaining]));
            case FaultKind.SiteRevoked: return chance.Chance(0.5) && Revoke(site);
            case FaultKind.RegionRevoked: return Revoke(chance.Pick([.. Remaining]));
            case FaultKind.DiskCopied: return Copy(site);
            default: return false;
        }
    }

    private bool Act(Func<DesiredState, HubTrust, KeptTrust?> act, params SiteId[] proveAnew)
    {
        world.Hub.Guard(() => world.Hub.Process?.Act(act, proveAnew));
        return true;
    }

    private bool Ask(SimNode node)
    {
        if (IsRevoked(node)) return false;
        return Act((state, trust) => state.Records[node.Name].Record is { SuccessionDue: false } record
            ? trust.Change(state, [record with { Version = record.Version + 1, SuccessionDue = true }])
            : null);
    }

    private bool Rotate(int which)
    {
        world.Note("hub", $"rotates keys {which}");
        return Act((state, trust) => trust.Rotate(state, which), [.. world.Sites.Select(site => site.Id)]);
    }

    private bool Move(IReadOnlyList<SimSite> sites, SimRegion to)
    {
        var moving = sites.Where(site => !IsRevoked(site) && world.RegionOf(site) != to).ToList();
        if (moving.Count == 0) return false;
        world.Note("hub", $"moves {string.Join(", ", moving.Select(site => site.Label))} to {to.Label}");
        return Act((state, trust) => trust.Change(state, moving.Select(site => Moved(state.Records[site.Name].Record, site.Id, to))),
            [.. moving.Select(site => site.Id)]);
    }

    private NodeRecord Moved(NodeRecord record, SiteId site, SimRegion to)
    {
        var moved = record.MovedTo(to.Id, [$"{to.Label}:{World.Port}"], world.Hub.Process!.WasHeardInItsRegion(site));
        return moved with { Version = record.Version + 1 };
    }

    private bool Revoke(SimSite site)
    {
        world.Note("hub", $"revokes {site.Label}");
        return Act((state, trust) => Revocation(state, trust, site));
    }

    private static KeptTrust Revocation(DesiredState state, HubTrust trust, SimNode node)
    {
        var record = state.Records[node.Name].Record;
        return trust.Change(state, [record with { Version = record.Version + 1, State = RecordState.Revoked, SuccessionDue = false }],
            record.IdentityKey.Id);
    }

    /// <summary>Its sites move first; whoever has not heard of it when the machine goes is visited.</summary>
    private bool Revoke(SimRegion region)
    {
        // One of three, so that sites have where to go: nobody moves them to a region that was revoked, or soon will be.
        if (world.Regions.Count < 3 || leaving is not null) return false;
        leaving = region;
        var to = Remaining.First(other => other != region);
        Move([.. world.Sites.Where(site => world.RegionOf(site) == region)], to);
        world.Schedule.After(chance.Between(30, 300), () =>
        {
            if (stopped || world.Hub.Process is null) return;
            // Some may have been moved here meanwhile.
            Move([.. world.Sites.Where(site => world.RegionOf(site) == region)], to);
            if (world.Sites.Any(site => !IsRevoked(site) && world.RegionOf(site) == region)) return;
            world.Note("hub", $"revokes {region.Label}");
            Act((state, trust) => Revocation(state, trust, region));
            world.Schedule.After(chance.Between(10, 120), () =>
            {
                if (IsRevoked(region)) Remove(region);
            });
        });
        return true;
    }

    private void Remove(SimRegion region)
    {
        region.Remove();
        foreach (var site in world.Sites.Where(site => site.Joined.Contains(region)))
        {
            world.Note(site.Label, "is told another parent by a technician");
            site.Joined = [world.RegionOf(site)];
        }
    }

    private bool Copy(SimSite site)
    {
        if (copies.Any(copy => copy.Original == site) || copies.Count > world.Sites.Count / 4) return false;
        var copy = new SimCopy(world, site, copies.Count + 1);
        copies.Add(copy);
        world.Note(copy.Label, $"is a copy of {site.Label}");
        world.Schedule.After(chance.Between(1, 240), copy.Boot);
        // An operator sees it sooner or later.
        world.Schedule.After(chance.Between(60, 400), () => Ask(site));
        return true;
    }

    /// <summary>A technician looks where a site has no key that counts.</summary>
    private void Visit()
    {
        // A disk that was copied while a next key lay on it has that one too: one more succession.
        if (stopped) foreach (var copy in copies.Where(HasTheKey)) Ask(copy.Original);
        foreach (var site in world.Sites.Where(IsLockedOut)) JoinAgain(site);
        foreach (var site in world.Sites.Where(IsStranded)) site.Joined = [world.RegionOf(site)];
        world.Schedule.After(TimeSpan.FromSeconds(60), Visit);
    }

    private bool HasTheKey(SimCopy copy) =>
        copy.Process?.Identity.Keys.Current.Public.Equals(world.Safety.HubWord[copy.Name].IdentityKey) == true;

    private bool IsLockedOut(SimSite site)
    {
        var named = world.Safety.HubWord[site.Name];
        return named.State == RecordState.Active && world.Keys.On(site.Disk, Identity.KeyDocument)?.Public.Equals(named.IdentityKey) != true
            && world.Keys.On(site.Disk, Identity.NextDocument)?.Public.Equals(named.IdentityKey) != true;
    }

    /// <summary>Every region that it dials is gone, or has no word for it.</summary>
    private bool IsStranded(SimSite site) => !world.Regions.Any(region => !region.IsGone
        && (site.Joined.Contains(region) || site.Region == region.Id) && world.Safety.HubWord[site.Name].IsKnownIn(region.Id));

    private void JoinAgain(SimSite site)
    {
        if (world.Hub.Process is null) return;
        var key = world.Keys.Make();
        var before = world.Safety.HubWord[site.Name].Version;
        Act((state, trust) => trust.Change(state, [state.Records[site.Name].Record with
        {
            Version = before + 1, IdentityKey = key.Public, Previous = null, SuccessionDue = false,
        }]));
        if (world.Safety.HubWord[site.Name].Version == before || world.Hub.Process is not { } after) return;
        after.Forget(site.Id);
        world.Note(site.Label, "is joined again by a technician");
        site.JoinAgain(after.State.Records[site.Name], key, world.RegionOf(site), after.State.TrustRoots);
        world.Schedule.After(chance.Between(1, 20), site.Boot);
    }
}
