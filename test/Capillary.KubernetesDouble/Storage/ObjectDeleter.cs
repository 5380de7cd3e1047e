using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Storage;

/// <summary>What a delete asks beside the object.</summary>
internal sealed record DeleteOptions(string? Propagation, string? Uid, string? ResourceVersion, bool IsDryRun)
{
    public static readonly DeleteOptions None = new(null, null, null, false);
}

/// <summary>Deletes objects: at once, or marked and left to their finalizers and the garbage collector.</summary>
internal sealed class ObjectDeleter(ClusterState state)
{
    public const string Foreground = "foregroundDeletion";

    public const string Orphan = "orphan";

    /// <summary>The object as it is now when it is only marked; null when it is gone.</summary>
    /// <exception cref="ApiError">404, or 409 when a precondition does not hold.</exception>
    public (JsonObject Last, bool IsGone) Delete(ResourceType type, string space, string name, DeleteOptions options)
    {
        lock (state.Store.Gate)
        {
            var key = ObjectStore.Key(space, name);
            var before = state.Store.Find(type.Place, key) ?? throw ApiError.NotFound(type, name);
            RefusePreconditions(type, name, before, options);
            var tree = before.Copy();
            var finalizers = tree.Items("metadata", "finalizers").Select(one => one.GetValue<string>())
                .Where(one => options.Propagation is null || one is not (Foreground or Orphan)).ToList();
            if (options.Propagation == "Foreground") finalizers.Add(Foreground);
            if (options.Propagation == "Orphan") finalizers.Add(Orphan);
            var waits = finalizers.Count > 0 || tree.Items("spec", "finalizers").Any();
            if (options.IsDryRun) return (before, !waits);
            if (!waits)
            {
                state.Store.Remove(type.Place, key);
                return (before, true);
            }
            Mark(tree, type, finalizers);
            return (Json.Same(tree, before) ? before : state.Store.Put(type.Place, tree), false);
        }
    }

    private static void Mark(JsonObject tree, ResourceType type, List<string> finalizers)
    {
        var meta = tree.Ensure("metadata");
        if (finalizers.Count > 0) meta["finalizers"] = new JsonArray([.. finalizers.Select(one => JsonValue.Create(one))]);
        else meta.Remove("finalizers");
        if (meta.Text("deletionTimestamp") is not null) return;
        meta["deletionTimestamp"] = ClusterState.Time;
        if (type.QualifiedKind == "Namespace") tree.Ensure("status")["phase"] = "Terminating";
        if (type.QualifiedKind is "Namespace" or "CustomResourceDefinition.apiextensions.k8s.io") return;
        meta["deletionGracePeriodSeconds"] = 0;
        if (meta.Number("generation") is { } generation) meta["generation"] = generation + 1;
    }

    private static void RefusePreconditions(ResourceType type, string name, JsonObject tree, DeleteOptions options)
    {
        var (uid, version) = (tree.Text("metadata", "uid"), tree.Text("metadata", "resourceVersion"));
        if (options.Uid is { } wanted && wanted != uid)
            throw ApiError.DeleteConflict(type, name, $"the UID in the precondition ({wanted}) does not match the UID in record ({uid}). "
                + "The object might have been deleted and then recreated");
        if (options.ResourceVersion is { } old && old != version)
            throw ApiError.DeleteConflict(type, name,
                $"the ResourceVersion in the precondition ({old}) does not match the ResourceVersion in record "
                + $"({version}). The object might have been modified");
    }
}
