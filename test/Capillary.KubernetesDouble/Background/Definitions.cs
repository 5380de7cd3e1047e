using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Background;

/// <summary>Establishes new definitions of custom resources, serves their kinds, and removes their objects with them.</summary>
internal static class Definitions
{
    private const string Cleanup = "customresourcecleanup.apiextensions.k8s.io";

    public static void Run(ObjectPass pass)
    {
        var type = pass.State.Types.Get("apiextensions.k8s.io", "customresourcedefinitions");
        foreach (var definition in pass.State.Store.All(type.Place))
        {
            var (group, plural) = (definition.Text("spec", "group")!, definition.Text("spec", "names", "plural")!);
            if (ObjectPass.IsDeleted(definition)) Remove(pass, type, definition, group, plural);
            else if (!IsEstablished(definition)) Establish(pass, type, definition);
            else pass.State.Types.Serve(group, plural, CustomTypes.Of(definition));
        }
    }

    private static bool IsEstablished(JsonObject definition) =>
        definition.Items("status", "conditions").Any(condition =>
            condition.Text("type") == "Established" && condition.Text("status") == "True");

    private static void Establish(ObjectPass pass, ResourceType type, JsonObject definition)
    {
        pass.Change(type, definition, live => live["status"] = Status(live), "status", "kube-apiserver");
        pass.Change(type, definition, live =>
        {
            var finalizers = live.Ensure("metadata")["finalizers"] as JsonArray ?? [];
            if (!ObjectPass.Has(live, Cleanup)) finalizers.Add(Cleanup);
            live.Ensure("metadata")["finalizers"] = finalizers.DeepClone();
        }, manager: "kube-apiserver");
    }

    private static JsonObject Status(JsonObject definition)
    {
        var storage = definition.Items("spec", "versions").First(version => version.Flag("storage") == true).Text("name");
        return new JsonObject
        {
            ["acceptedNames"] = definition.At("spec", "names")!.DeepClone(),
            ["conditions"] = new JsonArray(Condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                Condition("Established", "InitialNamesAccepted", "the initial names have been accepted")),
            ["storedVersions"] = new JsonArray(storage),
        };
    }

    private static JsonObject Condition(string type, string reason, string message) => new()
    {
        ["lastTransitionTime"] = ClusterState.Time,
        ["message"] = message,
        ["reason"] = reason,
        ["status"] = "True",
        ["type"] = type,
    };

    private static void Remove(ObjectPass pass, ResourceType type, JsonObject definition, string group, string plural)
    {
        if (!ObjectPass.Has(definition, Cleanup)) return;
        var place = $"{group}/{plural}";
        if (pass.State.Types.Places.FirstOrDefault(served => served.Place == place) is { } custom)
        {
            foreach (var tree in pass.State.Store.All(place).Where(tree => !ObjectPass.IsDeleted(tree)))
                pass.Delete(custom, tree, "Background");
        }
        if (pass.State.Store.All(place).Count > 0) return;
        pass.State.Types.Serve(group, plural, []);
        pass.Change(type, definition, live => ObjectPass.RemoveFinalizer(live, Cleanup), manager: "kube-apiserver");
    }
}
