using Capillary.Core.Identity;
using Capillary.Core.Protocol;
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
    private static readonly DateTimeOffset Beginning = new(2026, 3, 1, 6, 0, 0, TimeSpan.Zero);
    private readonly Dictionary<SiteId, SimSite> sites = [];
    private readonly Trace trace;

    public World(Options options)
    {
        Options = options;
        Schedule = new Schedule(Beginning);
        trace = new Trace(Schedule, options.Trace);
        Network = new Network(Schedule, new Prng(options.Seed, "network"));
        Safety = new Safety(this);
        Network.Arrived = end =>
        {
            if (end.Peer.Node is SimSite site) Safety.Spoke(site);
        };
        Hub = new SimHub(this);
        Regions = [.. Enumerable.Range(1, options.Regions).Select(number => new SimRegion(this, $"region-{number}"))];
        foreach (var number in Enumerable.Range(0, options.Sites))
        {
            var site = new SimSite(this, $"site-{number:d4}", Regions[number % options.Regions].Id);
            sites.Add(site.Id, site);
        }
        Sites = [.. sites.Values];
        Enroll();
        Releases = new Releases(Sites.ToDictionary(site => site.Id, site => site.Region), new Prng(options.Seed, "releases"));
        Faults = new FaultPlan(this);
    }

    public Options Options { get; }
    public Mutation Broken => Options.Broken;
    public Schedule Schedule { get; }
    public DateTimeOffset Now => Schedule.Now;
    public Network Network { get; }
    public Authority Authority { get; } = new();
    public Releases Releases { get; }
    public Safety Safety { get; }
    public FaultPlan Faults { get; }
    public SimHub Hub { get; }
    public IReadOnlyList<SimRegion> Regions { get; }
    public IReadOnlyList<SimSite> Sites { get; }

    public SimSite this[SiteId site] => sites[site];

    public SimRegion RegionOf(SimSite site) => Regions.First(region => region.Id == site.Region);

    public SignedRecord RecordOf(SimRegion region) => Authority.State.Records[region.Name];

    public SignedRecord RecordOf(SiteId site) => Authority.State.Records[new NodeName(site.Value)];

    public SignedRecord? FindRecord(SiteId site) => Authority.State.Records.GetValueOrDefault(new NodeName(site.Value));

    public void Note(NodeName node, string text) => trace.Note(node.Value, text);

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
            Calm();
        }
        catch (BrokenRuleException e)
        {
            failure = e.Message;
        }
        return new Outcome(Options.Seed, Schedule.Steps, Faults.Counts, Schedule.Elapsed, failure, trace.Hash, trace.Last);
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
        foreach (var region in Regions) Authority.SignRecord(region.Name, NodeKind.Region, region.Id, region.Key.Public);
        foreach (var site in Sites) Authority.SignRecord(site.Name, NodeKind.Site, site.Region, site.Key.Public);
    }
}
