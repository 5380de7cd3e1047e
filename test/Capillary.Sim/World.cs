using Capillary.Core.Identity;
using Capillary.Node.Keys;
using Capillary.Sim.Checks;
using Capillary.Sim.Faults;
using Capillary.Sim.Machine;
using Capillary.Sim.Nodes;

namespace Capillary.Sim;

/// <summary>What came of a run.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Steps">Events.</param>
/// <param name="Faults">How many of each kind.</param>
/// <param name="Virtual">Virtual time it took.</param>
/// <param name="Failure">The rule that broke, and how; null when all held.</param>
/// <param name="TraceHash">Over the whole trace.</param>
/// <param name="LastEvents">The end of the trace.</param>
internal sealed record Outcome(ulong Seed, long Steps, IReadOnlyDictionary<FaultKind, int> Faults, TimeSpan Virtual, string? Failure,
    string TraceHash, IReadOnlyCollection<string> LastEvents);

/// <summary>A whole fleet on one thread: hub, regions and sites with their disks, the network between them, and time.</summary>
internal sealed class World
{
    /// <summary>The port in every address of this world.</summary>
    public const int Port = 8443;

    private static readonly DateTimeOffset Beginning = new(2026, 3, 1, 6, 0, 0, TimeSpan.Zero);
    private readonly Dictionary<SiteId, SimSite> sites = [];
    private readonly Trace trace;

    public World(Options options)
    {
        Options = options;
        Schedule = new Schedule(Beginning);
        trace = new Trace(Schedule, options.Trace);
        Time = new SimTime(Schedule);
        Network = new Network(Schedule, new Prng(options.Seed, "network"));
        foreach (var key in (SigningKey[])[Authority.RootKey, Authority.ReleaseKey, Authority.BeaconKey, Authority.HubKey]) Keys.Add(key);
        Hub = new SimHub(this);
        Regions = [.. Enumerable.Range(1, options.Regions).Select(number => new SimRegion(this, $"region-{number}"))];
        foreach (var number in Enumerable.Range(0, options.Sites))
        {
            var site = new SimSite(this, $"site-{number:d4}", Regions[number % options.Regions]);
            sites.Add(site.Id, site);
        }
        Sites = [.. sites.Values];
        Enroll();
        Safety = new Safety(this);
        Network.Arrived = end =>
        {
            // Nobody can tell the life of a site from that of its copy.
            if ((end.Peer.Node as SimSite ?? (end.Peer.Node as SimCopy)?.Original) is { } site) Safety.Spoke(site);
        };
        Releases = new Releases(Sites.ToDictionary(site => site.Id, site => RegionOf(site).Id), new Prng(options.Seed, "releases"));
        Acts = new ActPlan(this);
        Faults = new FaultPlan(this);
    }

    public Options Options { get; }
    public Mutation Broken => Options.Broken;
    public Schedule Schedule { get; }
    public DateTimeOffset Now => Schedule.Now;
    public SimTime Time { get; }
    public KeyRing Keys { get; } = new();
    public Network Network { get; }
    public Authority Authority { get; } = new();
    public Releases Releases { get; }
    public Safety Safety { get; }
    public FaultPlan Faults { get; }
    public ActPlan Acts { get; }
    public SimHub Hub { get; }
    public IReadOnlyList<SimRegion> Regions { get; }
    public IReadOnlyList<SimSite> Sites { get; }

    public SimSite this[SiteId site] => sites[site];

    /// <summary>The region that a site is in, as the hub decided.</summary>
    public SimRegion RegionOf(SimSite site) => Regions.First(region => region.Id == Safety.HubWord[site.Name].Region);

    /// <summary>The parent that has this address.</summary>
    public SimNode Parent(string host) => host == Hub.Label ? Hub : Regions.First(region => region.Label == host);

    public void Note(string what, string text) => trace.Note(what, text);

    /// <summary>Faults for a while, then calm until all is well; any broken rule ends it.</summary>
    public Outcome Run()
    {
        string? failure = null;
        try
        {
            Begin();
            var end = Now + TimeSpan.FromMinutes(Options.Minutes);
            while (Schedule.Step(end)) Safety.AfterStep();
            Faults.Stop();
            Acts.Stop();
            Calm();
        }
        catch (BrokenRuleException e)
        {
            failure = e.Message;
        }
        return new Outcome(Options.Seed, Schedule.Steps, new SortedDictionary<FaultKind, int>(Acts.Counts.Concat(Faults.Counts).ToDictionary()),
            Schedule.Elapsed, failure, trace.Hash, trace.Last);
    }

    private void Begin()
    {
        Releases.Commit(bad: false, everywhere: true);
        Hub.Boot();
        foreach (var region in Regions) region.Boot();
        // Technicians install sites one after another; some are there only later.
        var chance = new Prng(Options.Seed, "install");
        foreach (var site in Sites) Schedule.After(chance.Between(0, chance.Chance(0.1) ? 600 : 30), site.Boot);
        Faults.Start();
        Acts.Start();
    }

    private void Calm()
    {
        var convergence = new Convergence(this);
        Releases.Commit(bad: new Prng(Options.Seed, "end").Chance(0.3), everywhere: true);
        Note("world", $"faults are over; release {Releases.Newest!.Target.Number} has {Releases.Newest.Bad.Count} bad sites");
        var end = Now + TimeSpan.FromMinutes(Options.CalmMinutes);
        for (var look = Now; look < end; look += TimeSpan.FromSeconds(10))
        {
            while (Schedule.Step(look)) Safety.AfterStep();
            if (convergence.Missing() is null) return;
        }
        throw new BrokenRuleException("convergence", $"{Options.CalmMinutes} calm minutes were not enough: {convergence.Missing()}");
    }

    private void Enroll()
    {
        foreach (var region in Regions) Enroll(region, NodeKind.Region, region.Id);
        foreach (var site in Sites) Enroll(site, NodeKind.Site, ((SimRegion)site.Joined[0]).Id);
    }

    private void Enroll(SimNode node, NodeKind kind, RegionId region)
    {
        var key = Keys.Make();
        Identity.Install(node.Disk, Authority.SignRecord(node.Name, kind, region, key.Public), key);
        new TrustBox(node.Disk).Install(Authority.TrustRoots);
    }
}
