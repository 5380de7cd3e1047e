using System.Collections.Concurrent;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>A kind that a cluster serves.</summary>
/// <param name="Root"><c>/api/v1</c> or <c>/apis/GROUP/VERSION</c>.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Plural">Its name in paths.</param>
/// <param name="IsNamespaced">Whether its objects are in namespaces.</param>
/// <param name="CanList">Whether they can be listed.</param>
internal sealed record KubeResource(string Root, string Kind, string Plural, bool IsNamespaced, bool CanList)
{
    /// <summary>All of its objects.</summary>
    public string AllPath => $"{Root}/{Plural}";

    /// <summary>Those of a namespace.</summary>
    public string PathIn(string space) => $"{Root}/namespaces/{Uri.EscapeDataString(space)}/{Plural}";

    /// <summary>One object.</summary>
    public string PathOf(ObjectRef of) => IsNamespaced ? $"{PathIn(of.Namespace)}/{Uri.EscapeDataString(of.Name)}"
        : $"{AllPath}/{Uri.EscapeDataString(of.Name)}";
}

/// <summary>Which kinds a cluster serves; what was found is remembered, what was not is asked again.</summary>
internal sealed class KubeDiscovery(KubeClient client)
{
    private readonly ConcurrentDictionary<string, IReadOnlyList<KubeResource>> known = new(StringComparer.Ordinal);

    /// <summary>The resource of this kind, or null while the cluster does not serve it.</summary>
    public async Task<KubeResource?> FindAsync(ObjectRef of, CancellationToken stop)
    {
        var root = RootOf(of);
        if (known.TryGetValue(root, out var served) && Of(served, of.Kind) is { } found) return found;
        return Of(await ReadAsync(root, stop), of.Kind);
    }

    /// <summary>As above, in another version of its group when its own is served no longer.</summary>
    public async Task<KubeResource?> FindAnyAsync(ObjectRef of, CancellationToken stop)
    {
        var found = await FindAsync(of, stop);
        if (found is not null || of.Group.Length == 0) return found;
        try
        {
            using var group = await client.GetAsync($"/apis/{of.Group}", stop);
            var preferred = group.RootElement.GetProperty("preferredVersion").GetProperty("version").GetString()!;
            return await FindAsync(of with { Version = preferred }, stop);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>What was known of this version is asked anew: a kind went or came.</summary>
    public void Forget(ObjectRef of) => known.TryRemove(RootOf(of), out _);

    /// <summary>Every namespaced kind whose objects can be listed, in each group's preferred version.</summary>
    public async Task<IReadOnlyList<KubeResource>> NamespacedAsync(CancellationToken stop)
    {
        var all = new List<KubeResource>(await ReadAsync("/api/v1", stop));
        using var groups = await client.GetAsync("/apis", stop);
        foreach (var group in groups.RootElement.GetProperty("groups").EnumerateArray())
            all.AddRange(await ReadAsync($"/apis/{group.GetProperty("preferredVersion").GetProperty("groupVersion").GetString()}", stop));
        return [.. all.Where(resource => resource is { IsNamespaced: true, CanList: true })];
    }

    private static string RootOf(ObjectRef of) => of.Group.Length == 0 ? $"/api/{of.Version}" : $"/apis/{of.Group}/{of.Version}";

    private static KubeResource? Of(IReadOnlyList<KubeResource> served, string kind) => served.FirstOrDefault(one => one.Kind == kind);

    private async Task<IReadOnlyList<KubeResource>> ReadAsync(string root, CancellationToken stop)
    {
        try
        {
            using var list = await client.GetAsync(root, stop);
            var served = list.RootElement.GetProperty("resources").EnumerateArray().Select(item =>
                Read(root, item)).OfType<KubeResource>().ToList();
            known[root] = served;
            return served;
        }
        catch (KubeException e) when (e.IsNotFound || e.Code == 503)
        {
            return [];
        }
    }

    private static KubeResource? Read(string root, JsonElement item)
    {
        var name = item.GetProperty("name").GetString()!;
        if (name.Contains('/')) return null; // a subresource
        var canList = item.TryGetProperty("verbs", out var verbs) && verbs.EnumerateArray().Any(verb => verb.ValueEquals("list"));
        return new KubeResource(root, item.GetProperty("kind").GetString()!, name, item.GetProperty("namespaced").GetBoolean(), canList);
    }
}
