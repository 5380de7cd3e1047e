using System.Text.RegularExpressions;

namespace Capillary.KubernetesDouble.Types;

/// <summary>
/// How the built-in kinds merge where it is not "objects merge, lists are replaced". A line is a type; behind it its fields:
/// <c>name:Type</c>,
/// <c>name[key,key=default]:Type</c> a list that is a map, <c>name{}</c> a list that is a set, <c>name!</c> replaced as a whole.
/// </summary>
internal static partial class BuiltInSchemas
{
    private const string Text = """
        Meta finalizers{} ownerReferences[uid]:Atomic labels:Open annotations:Open managedFields!
        Selected selector!
        Conditions conditions[type]
        Resources claims[name] limits:Open requests:Open
        KeyRef configMapKeyRef! secretKeyRef! fieldRef! resourceFieldRef! fileKeyRef!
        EnvVar valueFrom:KeyRef
        Container env[name]:EnvVar ports[containerPort,protocol=TCP] resources:Resources volumeMounts[mountPath] volumeDevices[devicePath]
        SecretUser secretRef!
        ClaimTemplate metadata:Meta spec:ClaimSpec
        Ephemeral volumeClaimTemplate:ClaimTemplate
        FlexVolume secretRef! options:Open
        CsiVolume nodePublishSecretRef! volumeAttributes:Open
        Volume ephemeral:Ephemeral cephfs:SecretUser cinder:SecretUser flexVolume:FlexVolume csi:CsiVolume
        Volume iscsi:SecretUser rbd:SecretUser scaleIO:SecretUser storageos:SecretUser
        Spread labelSelector!
        NodeAffinity requiredDuringSchedulingIgnoredDuringExecution!
        Affinity nodeAffinity:NodeAffinity
        PodSpec containers[name]:Container initContainers[name]:Container ephemeralContainers[name]:Container volumes[name]:Volume
        PodSpec imagePullSecrets[name]:Atomic hostAliases[ip] topologySpreadConstraints[topologyKey,whenUnsatisfiable]:Spread
        PodSpec nodeSelector! affinity:Affinity schedulingGates[name] resourceClaims[name] overhead:Open resources:Resources
        PodStatus conditions[type] podIPs[ip] resourceClaimStatuses[name] resources:Resources
        Template metadata:Meta spec:PodSpec
        Workload selector! template:Template
        JobTemplate metadata:Meta spec:Workload
        CronJobSpec jobTemplate:JobTemplate
        JobStatus uncountedTerminatedPods:Uncounted
        Uncounted succeeded{} failed{}
        ServiceSpec selector! ports[port,protocol=TCP]
        ClaimSpec selector! resources:Resources dataSource!
        VolumeSpec capacity:Open cephfs:SecretUser cinder:SecretUser flexVolume:FlexVolume csi:CsiSource iscsi:SecretUser rbd:SecretUser
        VolumeSpec scaleIO:SecretUser storageos:SecretUser nodeAffinity:Required
        CsiSource controllerExpandSecretRef! controllerPublishSecretRef! nodeExpandSecretRef! nodePublishSecretRef! nodeStageSecretRef!
        Required required!
        NodeSpec podCIDRs{}
        NodeStatus conditions[type] addresses[type]
        Backend resource! service:BackendService
        BackendService port!
        IngressSpec defaultBackend:Backend
        PolicySpec podSelector!
        CrdStatus conditions[type]

        Namespace status:Conditions
        Service spec:ServiceSpec status:Conditions
        ServiceAccount secrets[name]:Atomic imagePullSecrets!
        ConfigMap data:Open binaryData:Open
        Secret data:Open stringData:Open
        Pod spec:PodSpec status:PodStatus
        PersistentVolumeClaim spec:ClaimSpec status:Conditions
        PersistentVolume spec:VolumeSpec
        Event involvedObject! related!
        QuotaSpec scopeSelector!
        ResourceQuota spec:QuotaSpec
        Node spec:NodeSpec status:NodeStatus
        ReplicationController spec:Workload status:Conditions
        Deployment spec:Workload status:Conditions
        StatefulSet spec:Workload status:Conditions
        DaemonSet spec:Workload status:Conditions
        ReplicaSet spec:Workload status:Conditions
        Job spec:Workload status:JobStatus
        CronJob spec:CronJobSpec
        Ingress spec:IngressSpec
        NetworkPolicy spec:PolicySpec
        RoleBinding roleRef!
        ClusterRoleBinding roleRef!
        ClusterRole aggregationRule:Granular
        PodDisruptionBudget spec:Selected status:Conditions
        HorizontalPodAutoscaler status:Conditions
        CustomResourceDefinition status:CrdStatus
        APIService status:Conditions
        StorageClass parameters:Open
        """;

    private static readonly Schema Atomic = new() { IsAtomic = true };

    private static readonly Schema Open = new() { IsOpenMap = true };

    private static readonly Dictionary<string, Schema> All = Parse();

    /// <summary>What a kind's metadata is.</summary>
    public static Schema Meta => All["Meta"];

    public static Schema Of(string kind)
    {
        var schema = new Schema();
        schema.Fields["metadata"] = Meta;
        if (!All.TryGetValue(kind, out var said)) return schema;
        foreach (var (name, field) in said.Fields) schema.Fields[name] = field;
        return schema;
    }

    private static Dictionary<string, Schema> Parse()
    {
        var lines = Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToList();
        var types = lines.Select(line => line[0]).Distinct().ToDictionary(name => name, _ => new Schema());
        foreach (var line in lines)
        {
            foreach (var field in line.Skip(1))
                types[line[0]].Fields[FieldText().Match(field).Groups["name"].Value] = ParseField(field, types);
        }
        return types;
    }

    private static Schema ParseField(string text, Dictionary<string, Schema> types)
    {
        var match = FieldText().Match(text);
        var type = match.Groups["type"].Value switch
        {
            "" or "Granular" => Schema.Plain,
            "Atomic" => Atomic,
            "Open" => Open,
            var name => types[name],
        };
        if (match.Groups["sign"].Value == "!") return Atomic;
        if (match.Groups["sign"].Value == "{}") return new Schema { IsSet = true };
        if (!match.Groups["keys"].Success) return type;
        var keys = match.Groups["keys"].Value.Split(',').Select(key => key.Split('=')).ToList();
        return new Schema
        {
            Keys = [.. keys.Select(key => key[0])],
            KeyDefaults = keys.Where(key => key.Length > 1).ToDictionary(key => key[0], key => key[1]),
            Element = type,
        };
    }

    [GeneratedRegex(@"^(?<name>\w+)(?:\[(?<keys>[^\]]+)\]|(?<sign>!|\{\}))?(?::(?<type>\w+))?$")]
    private static partial Regex FieldText();
}
