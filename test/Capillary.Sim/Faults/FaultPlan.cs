using Capillary.Sim.Machine;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Faults;

/// <summary>What can go wrong, or at least change.</summary>
internal enum FaultKind
{
    SiteCrash,
    SitePowerCut,
    RegionCrash,
    RegionLost,
    HubCrash,
    PowerLossAtWrite,
    Partition,
    CutSession,
    DiskFull,
    TornFile,
    WrongClock,
    ClockSet,
    EvilRegion,
    HostFaulty,
    HostSlow,
    ServiceSick,
    Drift,
    Commit,
    BadCommit,
    SuccessionAsked,
    HubSuccession,
    Rotation,
    Move,
    SiteRevoked,
    RegionRevoked,
    DiskCopied,
}

/// <summary>Draws faults from the seed until told to stop; then everything is repaired, except clocks.</summary>
internal sealed class FaultPlan(World world)
{
    private readonly Prng chance = new(world.Options.Seed, "faults");
    private readonly SortedDictionary<FaultKind, int> counts = [];
    private bool stopped;

    // How often each kind is drawn, relative to the others.
    private static readonly (FaultKind Kind, int Weight)[] Weights =
    [
        (FaultKind.SiteCrash, 14), (FaultKind.SitePowerCut, 12), (FaultKind.RegionCrash, 4), (FaultKind.RegionLost, 2),
        (FaultKind.HubCrash, 3),
        (FaultKind.PowerLossAtWrite, 16), (FaultKind.Partition, 10), (FaultKind.CutSession, 10), (FaultKind.DiskFull, 8),
        (FaultKind.TornFile, 3),
        (FaultKind.WrongClock, 4), (FaultKind.ClockSet, 4), (FaultKind.EvilRegion, 2), (FaultKind.HostFaulty, 6), (FaultKind.HostSlow, 4),
        (FaultKind.ServiceSick, 6), (FaultKind.Drift, 6), (FaultKind.Commit, 4), (FaultKind.BadCommit, 2),
    ];

    public IReadOnlyDictionary<FaultKind, int> Counts => counts;

    /// <summary>No more faults happen.</summary>
    public bool IsOver => stopped;

    public void Start() => world.Schedule.After(chance.Between(5, 60), Next);

    public void Stop()
    {
        stopped = true;
        world.Network.HealAll();
        foreach (var site in world.Sites)
        {
            (site.Host.FaultyUntil, site.Host.SickUntil, site.Host.SlowUntil) = (default, default, default);
            Repair(site);
        }
        foreach (var region in world.Regions)
        {
            if (region.Evil is not null) Honest(region);
            Repair(region);
        }
        Repair(world.Hub);
    }

    private static void Repair(SimNode node)
    {
        (node.Disk.Full, node.Disk.PowerLossIn) = (false, -1);
        node.Boot();
    }

    private void Next()
    {
        if (stopped) return;
        var draw = chance.Below(Weights.Sum(item => item.Weight));
        var kind = Weights.First(item => (draw -= item.Weight) < 0).Kind;
        counts[kind] = counts.GetValueOrDefault(kind) + 1;
        Cause(kind);
        // Faults come at a rate per site, so that a small fleet is not beaten to death.
        world.Schedule.After(chance.Between(0.1, 600.0 / (world.Sites.Count + 20)), Next);
    }

    private void Cause(FaultKind kind)
    {
        switch (kind)
        {
            case FaultKind.SiteCrash: Down(AnySite(), false, 1, 10); break;
            case FaultKind.SitePowerCut: Down(AnySite(), true, 5, 900); break;
            case FaultKind.RegionCrash: Down(AnyRegion(), chance.Chance(0.5), 1, 30); break;
            case FaultKind.RegionLost: Down(AnyRegion(), true, 120, 900); break;
            case FaultKind.HubCrash: Down(world.Hub, chance.Chance(0.5), 1, 300); break;
            case FaultKind.PowerLossAtWrite: AnyNode().Disk.PowerLossIn = chance.Below(12); break;
            case FaultKind.Partition: Partition(); break;
            case FaultKind.CutSession: world.Network.CutSessions(AnyChild(out var parent), parent); break;
            case FaultKind.DiskFull: FillDisk(AnyNode()); break;
            case FaultKind.TornFile: Tear(AnyRegion()); break;
            case FaultKind.WrongClock: SetClock(AnySite(), restart: true); break;
            case FaultKind.ClockSet: SetClock(AnySite(), restart: false); break;
            case FaultKind.EvilRegion: Turn(AnyRegion()); break;
            case FaultKind.HostFaulty: AnySite().Host.FaultyUntil = world.Now + chance.Between(5, 120); break;
            case FaultKind.HostSlow: AnySite().Host.SlowUntil = world.Now + chance.Between(30, 300); break;
            case FaultKind.ServiceSick: AnySite().Host.SickUntil = world.Now + chance.Between(5, 90); break;
            case FaultKind.Drift: AnySite().Host.Edit(chance); break;
            case FaultKind.Commit: world.Releases.Commit(bad: false, everywhere: chance.Chance(0.3)); break;
            case FaultKind.BadCommit: world.Releases.Commit(bad: true, everywhere: chance.Chance(0.3)); break;
        }
    }

    private SimSite AnySite() => chance.Pick(world.Sites);

    private SimRegion AnyRegion() => chance.Pick(world.Regions);

    private SimNode AnyNode() => chance.Below(10) switch { 0 => world.Hub, 1 or 2 => AnyRegion(), _ => AnySite() };

    private SimNode AnyChild(out SimNode parent)
    {
        SimNode child = chance.Chance(0.2) ? AnyRegion() : AnySite();
        parent = child is SimSite site ? world.RegionOf(site) : world.Hub;
        return child;
    }

    private void Down(SimNode node, bool power, double leastSeconds, double mostSeconds)
    {
        node.Crash(power);
        world.Schedule.After(chance.Between(leastSeconds, mostSeconds), node.Boot);
    }

    private void Partition()
    {
        var child = AnyChild(out var parent);
        world.Note(child.Label, $"is parted from {parent.Label}");
        world.Network.Partition(child, parent);
        world.Schedule.After(chance.Between(1, chance.Chance(0.3) ? 900 : 90), () => world.Network.Heal(child, parent));
    }

    private void FillDisk(SimNode node)
    {
        world.Note(node.Label, "has a full disk");
        node.Disk.Full = true;
        world.Schedule.After(chance.Between(5, 240), () => node.Disk.Full = false);
    }

    private void Tear(SimRegion region)
    {
        if (region.Disk.Tear() is { } name) world.Note(region.Label, $"has a damaged file {name}");
        Down(region, true, 1, 10);
    }

    private void SetClock(SimSite site, bool restart)
    {
        site.Skew = chance.Below(4) switch
        {
            0 => DateTimeOffset.UnixEpoch - world.Now,
            1 => TimeSpan.FromDays(3653),
            2 => chance.Between(-7200, 7200),
            _ => TimeSpan.Zero,
        };
        world.Note(site.Label, $"has its clock set to {site.Clock:u}");
        if (restart) Down(site, true, 1, 10);
    }

    private void Turn(SimRegion region)
    {
        if (region.Evil is not null || !region.IsUp) return;
        world.Note(region.Label, "falls into evil hands");
        region.Evil = new EvilHand(new Prng(chance.Next()));
        region.Crash(power: false);
        region.Boot();
        world.Schedule.After(chance.Between(60, 600), () => Honest(region));
    }

    private void Honest(SimRegion region)
    {
        if (region.Evil is null) return;
        world.Note(region.Label, "is honest again");
        region.Evil = null;
        if (!region.IsUp) return;
        region.Crash(power: false);
        region.Boot();
    }
}
