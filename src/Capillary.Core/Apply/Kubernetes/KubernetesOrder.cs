using System.Collections.Frozen;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Which kinds come first, and which of the kinds that every cluster has stand in no namespace.</summary>
public static class KubernetesOrder
{
    /// <summary>As Argo CD and Helm sort them, so that what others need is there before them.</summary>
    private static readonly string[] Kinds =
    [
        "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget", "ServiceAccount",
        "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition",
        "ClusterRole", "ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding",
        "RoleBindingList", "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment",
        "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
    ];

    private static readonly FrozenDictionary<string, int> Ranks =
        Kinds.Select((kind, rank) => (kind, rank)).ToFrozenDictionary(item => item.kind, item => item.rank, StringComparer.Ordinal);

    private static readonly FrozenSet<string> InNoNamespace = FrozenSet.Create(StringComparer.Ordinal,
        "/Namespace", "/Node", "/PersistentVolume", "/ComponentStatus",
        "admissionregistration.k8s.io/MutatingAdmissionPolicy", "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration", "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
        "apiextensions.k8s.io/CustomResourceDefinition", "apiregistration.k8s.io/APIService",
        "certificates.k8s.io/CertificateSigningRequest", "certificates.k8s.io/ClusterTrustBundle",
        "flowcontrol.apiserver.k8s.io/FlowSchema", "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
        "internal.apiserver.k8s.io/StorageVersion", "networking.k8s.io/IngressClass", "networking.k8s.io/IPAddress",
        "networking.k8s.io/ServiceCIDR", "node.k8s.io/RuntimeClass", "policy/PodSecurityPolicy",
        "rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/ClusterRoleBinding", "resource.k8s.io/DeviceClass",
        "resource.k8s.io/ResourceSlice", "scheduling.k8s.io/PriorityClass", "storage.k8s.io/CSIDriver", "storage.k8s.io/CSINode",
        "storage.k8s.io/StorageClass", "storage.k8s.io/VolumeAttachment", "storage.k8s.io/VolumeAttributesClass",
        "storagemigration.k8s.io/StorageVersionMigration");

    /// <summary>Place among all kinds, from 0; the lower one is applied first. All kinds that are not in the list come last.</summary>
    public static int RankOf(string kind) => Ranks.GetValueOrDefault(kind, Kinds.Length);

    /// <summary>True for the built-in kinds that stand in no namespace. Of other kinds only the cluster knows.</summary>
    internal static bool IsClusterScoped(string group, string kind) => InNoNamespace.Contains($"{group}/{kind}");

    /// <summary>True for the API groups that Kubernetes itself serves.</summary>
    internal static bool IsBuiltIn(string group) => !group.Contains('.') || group.EndsWith(".k8s.io", StringComparison.Ordinal);
}
