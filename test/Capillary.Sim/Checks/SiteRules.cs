using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>
/// Promise 4 at each site: nothing before its blobs, in order, whole when it says so, and no second try of what was reverted.
/// </summary>
internal sealed class SiteRules(World world)
{
    private readonly HashSet<(SiteId, long)> failed = [];
    private readonly Dictionary<SiteId, long> desired = [];
    private readonly Dictionary<Digest, DesiredObjects> objects = [];

    public void ApplyKept(SimSite site)
    {
        var state = site.Applied;
        if (state.Desired is { } line)
        {
            Require(line.Since >= desired.GetValueOrDefault(site.Id), "promise 1", $"{site.Name} went back to since {line.Since}");
            desired[site.Id] = line.Since;
        }
        if (state.Attempt is { } attempt && HasFailed(state.Phase)) failed.Add((site.Id, attempt.Since));
        if (state.Actual is { } bundle) Whole(site, bundle);
    }

    public void StepBegins(SimSite site, Step step, DesiredBundle attempt)
    {
        var state = site.Agent!.State;
        Require(state.Attempt == attempt && state.Phase == site.Applied.Phase, "promise 4",
            $"{site.Name} does a step in a phase that is not durable");
        var local = BlobBox.IsComplete(site.Disk, attempt.Bundle)
            && (attempt.Fallback is not { } fallback || BlobBox.IsComplete(site.Disk, fallback));
        Require(local, "promise 4", $"{site.Name} does a {step.GetType().Name} before the blobs of bundle and fallback are there");
        Require(state.Phase != ApplyPhase.Applying || !failed.Contains((site.Id, attempt.Since)),
            "promise 4", $"{site.Name} tries since {attempt.Since} again, which failed");
    }

    /// <summary>What stands before it in the order of the bundle is in place.</summary>
    public void StepEnded(SimSite site, Step step)
    {
        int? order = step switch
        {
            Step.WriteFile write => write.File.Order,
            Step.StartService start => start.Service.Order,
            _ => null,
        };
        if (order is not { } place || site.Agent?.State.Objects is not { } bundle) return;
        var missing = Missing(site, bundle, place);
        Require(missing is null, "promise 4", $"{site.Name} made a {step.GetType().Name} before {missing} was in place");
    }

    private void Whole(SimSite site, Digest bundle)
    {
        var content = Read(bundle);
        var missing = Missing(site, content, int.MaxValue);
        Require(missing is null, "promise 4", $"{site.Name} says that {bundle} is in place, and {missing} is not");
        var files = content.Apps.SelectMany(app => app.Files).Select(file => file.Path).ToHashSet();
        var left = site.Host.Files.Keys.FirstOrDefault(path => !files.Contains(path));
        Require(left is null, "promise 4", $"{site.Name} says that {bundle} is in place, and {left} is left over");
    }

    private static string? Missing(SimSite site, DesiredObjects bundle, int before)
    {
        var host = site.Host;
        foreach (var app in bundle.Apps)
        {
            foreach (var file in app.Files.Where(file => file.Order < before))
            {
                if (host.Files.GetValueOrDefault(file.Path) != file.Digest && !host.Drifted.Contains(file.Path)) return file.Path;
            }
            foreach (var service in app.Services.Where(service => service.Order < before))
            {
                if (host.Services.GetValueOrDefault(service.Key)?.Service.SpecDigest != service.SpecDigest) return service.Key;
            }
        }
        return null;
    }

    private DesiredObjects Read(Digest bundle)
    {
        if (objects.TryGetValue(bundle, out var known)) return known;
        var loaded = (BundleLoad.Loaded)BundleContent.Load(bundle, digest => world.Releases.Blobs[digest]);
        return objects[bundle] = loaded.Content.ToDesired(SimHost.Root);
    }

    private static bool HasFailed(ApplyPhase phase) =>
        phase is ApplyPhase.Reverting or ApplyPhase.VerifyingFallback or ApplyPhase.Reverted or ApplyPhase.Degraded;

    private static void Require(bool holds, string rule, string text) => Safety.Require(holds, rule, text);
}
