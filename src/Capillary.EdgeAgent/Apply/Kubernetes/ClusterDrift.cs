using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>
/// Finds what others changed in what is ours. A watch says that an object has another mark than we left; the object is then read once, and
/// its managed fields tell what was changed and by whom. Nothing is polled.
/// </summary>
internal sealed class ClusterDrift(KubeClient client, KubeDiscovery discovery, ClusterView view, BundleReader bundles, ILogger log)
{
    private const int MostAtOnce = 16;
    private static readonly ImmutableArray<Drift> None = [];
    private readonly ConcurrentDictionary<string, Drift> found = new(StringComparer.Ordinal);

    // Differences that are to be: of fields that the app leaves to others.
    private readonly ConcurrentDictionary<string, string> accepted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> judging = new(StringComparer.Ordinal);
    private readonly HashSet<string> suspects = new(StringComparer.Ordinal);
    private ImmutableArray<OwnedObject> lookedAt = [];

    /// <summary>What drifted, as far as it is known by now. Called on the loop.</summary>
    /// <param name="state">As it stands.</param>
    /// <param name="changed">Keys of live objects that changed.</param>
    /// <param name="stop">Ends what it began.</param>
    public ImmutableArray<Drift> Find(ApplyState state, List<string> changed, CancellationToken stop)
    {
        Suspect(state, changed);
        foreach (var over in judging.Where(item => item.Value.IsCompleted).ToList()) judging.Remove(over.Key);
        if (state.InFlight is not null || !state.Steps.IsEmpty || state.Objects is not { } objects) return None;
        // Nearly always: an idle agent does nothing here.
        if (suspects.Count == 0) return Known(state);
        var digests = objects.Apps.SelectMany(app => app.Objects).Where(value => suspects.Contains(value.Key))
            .ToDictionary(value => value.Key, StringComparer.Ordinal);
        foreach (var key in suspects.ToList())
        {
            if (state.Owned.Find(key) is not { Digest: not null } owned || !digests.TryGetValue(key, out var value)
                || value.Digest != owned.Digest)
            {
                // Not ours, or to be applied anyhow.
                suspects.Remove(key);
                continue;
            }
            var seen = view.Find(owned.Ref, out var isKnown);
            if (!isKnown || judging.Count >= MostAtOnce || judging.ContainsKey(key)) continue;
            suspects.Remove(key);
            if (seen is { Deleting: true } || seen?.Mark == owned.Mark) continue;
            if (seen is not null && accepted.TryGetValue(key, out var known) && known == seen.Mark) continue;
            judging[key] = Task.Run(() => JudgeAsync(owned, value, objects.Bundle, stop), CancellationToken.None);
        }
        return Known(state);
    }

    /// <summary>What it began has ended.</summary>
    public Task EndAsync() => Task.WhenAll(judging.Values);

    private void Suspect(ApplyState state, List<string> changed)
    {
        // A kind that was listed comes as its prefix: what is not in the list was deleted.
        var prefixes = changed.Where(key => key.EndsWith('/')).ToList();
        foreach (var key in changed.Where(key => !key.EndsWith('/'))) suspects.Add($"{OwnedKind.Object}:{key}");
        if (prefixes.Count == 0 && lookedAt == state.Owned) return;
        lookedAt = state.Owned;
        foreach (var owned in state.Owned.Where(item => item.Kind == OwnedKind.Object && item.Digest is not null))
        {
            var seen = view.Find(owned.Ref, out var isKnown);
            if (!isKnown || seen?.Mark != owned.Mark) suspects.Add(owned.Key);
        }
    }

    private ImmutableArray<Drift> Known(ApplyState state)
    {
        foreach (var (key, drift) in found)
        {
            if (state.Owned.Find(key) != drift.Seen) found.TryRemove(key, out _);
        }
        return found.IsEmpty ? None : [.. found.Values.OrderBy(drift => drift.Seen.Key, StringComparer.Ordinal)];
    }

    private async Task JudgeAsync(OwnedObject owned, DesiredObject value, Digest bundle, CancellationToken stop)
    {
        var key = owned.Key;
        try
        {
            var of = owned.Ref;
            if (await discovery.FindAsync(of, stop) is not { } resource)
            {
                found[key] = new Drift(owned, $"{of.Subject} was deleted, and its kind too");
                return;
            }
            using var live = await client.GetAsync(resource.PathOf(of), stop);
            view.Put(WatchedKind.Of(of), live.RootElement);
            var mark = FieldOwners.MarkOf(live.RootElement);
            if (mark == owned.Mark) return;
            var content = bundles.Read(bundle).Apps.First(app => app.Name == value.App).Cluster;
            using var manifest = JsonDocument.Parse(content.JsonOf(value.Manifest.Ref));
            var verdict = FieldOwners.Explain(manifest.RootElement, live.RootElement, content.Policy.IgnoredFor(of));
            if (verdict.Ignored || (verdict.Taken && content.Policy.Conflicts == ConflictPolicy.Leave)) accepted[key] = mark;
            else
            {
                var isAnother = FieldOwners.UidOf(mark) != FieldOwners.UidOf(owned.Mark);
                found[key] = new Drift(owned, isAnother ? $"{of.Subject} was deleted and made anew" : $"{of.Subject}: {verdict.Text}");
            }
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            found[key] = new Drift(owned, $"{owned.Subject} was deleted");
        }
        catch (Exception e)
        {
            if (e is not (KubeException or KubeUnreachableException or StepException or IOException or OperationCanceledException))
                ApplyLog.Bug(log, e);
            // All are looked at again.
            lookedAt = [];
        }
    }
}
