using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Deletes what left the bundle, as far as nothing guards it.</summary>
/// <param name="client">The cluster.</param>
/// <param name="discovery">Its kinds.</param>
/// <param name="wait">For what is deleted to be gone.</param>
/// <param name="ours">The uids of all that we own.</param>
/// <param name="note">Tells a note about an object.</param>
/// <param name="log">Event 4052.</param>
internal sealed class ClusterPruning(KubeClient client, KubeDiscovery discovery, ViewWait wait, IReadOnlySet<string> ours,
    Action<ApplyEvent.Raised> note, ILogger log)
{
    // What every namespace has by itself, or what only speaks of other objects.
    private static readonly HashSet<string> Own = new(StringComparer.Ordinal)
    {
        "Event", "Endpoints", "EndpointSlice", "PodMetrics", "ControllerRevision",
    };

    /// <summary>Deletes a batch and waits a while until it is gone; what is still held by a finalizer then goes by itself.</summary>
    public async Task RemoveAsync(Step.RemoveObjects step, CancellationToken stop)
    {
        var gone = new List<(ObjectRef Ref, string Uid)>();
        foreach (var item in step.Objects)
        {
            if (await DeleteAsync(item, step.Confirmed, stop) is { } uid) gone.Add((item.Ref, uid));
        }
        await wait.GoneAsync(gone, stop);
    }

    /// <returns>The uid of what is being deleted; null: nothing is.</returns>
    private async Task<string?> DeleteAsync(OwnedObject item, bool confirmed, CancellationToken stop)
    {
        if (await discovery.FindAnyAsync(item.Ref, stop) is not { } resource) return null; // its kind is gone, and it with it
        if (await DeleteAsync(item, resource, confirmed, stop) is { } uid) return uid;
        // What is not found may be the version and not the object: what was known of it is asked anew.
        discovery.Forget(item.Ref);
        var again = await discovery.FindAnyAsync(item.Ref, stop);
        return again is null || again == resource ? null : await DeleteAsync(item, again, confirmed, stop);
    }

    private async Task<string?> DeleteAsync(OwnedObject item, KubeResource resource, bool confirmed, CancellationToken stop)
    {
        var of = item.Ref;
        try
        {
            using var live = await client.GetAsync(resource.PathOf(of), stop);
            if (await GuardAsync(item, live.RootElement, confirmed, stop) is { } why)
            {
                Skip(of, why);
                return null;
            }
            var uid = live.RootElement.GetProperty("metadata").GetProperty("uid").GetString()!;
            await client.DeleteAsync(resource.PathOf(of), uid, stop);
            KubeLog.Acted(log, of.Subject, "deleted, as it left the bundle");
            return uid;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
        catch (KubeException e) when (e.Code == 409)
        {
            Skip(of, "somebody made it anew");
            return null;
        }
        catch (KubeException e)
        {
            throw e.ToStep(of);
        }
    }

    private void Skip(ObjectRef of, string why)
    {
        KubeLog.Acted(log, of.Subject, $"left where it is: {why}");
        note(new ApplyEvent.Raised(ConditionCodes.PruneSkipped, of.Subject, $"{of.Subject} left the bundle and stays: {why}"));
    }

    /// <summary>Why this object is not deleted; null: it is.</summary>
    private async Task<string?> GuardAsync(OwnedObject item, JsonElement live, bool confirmed, CancellationToken stop)
    {
        var mark = FieldOwners.MarkOf(live);
        if (item.Kind == OwnedKind.Object && mark.EndsWith(":none", StringComparison.Ordinal)
            && FieldOwners.UidOf(mark) != FieldOwners.UidOf(item.Mark)) return "somebody made it anew";
        var annotations = live.GetProperty("metadata").TryGetProperty("annotations", out var found)
            && found.ValueKind == JsonValueKind.Object
            ? found : default;
        if (Says(annotations, "capillary.dev/prune", "false") || Has(annotations, "Prune=false") || Has(annotations, "Delete=false"))
            return "its annotations say so (Prune=false)";
        if (!confirmed && (Says(annotations, "capillary.dev/prune", "confirm") || Has(annotations, "Prune=confirm")))
            return "its annotations ask for a confirmation (Prune=confirm)";
        if (item.Ref is { Group: "", Kind: "Namespace" } space) return await ForeignInAsync(space.Name, stop);
        return null;
    }

    private static bool Says(JsonElement annotations, string name, string value) => annotations.ValueKind == JsonValueKind.Object
        && annotations.TryGetProperty(name, out var said) && said.ValueEquals(value);

    private static bool Has(JsonElement annotations, string option) => annotations.ValueKind == JsonValueKind.Object
        && annotations.TryGetProperty("argocd.argoproj.io/sync-options", out var said) && said.ValueKind == JsonValueKind.String
        && said.GetString()!.Split(',', StringSplitOptions.TrimEntries).Contains(option);

    /// <summary>What a namespace holds that is not ours; null: nothing.</summary>
    private async Task<string?> ForeignInAsync(string space, CancellationToken stop)
    {
        var foreign = new List<string>();
        foreach (var resource in await discovery.NamespacedAsync(stop))
        {
            if (Own.Contains(resource.Kind)) continue;
            try
            {
                await client.ListAsync(resource.PathIn(space), 100, item =>
                {
                    if (foreign.Count < 4 && IsForeign(resource, item)) foreign.Add($"{resource.Kind} {NameOf(item)}");
                }, stop);
            }
            catch (KubeException e) when (e.Code is 404 or 405)
            {
                // Served no more, or not to be listed.
            }
            if (foreign.Count > 3) break;
        }
        if (foreign.Count == 0) return null;
        return $"it holds objects that are not ours: {string.Join(", ", foreign.Take(3))}{(foreign.Count > 3 ? ", …" : "")}";
    }

    private bool IsForeign(KubeResource resource, JsonElement item)
    {
        var name = NameOf(item);
        if (resource is { Root: "/api/v1", Kind: "ConfigMap" } && name is "kube-root-ca.crt" or "openshift-service-ca.crt") return false;
        if (resource is { Root: "/api/v1", Kind: "ServiceAccount" } && name is "default" or "builder" or "deployer") return false;
        var metadata = item.GetProperty("metadata");
        // Old clusters make a token for every service account.
        if (metadata.TryGetProperty("annotations", out var notes)
            && notes.TryGetProperty("kubernetes.io/service-account.name", out _)) return false;
        // Made by a controller for something that counts itself; or on its way out.
        if (metadata.TryGetProperty("ownerReferences", out _) || metadata.TryGetProperty("deletionTimestamp", out _)) return false;
        return !ours.Contains(metadata.GetProperty("uid").GetString()!);
    }

    private static string NameOf(JsonElement item) => item.GetProperty("metadata").GetProperty("name").GetString()!;
}
