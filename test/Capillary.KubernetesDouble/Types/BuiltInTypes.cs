using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Types;

/// <summary>The kinds that are served from the start.</summary>
internal static class BuiltInTypes
{
    // group/version, kind, plural; then: n namespaced, s status, c scale, g generation; then short names.
    private const string Text = """
        v1 Namespace namespaces s ns
        v1 ConfigMap configmaps n cm
        v1 Secret secrets n
        v1 Service services ns svc
        v1 ServiceAccount serviceaccounts n sa
        v1 Pod pods nsg po
        v1 PersistentVolumeClaim persistentvolumeclaims ns pvc
        v1 PersistentVolume persistentvolumes s pv
        v1 Event events n ev
        v1 Endpoints endpoints n ep
        v1 Node nodes s no
        v1 ResourceQuota resourcequotas ns quota
        v1 LimitRange limitranges n limits
        v1 ReplicationController replicationcontrollers nscg rc
        apps/v1 Deployment deployments nscg deploy
        apps/v1 StatefulSet statefulsets nscg sts
        apps/v1 DaemonSet daemonsets nsg ds
        apps/v1 ReplicaSet replicasets nscg rs
        apps/v1 ControllerRevision controllerrevisions n
        batch/v1 Job jobs nsg
        batch/v1 CronJob cronjobs nsg cj
        networking.k8s.io/v1 Ingress ingresses nsg ing
        networking.k8s.io/v1 IngressClass ingressclasses g
        networking.k8s.io/v1 NetworkPolicy networkpolicies ng netpol
        rbac.authorization.k8s.io/v1 Role roles n
        rbac.authorization.k8s.io/v1 RoleBinding rolebindings n
        rbac.authorization.k8s.io/v1 ClusterRole clusterroles -
        rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings -
        autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers ns hpa
        policy/v1 PodDisruptionBudget poddisruptionbudgets nsg pdb
        storage.k8s.io/v1 StorageClass storageclasses - sc
        apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions sg crd,crds
        apiregistration.k8s.io/v1 APIService apiservices s
        coordination.k8s.io/v1 Lease leases n
        """;

    private const string Template = """{"metadata":{},"spec":{"containers":null}}""";

    // What is there in an empty object of the kind, because the API's own type holds it by value: nobody comes to own that.
    private static readonly Dictionary<string, string> Skeletons = new()
    {
        ["Namespace"] = """{"spec":{},"status":{}}""",
        ["Service"] = """{"spec":{},"status":{"loadBalancer":{}}}""",
        ["Pod"] = """{"spec":{"containers":null},"status":{}}""",
        ["PersistentVolumeClaim"] = """{"spec":{"resources":{}},"status":{}}""",
        ["PersistentVolume"] = """{"spec":{},"status":{}}""",
        ["Event"] = """{"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":null,"eventTime":null}""",
        ["Node"] = """{"spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":{}},"nodeInfo":{}}}""",
        ["ResourceQuota"] = """{"spec":{},"status":{}}""",
        ["LimitRange"] = """{"spec":{"limits":null}}""",
        ["ReplicationController"] = """{"spec":{},"status":{"replicas":0}}""",
        ["Deployment"] = """{"spec":{"selector":null,"strategy":{},"template":TEMPLATE},"status":{}}""",
        ["StatefulSet"] =
        """
            {"spec":{"selector":null,"serviceName":"","updateStrategy":{},"template":TEMPLATE},
             "status":{"replicas":0,"availableReplicas":0}}
            """,
        ["DaemonSet"] = """
            {"spec":{"selector":null,"updateStrategy":{},"template":TEMPLATE},
             "status":{"currentNumberScheduled":0,"desiredNumberScheduled":0,"numberMisscheduled":0,"numberReady":0}}
            """,
        ["ReplicaSet"] = """{"spec":{"selector":null,"template":TEMPLATE},"status":{"replicas":0}}""",
        ["Job"] = """{"spec":{"template":TEMPLATE},"status":{}}""",
        ["CronJob"] = """{"spec":{"schedule":"","jobTemplate":{"metadata":{},"spec":{"template":TEMPLATE}}},"status":{}}""",
        ["Ingress"] = """{"spec":{},"status":{"loadBalancer":{}}}""",
        ["IngressClass"] = """{"spec":{}}""",
        ["NetworkPolicy"] = """{"spec":{"podSelector":{}}}""",
        ["Role"] = """{"rules":null}""",
        ["RoleBinding"] = """{"roleRef":{"apiGroup":"","kind":"","name":""}}""",
        ["ClusterRole"] = """{"rules":null}""",
        ["ClusterRoleBinding"] = """{"roleRef":{"apiGroup":"","kind":"","name":""}}""",
        ["HorizontalPodAutoscaler"] =
        """{"spec":{"scaleTargetRef":{"kind":"","name":""},"maxReplicas":0},"status":{"desiredReplicas":0,"currentMetrics":null}}""",
        ["PodDisruptionBudget"] =
        """{"spec":{},"status":{"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":0,"expectedPods":0}}""",
        ["CustomResourceDefinition"] = """
            {"spec":{"group":"","names":{"plural":"","kind":""},"scope":"","versions":null},
             "status":{"conditions":null,"acceptedNames":{"plural":"","kind":""},"storedVersions":null}}
            """,
        ["APIService"] = """{"spec":{"groupPriorityMinimum":0,"versionPriority":0},"status":{}}""",
        ["Lease"] = """{"spec":{}}""",
    };

    public static IEnumerable<ResourceType> All() =>
        Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(Read);

    private static ResourceType Read(string[] words)
    {
        var version = words[0].Split('/');
        return new ResourceType(version.Length > 1 ? version[0] : "", version[^1], words[1], words[2], words[3].Contains('n'))
        {
            HasStatus = words[3].Contains('s'),
            HasScale = words[3].Contains('c'),
            HasGeneration = words[3].Contains('g'),
            ShortNames = words.Length > 4 ? words[4].Split(',') : [],
            Categories =
            words[1] is "Pod" or "Service" or "Deployment" or "StatefulSet" or "DaemonSet" or "ReplicaSet" or "Job" or "CronJob"
                or "ReplicationController" or "HorizontalPodAutoscaler" ? ["all"] : [],
            Schema = BuiltInSchemas.Of(words[1]),
            Empty = Skeleton(words[1]),
        };
    }

    private static JsonObject Skeleton(string kind)
    {
        var tree = Json.Object(Skeletons.GetValueOrDefault(kind, "{}").Replace("TEMPLATE", Template, StringComparison.Ordinal));
        tree["metadata"] = new JsonObject();
        return tree;
    }
}
