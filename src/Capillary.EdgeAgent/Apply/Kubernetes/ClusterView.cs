using System.Globalization;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>What is known of one live object: little, as there may be thousands.</summary>
/// <param name="Uid">Its uid.</param>
/// <param name="Version">Its resource version as a number (comparable since KEP-5504); 0 when it is none.</param>
/// <param name="Mark">See <see cref="FieldOwners.MarkOf"/>.</param>
/// <param name="Deleting">It has a deletion timestamp.</param>
/// <param name="Health">Its health; null when no rule knows its kind.</param>
/// <param name="Run">Of a hook's object: which run it is of.</param>
internal sealed record SeenObject(string Uid, ulong Version, string Mark, bool Deleting, ObjectHealth? Health, string? Run);

/// <summary>A kind whose objects are watched.</summary>
/// <param name="Group">API group.</param>
/// <param name="Kind">Kind.</param>
internal readonly record struct WatchedKind(string Group, string Kind)
{
    public static WatchedKind Of(ObjectRef of) => new(of.Group, of.Kind);
}

/// <summary>What the watches have seen of the objects that bear our label. Safe from any thread.</summary>
internal sealed class ClusterView
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, SeenObject> objects = new(StringComparer.Ordinal);
    private readonly HashSet<string> changed = new(StringComparer.Ordinal);
    private readonly Dictionary<WatchedKind, bool> whole = [];
    private readonly HashSet<WatchedKind> withoutNamespaces = [];
    private TaskCompletionSource pulse = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<HealthRule> rules = [];

    /// <summary>The fleet's own health rules.</summary>
    public IReadOnlyList<HealthRule> Rules
    {
        get
        {
            lock (gate) return rules;
        }
        set
        {
            lock (gate) rules = value;
        }
    }

    /// <summary>Ends at the next change; look again then. Take it before looking.</summary>
    public Task NextChange
    {
        get
        {
            lock (gate) return pulse.Task;
        }
    }

    /// <summary>The object, or null; <paramref name="isKnown"/>: its kind was listed, so that null means it is not there.</summary>
    public SeenObject? Find(ObjectRef of, out bool isKnown)
    {
        lock (gate)
        {
            isKnown = whole.GetValueOrDefault(WatchedKind.Of(of));
            return objects.GetValueOrDefault(KeyOf(of));
        }
    }

    /// <summary>Keys that changed since the last call.</summary>
    public List<string> TakeChanged()
    {
        lock (gate)
        {
            if (changed.Count == 0) return [];
            List<string> taken = [.. changed];
            changed.Clear();
            return taken;
        }
    }

    /// <summary>The key under which an object's changes come.</summary>
    public string KeyOf(ObjectRef of)
    {
        lock (gate) return withoutNamespaces.Contains(WatchedKind.Of(of)) ? (of with { Namespace = "" }).Key : of.Key;
    }

    /// <summary>A kind is served; whether its objects have namespaces decides their keys.</summary>
    public void Served(WatchedKind kind, bool isNamespaced)
    {
        lock (gate)
        {
            if (!isNamespaced) withoutNamespaces.Add(kind);
        }
    }

    /// <summary>A live object, from a watch or as the answer to what we wrote.</summary>
    public void Put(WatchedKind kind, JsonElement live)
    {
        var (key, seen) = Read(kind, live);
        lock (gate)
        {
            // What was written a moment ago is not undone by a watch that is behind.
            if (objects.TryGetValue(key, out var held) && held.Uid == seen.Uid && held.Version > seen.Version) return;
            if (held == seen) return;
            objects[key] = seen;
            Changed(key);
        }
    }

    /// <summary>It is gone, or bears our label no longer.</summary>
    public void Remove(WatchedKind kind, JsonElement live)
    {
        var (key, seen) = Read(kind, live);
        lock (gate)
        {
            if (objects.TryGetValue(key, out var held) && held.Uid == seen.Uid && held.Version <= seen.Version) Drop(key);
        }
    }

    /// <summary>All objects of a kind were listed: what is not among them, and is not newer than the list, is gone.</summary>
    public void Listed(WatchedKind kind, IReadOnlySet<string> keys, ulong version)
    {
        lock (gate)
        {
            var prefix = $"{kind.Group}/{kind.Kind}/";
            foreach (var key in objects.Where(item => item.Key.StartsWith(prefix, StringComparison.Ordinal) && !keys.Contains(item.Key)
                && item.Value.Version <= version).Select(item => item.Key).ToList()) Drop(key);
            whole[kind] = true;
            Changed(prefix);
        }
    }

    /// <summary>What a list's item is called.</summary>
    public static string KeyOf(WatchedKind kind, JsonElement live)
    {
        var metadata = live.GetProperty("metadata");
        return $"{kind.Group}/{kind.Kind}/{Text(metadata, "namespace")}/{Text(metadata, "name")}";
    }

    /// <summary>A resource version as a number; 0 when it is none.</summary>
    public static ulong Number(string? version) =>
        ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private (string Key, SeenObject Seen) Read(WatchedKind kind, JsonElement live)
    {
        var metadata = live.GetProperty("metadata");
        var run = metadata.TryGetProperty("annotations", out var annotations) && annotations.ValueKind == JsonValueKind.Object
            ? Text(annotations, ManifestBody.RunAnnotation) : "";
        return (KeyOf(kind, live), new SeenObject(Text(metadata, "uid"), Number(Text(metadata, "resourceVersion")),
            FieldOwners.MarkOf(live),
            metadata.TryGetProperty("deletionTimestamp", out _), KubernetesHealth.Of(kind.Group, kind.Kind, live, Rules), run.Length > 0
                ? run : null));
    }

    private void Drop(string key)
    {
        objects.Remove(key);
        Changed(key);
    }

    private void Changed(string key)
    {
        changed.Add(key);
        var over = pulse;
        pulse = new(TaskCreationOptions.RunContinuationsAsynchronously);
        over.SetResult();
    }

    private static string Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
