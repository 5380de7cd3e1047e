using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;

namespace Capillary.KubernetesDouble.Background;

/// <summary>Gives a new namespace what every namespace has, and empties one that is being deleted before it goes.</summary>
internal static class Namespaces
{
    public static void Run(ObjectPass pass)
    {
        var type = pass.State.Types.Get("", "namespaces");
        foreach (var space in pass.State.Store.All(type.Place))
        {
            var name = space.Text("metadata", "name")!;
            if (ObjectPass.IsDeleted(space)) Empty(pass, name, space);
            else Furnish(pass, name);
        }
    }

    // A service account, and the cluster's CA for it.
    private static void Furnish(ObjectPass pass, string space)
    {
        Ensure(pass, space, "serviceaccounts", "default", new JsonObject());
        Ensure(pass, space, "configmaps", "kube-root-ca.crt", Json.Object("""
            {"metadata":{"annotations":{"kubernetes.io/description":"Contains a CA bundle that can be used to verify the kube-apiserver."}},
             "data":{"ca.crt":"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}}
            """));
    }

    private static void Ensure(ObjectPass pass, string space, string plural, string name, JsonObject tree)
    {
        var type = pass.State.Types.Get("", plural);
        if (pass.State.Store.Find(type.Place, ObjectStore.Key(space, name)) is not null) return;
        tree.Ensure("metadata")["name"] = name;
        pass.Create(type, space, tree);
    }

    private static void Empty(ObjectPass pass, string name, JsonObject space)
    {
        foreach (var (type, tree) in Contents(pass, name).Where(one => !ObjectPass.IsDeleted(one.Tree)))
            pass.Delete(type, tree, "Background");
        var left = Contents(pass, name).ToList();
        var namespaces = pass.State.Types.Get("", "namespaces");
        if (left.Count > 0)
        {
            pass.Change(namespaces, space, live => live.Ensure("status")["conditions"] = Remaining(left.Count, live), "status");
            return;
        }
        if (pass.Live(namespaces, space)?.Copy() is not { } last) return;
        last.Ensure("spec").Remove("finalizers");
        if (last.Items("metadata", "finalizers").Any())
        {
            if (space.Items("spec", "finalizers").Any()) pass.State.Store.Put(namespaces.Place, last);
        }
        else
        {
            pass.State.Store.Remove(namespaces.Place, ObjectStore.Key("", name));
        }
    }

    private static IEnumerable<(Types.ResourceType Type, JsonObject Tree)> Contents(ObjectPass pass, string space) =>
        pass.All().Where(one => one.Tree.Text("metadata", "namespace") == space);

    private static JsonArray Remaining(int count, JsonObject space)
    {
        var since = space.Text("metadata", "deletionTimestamp");
        return new JsonArray(Condition("NamespaceContentRemaining", "SomeResourcesRemain",
            $"Some resources are remaining: {count} resource instances", since),
            Condition("NamespaceFinalizersRemaining", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining",
            since));
    }

    private static JsonObject Condition(string type, string reason, string message, string? since) => new()
    {
        ["lastTransitionTime"] = since,
        ["message"] = message,
        ["reason"] = reason,
        ["status"] = "True",
        ["type"] = type,
    };
}
