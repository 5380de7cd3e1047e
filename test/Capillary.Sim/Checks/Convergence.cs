using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>
/// What must come true when no more faults happen: every site has settled where its last line leads, the hub knows it, and nothing waits.
/// Make it when the faults stop: attempts from before may have failed by what was done to their hosts.
/// </summary>
internal sealed class Convergence(World world)
{
    private readonly long strictAfter = world.Hub.Process!.Generation;

    /// <summary>The first thing that is not so yet; null when all is.</summary>
    public string? Missing()
    {
        if (world.Hub.Process is not { } hub) return "the hub is down";
        if (world.Regions.FirstOrDefault(region => region.Process is not { IsQuiet: true }) is { } busy)
            return $"{busy.Name} has something to pass on";
        var rollout = world.Releases.Newest!.Bad.Count == 0 ? RolloutPhase.Complete : RolloutPhase.Halted;
        if (hub.Status.Release != world.Releases.Newest.Target.Number || hub.Status.Phase != rollout)
            return $"the rollout is {hub.Status.Phase}, not {rollout}: {hub.Status.Reason}";
        return world.Sites.Select(site => Missing(hub, site)).FirstOrDefault(problem => problem is not null);
    }

    private string? Missing(HubProcess hub, SimSite site)
    {
        if (site.Agent is not { } agent) return $"{site.Name} is down";
        if (!hub.State.Lines.TryGetValue(site.Id, out var offered))
        {
            // Every rollout halted in a wave before its own.
            var left = hub.Status.Phase == RolloutPhase.Halted && agent.Accepted.Since == 0;
            return left ? null : $"{site.Name} has no line";
        }
        var line = offered.Assignment;
        if (world.RegionOf(site).Process!.State.Lines.GetValueOrDefault(site.Id)?.Assignment != line)
            return $"the region of {site.Name} does not offer since {line.Since}";
        var (phase, state) = (agent.State.Phase, hub.View(site.Id));
        if (!agent.IsQuiet || agent.Accepted.Since != line.Since || agent.State.Attempt?.Since != line.Since)
            return $"{site.Name} is at since {agent.State.Attempt?.Since} of {line.Since}, {phase}";
        if (!Allowed(line).Contains(phase))
            return $"{site.Name} is {phase} on since {line.Since}, which is {world.Releases.Behaviours[line.Bundle]}";
        if (hub.ReportOf(site.Id) is not { } report) return $"the hub has no report of {site.Name}";
        var told = (report.Phase, report.Since, report.Generation, report.Bundle);
        var truth = (Report(phase), agent.Accepted.Since, agent.Accepted.Generation, agent.State.Actual);
        if (told != truth) return $"the hub believes {told} of {site.Name}, and {truth} is true";
        return state == SiteState.Healthy == (phase == ApplyPhase.Healthy) ? null : $"the hub shows {site.Name} {state}, and it is {phase}";
    }

    private ApplyPhase[] Allowed(Assignment line)
    {
        if (line.Since <= strictAfter) return [ApplyPhase.Healthy, ApplyPhase.Reverted, ApplyPhase.Degraded];
        if (IsGood(line.Bundle)) return [ApplyPhase.Healthy];
        return line.Fallback is null ? [ApplyPhase.Degraded] : [ApplyPhase.Reverted];
    }

    private bool IsGood(Digest bundle) => world.Releases.Behaviours[bundle] == Behaviour.Good;

    private static ReportPhase Report(ApplyPhase phase) => phase switch
    {
        ApplyPhase.Healthy => ReportPhase.Healthy,
        ApplyPhase.Reverted => ReportPhase.Reverted,
        _ => ReportPhase.Degraded,
    };
}
