using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Background;

/// <summary>Deletes what its owners left behind, and finishes foreground and orphaning deletions.</summary>
internal static class GarbageCollector
{
    public static void Run(ObjectPass pass)
    {
        var all = pass.All().ToList();
        var uids = all.Select(one => one.Tree.Text("metadata", "uid")!).ToHashSet();
        foreach (var (type, tree) in all)
        {
            if (tree.At("metadata", "ownerReferences") is not null) Collect(pass, type, tree, uids);
            if (!ObjectPass.IsDeleted(tree)) continue;
            if (ObjectPass.Has(tree, ObjectDeleter.Foreground)) Foreground(pass, all, type, tree);
            if (ObjectPass.Has(tree, ObjectDeleter.Orphan)) Orphan(pass, all, type, tree);
        }
    }

    private static bool IsOwnedBy(JsonNode reference, JsonObject owner) => reference.Text("uid") == owner.Text("metadata", "uid");

    private static IEnumerable<(ResourceType Type, JsonObject Tree)> Dependents(List<(ResourceType Type, JsonObject Tree)> all,
        JsonObject owner) =>
        all.Where(one => one.Tree.Items("metadata", "ownerReferences").Any(reference => IsOwnedBy(reference, owner)));

    private static void Collect(ObjectPass pass, ResourceType type, JsonObject tree, HashSet<string> uids)
    {
        if (ObjectPass.IsDeleted(tree)) return;
        var owners = tree.Items("metadata", "ownerReferences").ToList();
        var gone = owners.Where(owner => !uids.Contains(owner.Text("uid") ?? "")).ToList();
        if (owners.Count == 0 || gone.Count == 0) return;
        if (gone.Count == owners.Count) pass.Delete(type, tree, ObjectPass.Has(tree, ObjectDeleter.Orphan) ? "Orphan" : "Background");
        else pass.Change(type, tree, live => (live.At("metadata", "ownerReferences") as JsonArray)!.RemoveAll(
            one => gone.Any(reference => reference.Text("uid") == one.Text("uid"))));
    }

    // The owner stays until no dependent is left that blocks it.
    private static void Foreground(ObjectPass pass, List<(ResourceType Type, JsonObject Tree)> all, ResourceType type, JsonObject owner)
    {
        var dependents = Dependents(all, owner).Where(one => pass.Live(one.Type, one.Tree) is not null).ToList();
        var blocking = dependents.Where(one => one.Tree.Items("metadata", "ownerReferences")
            .Any(reference => IsOwnedBy(reference, owner) && reference.Flag("blockOwnerDeletion") == true)).ToList();
        if (blocking.Count == 0) pass.Change(type, owner, live => ObjectPass.RemoveFinalizer(live, ObjectDeleter.Foreground));
        foreach (var (dependent, tree) in dependents.Where(one => !ObjectPass.IsDeleted(one.Tree)))
            pass.Delete(dependent, tree, Dependents(all, tree).Any() ? "Foreground" : "Background");
    }

    private static void Orphan(ObjectPass pass, List<(ResourceType Type, JsonObject Tree)> all, ResourceType type, JsonObject owner)
    {
        foreach (var (dependent, tree) in Dependents(all, owner))
        {
            pass.Change(dependent, tree, live =>
            {
                var references = (live.At("metadata", "ownerReferences") as JsonArray)!;
                references.RemoveAll(reference => IsOwnedBy(reference!, owner));
                if (references.Count == 0) live.Map("metadata")!.Remove("ownerReferences");
            });
        }
        pass.Change(type, owner, live => ObjectPass.RemoveFinalizer(live, ObjectDeleter.Orphan));
    }
}
