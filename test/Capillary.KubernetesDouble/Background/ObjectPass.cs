using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Background;

/// <summary>What the cluster's own controllers do to objects. All of it happens under the store's lock, which the caller holds.</summary>
internal sealed class ObjectPass(ClusterState state)
{
    public const string Manager = "kube-controller-manager";

    private readonly ObjectDeleter deleter = new(state);
    private readonly ObjectWriter writer = new(state);

    public ClusterState State => state;

    public IEnumerable<(ResourceType Type, JsonObject Tree)> All() =>
        state.Types.Places.SelectMany(type => state.Store.All(type.Place).Select(tree => (type, tree)));

    public JsonObject? Live(ResourceType type, JsonObject tree) => state.Store.Find(type.Place, ObjectStore.Key(tree));

    public void Delete(ResourceType type, JsonObject tree, string? propagation)
    {
        if (Live(type, tree) is null) return;
        deleter.Delete(type, Space(tree), tree.Text("metadata", "name")!, DeleteOptions.None with { Propagation = propagation });
    }

    public void Change(ResourceType type, JsonObject tree, Action<JsonObject> change, string subresource = "", string manager = Manager)
    {
        if (Live(type, tree) is null) return;
        var request = new WriteRequest(type, Space(tree), tree.Text("metadata", "name")!, subresource, manager, false);
        writer.Update(request, live =>
        {
            change(live);
            return live;
        });
    }

    public void Create(ResourceType type, string space, JsonObject tree) =>
        writer.Create(new WriteRequest(type, space, "", "", Manager, false), tree);

    public static void RemoveFinalizer(JsonObject tree, string finalizer) =>
        (tree.At("metadata", "finalizers") as JsonArray)?.RemoveAll(one => one.Text() == finalizer);

    public static bool IsDeleted(JsonObject tree) => tree.Text("metadata", "deletionTimestamp") is not null;

    public static bool Has(JsonObject tree, string finalizer) => tree.Items("metadata", "finalizers").Any(one => one.Text() == finalizer);

    private static string Space(JsonObject tree) => tree.Text("metadata", "namespace") ?? "";
}
