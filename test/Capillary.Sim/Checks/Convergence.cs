using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
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
        var regions = world.Regions.Where(region => !Word.IsRevoked(region.Name)).ToList();
        if (regions.FirstOrDefault(region => region.Process is not { IsQuiet: true }) is { } busy)
            return $"{busy.Name} has something to pass on";
        if (regions.Select(region => Missing(hub, region)).FirstOrDefault(problem => problem is not null) is { } lacking) return lacking;
        if (world.Acts.Copies.Select(copy => Missing(hub, copy)).FirstOrDefault(problem => problem is not null) is { } copied) return copied;
        var bad = world.Releases.Newest!.Bad.Count(site => !Word.IsRevoked(new(site.Value)));
        var rollout = bad == 0 ? RolloutPhase.Complete : RolloutPhase.Halted;
        if (hub.Status.Release != world.Releases.Newest.Target.Number || hub.Status.Phase != rollout)
            return $"the rollout is {hub.Status.Phase}, not {rollout}: {hub.Status.Reason}";
        return world.Sites.Select(site => Missing(hub, site)).FirstOrDefault(problem => problem is not null);
    }

    private HubWord Word => world.Safety.HubWord;

    private string? Missing(HubProcess hub, SimRegion region)
    {
        var process = region.Process!;
        var record = Word[region.Name];
        if (record.SuccessionDue) return $"{region.Name} has no new key yet";
        if (process.State.TrustRoots.Count != Word.Root.Version) return $"{region.Name} leads to root {process.State.TrustRoots.Count}";
        if (process.State.OwnRecord.Record.Version != record.Version) return $"{region.Name} does not offer its newest record";
        var (held, due) = (DesiredState.DigestOf(process.Held.Records.Values), DesiredState.DigestOf(hub.State.RecordsFor(record)));
        return held == due ? null : $"{region.Name} does not hold the records it should";
    }

    /// <summary>Whoever has a copy is out once the site has another key, and the hub was told when it showed the old one.</summary>
    private string? Missing(HubProcess hub, SimCopy copy)
    {
        if (copy.Process is not { } process) return null;
        var record = Word[copy.Name];
        if (record.IdentityKey.Equals(process.Identity.Keys.Current.Public))
            return record.State == RecordState.Revoked ? null : $"{copy.Label} has the key of {copy.Name}";
        if (process.LiveParent is { } parent) return $"{copy.Label} is linked to {parent.Name}";
        // A region where the site is not knows nothing of its next key.
        var dials = copy.Dials(world.RegionOf(copy.Original));
        var shows = dials && record.State == RecordState.Active && record.Previous == process.Identity.Keys.Current.Public.Id;
        return shows && !hub.Sighted.Contains(copy.Name.Value) ? $"the hub was not told of {copy.Label}" : null;
    }

    private string? MissingTrust(SimSite site, SiteProcess agent)
    {
        var record = Word[site.Name];
        if (record.SuccessionDue) return $"{site.Name} has no new key yet";
        var own = agent.Identity.Record.Record;
        if (own.Version != record.Version) return $"{site.Name} holds record version {own.Version} of {record.Version}";
        if (agent.Trust.Root.Version != Word.Root.Version) return $"{site.Name} trusts root {agent.Trust.Root.Version}";
        return agent.Identity.Keys.Next is null ? world.Safety.Events.Missing(site) : $"{site.Name} has a succession under way";
    }

    private string? Missing(HubProcess hub, SimSite site)
    {
        if (site.Agent is not { } agent) return $"{site.Name} is down";
        if (Word.IsRevoked(site.Name))
            return agent.LiveParent is { } where ? $"{site.Name} was revoked and is linked to {where.Name}" : null;
        if (MissingTrust(site, agent) is { } lacking) return lacking;
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
