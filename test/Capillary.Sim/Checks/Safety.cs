using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>
/// What must hold after every event, checked against what disks hold, what hosts are made to do, and what was really signed: never against
/// what a process says of itself.
/// </summary>
internal sealed class Safety(World world)
{
    // A proof of life may have waited at each of two links for as long as a link may be silent, and a region repeats it for as long.
    private static readonly TimeSpan HealthyFor = Freshness.Default.FreshFor + 2 * LinkProtocol.DeadAfter + TimeSpan.FromSeconds(5);

    private readonly PlanRules plans = new(world);
    private readonly SiteRules sites = new(world);
    private readonly KeyRules keys = new(world);
    private readonly MirrorRules mirrors = new(world);
    private readonly Dictionary<SiteId, DateTimeOffset> spoke = [];
    private DateTimeOffset looked;

    public HubWord HubWord { get; } = new(world.Authority);

    public EventRules Events { get; } = new();

    /// <summary>Cheap rules are checked where something happens; this one, which time alone can break, once a second.</summary>
    public void AfterStep()
    {
        if (world.Now - looked < TimeSpan.FromSeconds(1)) return;
        looked = world.Now;
        keys.Look();
        if (!world.Hub.IsUp) return;
        foreach (var site in world.Sites)
        {
            if (world.Hub.View(site.Id) != SiteState.Healthy) continue;
            var silence = world.Now - spoke.GetValueOrDefault(site.Id);
            Require(silence <= HealthyFor, "promise 6", $"{site.Name} is shown healthy and has been silent for {silence.TotalSeconds:0} s");
        }
    }

    /// <summary>Something of this site reached its parent.</summary>
    public void Spoke(SimSite site) => spoke[site.Id] = world.Now;

    /// <summary>The site signed this report.</summary>
    public void Said(SimSite site, Report report) => plans.Said(site.Id, report);

    public void HubHeard(SiteId site) => plans.HubHeard(site);

    public void HubRestored(Func<SiteId, bool> hadReport) => plans.HubRestored(hadReport);

    public void HubForgot(SiteId site) => plans.HubForgot(site);

    /// <summary>A decision became durable at the hub.</summary>
    public void StepKept(KeptStep step)
    {
        if (step.Trust is { } change) HubWord.Take(change);
        if (step.Plan is not { } plan) return;
        mirrors.Published(plans.Published(plan), plan.Lines.Select(item => Assignment.Parse(item.Line.Leaf)));
    }

    public void EventsKept(KeptEvents batch) => Events.Kept(batch);

    public void EventWritten(SimSite site, string name, byte[] content) => Events.Written(site, name, content);

    /// <summary>A document became durable somewhere.</summary>
    public void DocumentKept(SimNode node, string name)
    {
        if (name is Identity.RecordDocument or Identity.KeyDocument or Identity.NextDocument) keys.IdentityKept(node);
        if (name == RegionProcess.NewestDocument && node is SimRegion region) mirrors.NewestKept(region);
    }

    public void Joined(SimNode parent, NodeName child, LinkEnd by) => keys.Joined(parent, child, by);

    public void Offered(SimNode parent, DesiredState state) => keys.Offered(parent, state);

    /// <summary>What the site remembers to have accepted became durable.</summary>
    public void AcceptedKept(SimSite site, AcceptedLine before, AcceptedLine after)
    {
        Require(after.Generation >= before.Generation, "promise 1",
            $"{site.Name} went back from generation {before.Generation} to {after.Generation}");
        Require(after.Since >= before.Since, "promise 1", $"{site.Name} went back from since {before.Since} to {after.Since}");
        Require(after.Assignment is { } line && line.Site == site.Id && plans.IsSigned(line), "promise 1",
            $"{site.Name} accepted a line that the hub did not sign for it");
    }

    public void ApplyKept(SimSite site) => sites.ApplyKept(site);

    public void StepBegins(SimSite site, Step step)
    {
        var attempt = site.Applied.Attempt;
        Require(attempt is not null, "promise 4", $"{site.Name} does a step of an attempt that is not durable");
        Require(plans.IsSigned(site.Id, attempt!), "promise 1",
            $"{site.Name} applies since {attempt!.Since}, which the hub did not sign for it so");
        Require(site.Accepted.Since >= attempt.Since, "promise 1",
            $"{site.Name} applies since {attempt.Since} and remembers only {site.Accepted.Since}");
        sites.StepBegins(site, step, attempt);
    }

    public void StepEnded(SimSite site, Step step) => sites.StepEnded(site, step);

    internal static void Require(bool holds, string rule, string text)
    {
        if (!holds) throw new BrokenRuleException(rule, text);
    }
}
