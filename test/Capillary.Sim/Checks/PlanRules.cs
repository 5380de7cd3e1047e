using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>Rules of the hub's plans: generations only grow, waves wait (promise 7), and the ledger of all that was ever signed.</summary>
internal sealed class PlanRules(World world)
{
    private readonly Dictionary<(SiteId Site, long Since), DesiredBundle> signed = [];
    private readonly Dictionary<SiteId, DesiredBundle> lines = [];
    private readonly Dictionary<SiteId, DateTimeOffset> heard = [];
    private readonly HashSet<(SiteId, Digest, long)> saidHealthy = [];
    private readonly Dictionary<long, long> releaseOf = [];
    private long generation;

    public bool IsSigned(Assignment line) => IsSigned(line.Site, new DesiredBundle(line.Bundle, line.Fallback, line.Since));

    public bool IsSigned(SiteId site, DesiredBundle line) => signed.GetValueOrDefault((site, line.Since)) == line;

    public void HubHeard(SiteId site) => heard[site] = world.Now;

    /// <summary>A hub came back: of whom it had no report, it does not know.</summary>
    public void HubRestored(Func<SiteId, bool> hadReport)
    {
        foreach (var site in heard.Keys.Where(site => !hadReport(site)).ToList()) heard.Remove(site);
    }

    public void HubForgot(SiteId site) => heard.Remove(site);

    public void Said(SiteId site, Report report)
    {
        if (report is { Phase: ReportPhase.Healthy, Bundle: { } bundle }) saidHealthy.Add((site, bundle, report.Since));
    }

    /// <summary>Its generation.</summary>
    public long Published(KeptPlan plan)
    {
        var checkpoint = Checkpoint.Verify(plan.Checkpoint, world.Safety.HubWord.Root);
        Safety.Require(checkpoint.Generation > generation, "generations",
            $"generation {checkpoint.Generation} was published after {generation}");
        generation = checkpoint.Generation;
        var proven = plan.Lines.Select(item => Assignment.Parse(item.Line.Leaf)).ToList();
        foreach (var line in proven.Where(line => line.Since != generation))
            Safety.Require(line.Since < generation && IsSigned(line), "generations", $"{line.Site} is proven a line anew that it never had");
        var changed = proven.Where(line => line.Since == generation).ToList();
        releaseOf[generation] = plan.Release;
        if (changed.Count > 0) Waves(world.Releases[plan.Release].Target, changed);
        foreach (var line in changed)
            signed[(line.Site, line.Since)] = lines[line.Site] = new DesiredBundle(line.Bundle, line.Fallback, line.Since);
        return generation;
    }

    private void Waves(TargetRelease release, List<Assignment> changed)
    {
        var last = changed.Max(line => Releases.WaveOf(release.Sites[line.Site]));
        var starting = changed.Select(line => line.Site).ToHashSet();
        foreach (var (site, released) in release.Sites)
        {
            var wave = Releases.WaveOf(released);
            if (wave >= last || world.Safety.HubWord.IsRevoked(new(site.Value)) || IsAbsent(site)) continue;
            var line = lines.GetValueOrDefault(site);
            // A line of an earlier release, on which the site was healthy once, is none of this rollout's.
            if (line?.Bundle == released.Bundle && releaseOf.GetValueOrDefault(line.Since) < release.Number
                && saidHealthy.Contains((site, line.Bundle, line.Since))) continue;
            var why = starting.Contains(site) ? "is being started itself"
                : line?.Bundle != released.Bundle ? "has not got it"
                : !IsHealthy(site, line) ? $"is not healthy on since {line.Since}"
                : null;
            Safety.Require(why is null, "promise 7",
                $"wave {last} of release {release.Number} starts while {site} of wave {wave} {why}");
        }
    }

    private bool IsHealthy(SiteId site, DesiredBundle line) => saidHealthy.Contains((site, line.Bundle, line.Since))
        && world.Hub.Process!.ReportOf(site) is { Phase: ReportPhase.Healthy } report
        && report.Bundle == line.Bundle && report.Since == line.Since;

    // A hub that was down was deaf itself.
    private bool IsAbsent(SiteId site)
    {
        if (!heard.TryGetValue(site, out var at)) return true;
        var listening = world.Hub.Process!.ListeningSince;
        return world.Now - (at > listening ? at : listening) > Freshness.Default.OfflineAfter;
    }
}
