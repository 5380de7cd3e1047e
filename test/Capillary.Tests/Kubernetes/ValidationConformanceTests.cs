using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>What may not be, and what may not change.</summary>
public sealed class ValidationConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private const string Container = "{'name':'a','image':'i:1'}";

    private static string Workload(string kind, string label = "web", string spec = "", string labelled = "web") =>
        "{'apiVersion':'apps/v1','kind':'" + kind + "','metadata':{'name':'a'},'spec':{" + spec + "'selector':{'matchLabels':{'app':'"
            + label
        + "'}},'template':{'metadata':{'labels':{'app':'" + labelled + "'}},'spec':{'containers':[" + Container + "]}}}}";

    private static string Job(string image, string restart = "'restartPolicy':'Never',") =>
        "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'a'},'spec':{'suspend':true,"
        + "'template':{'spec':{" + restart + "'containers':[{'name':'a','image':'" + image + "'}]}}}}";

    [Theory, MemberData(nameof(Clusters))]
    public Task A_selector_of_a_workload_fits_and_stays(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.Deployments, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'a'},'spec':{}}"))
            .Expect(422);
        (await api.PostAsync(api.Deployments, Workload("Deployment", labelled: "other"))).Expect(422);
        (await api.PostAsync(api.Deployments, Workload("Deployment", spec: "'replicas':-1,"))).Expect(422);
        (await api.PostAsync(api.Deployments, Workload("Deployment").Replace(Container, ""))).Expect(422);
        (await api.PostAsync(api.Deployments, Workload("Deployment").Replace(Container, "{'name':'a'}"))).Expect(422);
        (await api.ApplyAsync($"{api.Deployments}/a", "one", Workload("Deployment", spec: "'paused':true,'replicas':0,"))).Expect(201);
        var other = (await api.ApplyAsync($"{api.Deployments}/a", "one",
            Workload("Deployment", "web2", "'paused':true,'replicas':0,", "web2"))).Expect(422);
        Assert.Equal(("Invalid", "spec.selector"), (other.Reason, (string?)other.At("details.causes.0.field")));
        Assert.Contains("field is immutable", other.Message);
        (await api.ApplyAsync($"{api.Deployments}/a", "one", Workload("Deployment", "web2", "'paused':true,'replicas':0,", "web2"),
            more: "&dryRun=All")).Expect(422);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_job_stays_as_it_is(string cluster) => OnAsync(cluster, async api =>
    {
        var jobs = $"/apis/batch/v1/namespaces/{api.Space}/jobs";
        (await api.PostAsync(jobs, Job("i:1", ""))).Expect(422);
        var made = (await api.ApplyAsync($"{jobs}/a", "one", Job("i:1"))).Expect(201);
        Assert.Equal(made.Uid, (string?)made.At("spec.template.metadata.labels")!["batch.kubernetes.io/controller-uid"]);
        (await api.ApplyAsync($"{jobs}/a", "one", Job("i:1"))).Expect(200);
        var other = (await api.ApplyAsync($"{jobs}/a", "one", Job("i:2"))).Expect(422);
        Assert.StartsWith("spec.template", (string?)other.At("details.causes.0.field"));
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_stateful_set_and_a_daemon_set_change_little(string cluster) => OnAsync(cluster, async api =>
    {
        var sets = $"/apis/apps/v1/namespaces/{api.Space}/statefulsets";
        (await api.PostAsync(sets, Workload("StatefulSet", spec: "'serviceName':'s','replicas':0,"))).Expect(201);
        Assert.Contains("updates to statefulset spec", (await api.MergeAsync($"{sets}/a", "{'spec':{'serviceName':'t'}}"))
            .Expect(422).Message);
        (await api.MergeAsync($"{sets}/a", "{'spec':{'minReadySeconds':1}}")).Expect(200);
        var daemons = $"/apis/apps/v1/namespaces/{api.Space}/daemonsets";
        (await api.PostAsync(daemons, Workload("DaemonSet"))).Expect(201);
        var patch = "{'spec':{'selector':{'matchLabels':{'app':'o'}},'template':{'metadata':{'labels':{'app':'o'}}}}}";
        (await api.MergeAsync($"{daemons}/a", patch)).Expect(422);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_service_keeps_its_address(string cluster) => OnAsync(cluster, async api =>
    {
        var services = $"/api/v1/namespaces/{api.Space}/services";
        (await api.PostAsync(services, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{}}")).Expect(422);
        var made =
            (await api.PostAsync(services, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'ports':[{'port':80}]}}"))
            .Expect(201);
        Assert.NotNull(made.At("spec.clusterIP"));
        (await api.MergeAsync($"{services}/a", "{'spec':{'clusterIP':'10.96.200.200','clusterIPs':['10.96.200.200']}}")).Expect(422);
        var put =
            (await api.PutAsync($"{services}/a",
            "{'apiVersion':'v1','kind':'Service','metadata':{'name':'a'},'spec':{'ports':[{'port':81}]}}")).Expect(200);
        Assert.Equal((string?)made.At("spec.clusterIP"), (string?)put.At("spec.clusterIP"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Sealed_maps_secrets_bindings_and_claims(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1'").Replace("'data'", "'immutable':true,'data'"))).Expect(201);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(422);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'immutable':false}")).Expect(422);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'labels':{'l':'1'}}}")).Expect(200);
        var secrets = $"/api/v1/namespaces/{api.Space}/secrets";
        var secret = (await api.PostAsync(secrets, "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'a'},'stringData':{'x':'1'}}"))
            .Expect(201);
        Assert.Equal(("MQ==", "Opaque"), ((string?)secret.At("data.x"), (string?)secret.At("type")));
        Assert.Null(secret.At("stringData"));
        (await api.MergeAsync($"{secrets}/a", "{'type':'other'}")).Expect(422);
        var bindings = $"/apis/rbac.authorization.k8s.io/v1/namespaces/{api.Space}/rolebindings";
        var binding = "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':{'name':'a'},'roleRef':{'apiGroup':"
            + "'rbac.authorization.k8s.io',"
            + "'kind':'ClusterRole','name':'view'},'subjects':[{'kind':'ServiceAccount','name':'default','namespace':'default'}]}";
        (await api.ApplyAsync($"{bindings}/a", "one", binding)).Expect(201);
        (await api.ApplyAsync($"{bindings}/a", "one", binding.Replace("view", "edit"))).Expect(422);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_claim_stays_as_it_is(string cluster) => OnAsync(cluster, async api =>
    {
        var claims = $"/api/v1/namespaces/{api.Space}/persistentvolumeclaims";
        var claim = "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'a'},'spec':{'accessModes':['ReadWriteOnce'],"
            + "'resources':{'requests':{'storage':'1Gi'}}}}";
        (await api.PostAsync(claims, claim)).Expect(201);
        (await api.MergeAsync($"{claims}/a", "{'spec':{'accessModes':['ReadOnlyMany']}}")).Expect(422);
    }, recorded: false);
}
