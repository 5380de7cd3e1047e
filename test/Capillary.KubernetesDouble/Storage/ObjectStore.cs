using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Storage;

/// <summary>All objects, their one counter of revisions, and the last changes. Whoever reads and then writes holds <see
/// cref="Gate"/>.</summary>
/// <param name="historyLimit">Changes that are remembered; a watch or list from before them gets 410.</param>
internal sealed class ObjectStore(int historyLimit)
{
    private readonly Dictionary<string, SortedDictionary<string, JsonObject>> places = [];
    private readonly List<StoreEvent> history = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long forgotten;

    public Lock Gate { get; } = new();

    /// <summary>Of the last change.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>Done at the next change.</summary>
    public Task Changed
    {
        get { lock (Gate) return changed.Task; }
    }

    public static string Key(string space, string name) => $"{space}/{name}";

    public static string Key(JsonObject tree) => Key(tree.Text("metadata", "namespace") ?? "", tree.Text("metadata", "name")!);

    public JsonObject? Find(string place, string key)
    {
        lock (Gate) return places.TryGetValue(place, out var objects) ? objects.GetValueOrDefault(key) : null;
    }

    public IReadOnlyList<JsonObject> All(string place)
    {
        lock (Gate) return places.TryGetValue(place, out var objects) ? [.. objects.Values] : [];
    }

    /// <summary>Adds it or puts it in the place of the one with its name, with the next revision written into it.</summary>
    public JsonObject Put(string place, JsonObject tree)
    {
        lock (Gate)
        {
            if (!places.TryGetValue(place, out var objects)) places[place] = objects = new(StringComparer.Ordinal);
            var key = Key(tree);
            var before = objects.GetValueOrDefault(key);
            var revision = Stamp(tree);
            objects[key] = tree;
            Remember(new StoreEvent(revision, place, key, before, tree, tree));
            return tree;
        }
    }

    public void Remove(string place, string key)
    {
        lock (Gate)
        {
            if (!places.TryGetValue(place, out var objects) || !objects.Remove(key, out var before)) return;
            var last = before.Copy();
            Remember(new StoreEvent(Stamp(last), place, key, before, null, last));
        }
    }

    /// <summary>The state now, or as it was at a revision; null when that is forgotten.</summary>
    public Snapshot? At(string place, long? revision)
    {
        lock (Gate)
        {
            var objects = new SortedDictionary<string, JsonObject>(places.GetValueOrDefault(place) ?? [], StringComparer.Ordinal);
            if (revision is null || revision == Revision) return new Snapshot(Revision, [.. objects]);
            if (revision < forgotten) return null;
            foreach (var change in After(revision.Value).Where(change => change.Place == place))
            {
                if (change.Before is null) objects.Remove(change.Key);
                else objects[change.Key] = change.Before;
            }
            return new Snapshot(revision.Value, [.. objects]);
        }
    }

    /// <summary>The changes after a revision; null when some of them are forgotten. Done together with <paramref name="next"/>.</summary>
    public IReadOnlyList<StoreEvent>? Since(string place, long revision, out long now, out Task next)
    {
        lock (Gate)
        {
            (now, next) = (Revision, changed.Task);
            if (revision < forgotten) return null;
            return [.. After(revision).Where(change => change.Place == place).Reverse()];
        }
    }

    /// <summary>As after a compaction: no earlier revision can be listed or watched from.</summary>
    public void Forget()
    {
        lock (Gate)
        {
            history.Clear();
            forgotten = ++Revision;
        }
    }

    // Newest first: what a watch has not seen is short, and the history is long.
    private IEnumerable<StoreEvent> After(long revision)
    {
        for (var i = history.Count - 1; i >= 0 && history[i].Revision > revision; i--) yield return history[i];
    }

    private long Stamp(JsonObject tree)
    {
        tree.Ensure("metadata")["resourceVersion"] = (++Revision).ToString();
        return Revision;
    }

    private void Remember(StoreEvent change)
    {
        history.Add(change);
        if (history.Count > historyLimit)
        {
            forgotten = history[0].Revision;
            history.RemoveAt(0);
        }
        var done = changed;
        changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        done.SetResult();
    }
}
