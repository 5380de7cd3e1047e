using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Fields that no client sets, as a dry run shows them: with the recorded exchanges, all of them are compared.</summary>
public sealed class DefaultsConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private const string Pod =
        "{'metadata':{'labels':{'app':'a'}},'spec':{'containers':[{'name':'a','image':'r.example.com/i','ports':[{'containerPort':80}],"
        + "'env':[{'name':'A','valueFrom':{'fieldRef':{'fieldPath':'metadata.name'}}}],'readinessProbe':{'httpGet':{'port':80}},"
        + "'livenessProbe':{'tcpSocket':{'port':80}},"
        + "'volumeMounts':[{'name':'v','mountPath':'/v'}]}],'initContainers':[{'name':'i','image':'i@sha256:"
        + "0000000000000000000000000000000000000000000000000000000000000000'}],"
        + "'volumes':[{'name':'v','configMap':{'name':'c'}},{'name':'e'},"
        + "{'name':'s','secret':{'secretName':'s'}},"
        + "{'name':'h','hostPath':{'path':'/h'}},{'name':'p','projected':{'sources':[{'configMap':{'name':'c'}}]}}]}}";

    private const string Selector = "'selector':{'matchLabels':{'app':'a'}},";

    private static readonly string JobPod = Pod.Replace("'spec':{'containers'", "'spec':{'restartPolicy':'Never','containers'");

    public static TheoryData<string, string, string, string> Kinds
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            foreach (var cluster in ConformanceClusters.All)
            {
                foreach (var (path, kind, spec) in Bodies) data.Add(cluster, path, kind, spec);
            }
            return data;
        }
    }

    private static readonly (string Path, string Kind, string Body)[] Bodies =
    [
        ("apis/apps/v1/deployments", "Deployment", "'spec':{" + Selector + "'template':" + Pod + "}"),
        ("apis/apps/v1/statefulsets", "StatefulSet", "'spec':{" + Selector + "'template':" + Pod
            + ",'volumeClaimTemplates':[{'metadata':{'name':'d'},"
            + "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}]}"),
        ("apis/apps/v1/daemonsets", "DaemonSet", "'spec':{" + Selector + "'template':" + Pod + "}"),
        ("apis/apps/v1/replicasets", "ReplicaSet", "'spec':{" + Selector + "'template':" + Pod + "}"),
        ("apis/batch/v1/jobs", "Job", "'spec':{'template':" + JobPod + "}"),
        ("apis/batch/v1/cronjobs", "CronJob", "'spec':{'schedule':'* * * * *','jobTemplate':{'spec':{'template':" + JobPod + "}}}"),
        ("api/v1/pods", "Pod", "'spec':{'containers':[{'name':'a','image':'i:latest'}]}"),
        ("api/v1/services", "Service",
        "'spec':{'selector':{'app':'a'},'ports':[{'name':'h','port':80},{'name':'d','port':53,'protocol':'UDP','targetPort':'dns'}]}"),
        ("api/v1/services", "Service", "'spec':{'type':'LoadBalancer','ports':[{'port':80}]}"),
        ("api/v1/services", "Service", "'spec':{'type':'ExternalName','externalName':'x.example.com'}"),
        ("api/v1/services", "Service", "'spec':{'clusterIP':'None','selector':{'app':'a'}}"),
        ("api/v1/configmaps", "ConfigMap", "'data':{'x':'1'}"),
        ("api/v1/secrets", "Secret", "'data':{'x':'MQ=='}"),
        ("api/v1/serviceaccounts", "ServiceAccount", "'imagePullSecrets':[{'name':'s'}]"),
        ("api/v1/persistentvolumeclaims", "PersistentVolumeClaim",
        "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}"),
        ("apis/networking.k8s.io/v1/ingresses", "Ingress",
        "'spec':{'rules':[{'host':'x.example.com','http':{'paths':[{'path':'/','pathType':'Prefix',"
            + "'backend':{'service':{'name':'s','port':{'number':80}}}}]}}]}"),
        ("apis/networking.k8s.io/v1/networkpolicies", "NetworkPolicy",
        "'spec':{'podSelector':{},'ingress':[{'ports':[{'port':80}]}],'egress':[{}]}"),
        ("apis/rbac.authorization.k8s.io/v1/roles", "Role", "'rules':[{'apiGroups':[''],'resources':['pods'],'verbs':['get']}]"),
        ("apis/policy/v1/poddisruptionbudgets", "PodDisruptionBudget", "'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':'a'}}}"),
        ("apis/autoscaling/v2/horizontalpodautoscalers", "HorizontalPodAutoscaler",
        "'spec':{'maxReplicas':3,'scaleTargetRef':{'kind':'Deployment',"
            + "'name':'a','apiVersion':'apps/v1'}}"),
        ("apis/coordination.k8s.io/v1/leases", "Lease", "'spec':{'holderIdentity':'x'}"),
    ];

    [Theory, MemberData(nameof(Kinds))]
    public Task A_new_object_shows_the_fields_that_nobody_set(string cluster, string path, string kind, string body) =>
        OnAsync(cluster, async api =>
    {
        var parts = path.Split('/');
        var url = $"/{string.Join('/', parts[..^1])}/namespaces/{api.Space}/{parts[^1]}";
        var tree = "{'apiVersion':'" + string.Join('/', parts[1..^1]) + "','kind':'" + kind + "','metadata':{'name':'a'}," + body + "}";
        (await api.PostAsync($"{url}?dryRun=All&fieldManager=one", tree)).Expect(201);
        (await api.ApplyAsync($"{url}/a", "one", tree, more: "&dryRun=All")).Expect(201);
    }, name: $"{kind}{Array.FindIndex(Bodies, one => one.Body == body)}");
}
