using System.Diagnostics;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Tests.Core.Apply;
using Capillary.Tests.Kubernetes;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>The agent itself on the double and on any given cluster: what it counts on is so there.</summary>
public sealed class AgentConformanceTests(ConformanceClusters clusters, ITestOutputHelper output) : ConformanceTest(clusters)
{
    private readonly ConformanceClusters all = clusters;

    [Theory, MemberData(nameof(Clusters))]
    public Task Applied_objects_are_left_alone_and_drift_is_put_back(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        var bundle = agent.Bundles.Bundle(new TestApp("web").Object(Map(api, "a")).Object(Map(api, "b")).Object(Service(api)));
        await agent.ApplyAsync(bundle);
        var versions = await VersionsAsync(api);
        await agent.RestartAsync();
        // The kind of "b" was listed and its watch begun: its drift is seen, so the others were looked at.
        await EditAsync(api, "b", "{'data':{'value':'x'}}");
        await agent.UntilAsync(() => agent.Seen.ContainsKey($"DriftRepaired ConfigMap {api.Space}/b"), 10);
        Assert.Contains("'kubectl-edit'", agent.Seen[$"DriftRepaired ConfigMap {api.Space}/b"], StringComparison.Ordinal);
        Assert.Equal("1", (await api.GetAsync($"{api.ConfigMaps}/b")).Expect(200).At("data.value")!.ToString());
        Assert.Equal(versions, await VersionsAsync(api));

        var clock = Stopwatch.StartNew();
        (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        await api.UntilAsync($"{api.ConfigMaps}/a", answer => answer.Code == 200);
        output.WriteLine($"{cluster}: a deleted object was back after {clock.Elapsed.TotalSeconds:0.00} s");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_kind_and_its_object_come_in_one_bundle_and_go_backwards(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        var group = $"g{api.Suffix}.example";
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("web").Object(Definition(group)).Object(Json(
            "{'apiVersion':'" + group + "/v1','kind':'Analyzer','metadata':{'name':'cobas','namespace':'" + api.Space + "'},'spec':{'port':1}}"))));
        (await api.GetAsync($"/apis/{group}/v1/namespaces/{api.Space}/analyzers/cobas")).Expect(200);
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("other").Object(Map(api, "a"))), confirmed: true);
        await api.UntilAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/analyzers.{group}", answer => answer.Code == 404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_field_that_cannot_change_is_known_as_such(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("web").Object(Job(api, "registry.example/a:1", ""))));
        agent.Assign(agent.Bundles.Bundle(new TestApp("web").Object(Job(api, "registry.example/a:2", ""))));
        await agent.UntilEndAsync(ApplyPhase.Degraded);
        Assert.Contains("made anew", agent.Text(ConditionCodes.FieldImmutable), StringComparison.Ordinal);
        var path = $"/apis/batch/v1/namespaces/{api.Space}/jobs/run";
        var uid = (await api.GetAsync(path)).Expect(200).Uid;
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("web").Object(Job(api, "registry.example/a:2", ",'capillary.dev/replace':'true'"))));
        Assert.NotEqual(uid, (await api.GetAsync(path)).Expect(200).Uid);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Fields_of_another_manager_are_taken_or_left(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        foreach (var name in (string[])["a", "b"])
            (await api.ApplyAsync($"{api.ConfigMaps}/{name}", "helm", ConfigMap(name, "'value':'theirs'"))).Expect(201);
        var leaves = new TestApp("leaves") { Policy = KubernetesPolicy.Default with { Conflicts = ConflictPolicy.Leave } };
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("takes").Object(Map(api, "a")), leaves.Object(Map(api, "b"))));
        Assert.Equal("1", (await api.GetAsync($"{api.ConfigMaps}/a")).At("data.value")!.ToString());
        Assert.Equal("theirs", (await api.GetAsync($"{api.ConfigMaps}/b")).At("data.value")!.ToString());
        Assert.Contains("was taken over from 'helm'", agent.Seen[$"FieldConflict ConfigMap {api.Space}/a"], StringComparison.Ordinal);
        Assert.Contains("is left to 'helm'", agent.Seen[$"FieldConflict ConfigMap {api.Space}/b"], StringComparison.Ordinal);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_namespace_goes_with_what_is_ours_and_stays_with_what_is_not(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        string[] spaces = [$"ours-{api.Suffix}", $"shared-{api.Suffix}"];
        var app = new TestApp("web");
        foreach (var space in spaces)
        {
            app.Object(Json("{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" + space + "'}}"));
            app.Object(Json("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'x','namespace':'" + space + "'},'data':{'a':'b'}}"));
        }
        await agent.ApplyAsync(agent.Bundles.Bundle(app));
        (await api.PostAsync($"/api/v1/namespaces/{spaces[1]}/secrets", "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'theirs'}}")).Expect(201);
        await agent.ApplyAsync(agent.Bundles.Bundle(new TestApp("other").Object(Map(api, "a"))), confirmed: true);
        await api.UntilAsync($"/api/v1/namespaces/{spaces[0]}", answer => answer.Code == 404);
        Assert.Equal("Active", (await api.GetAsync($"/api/v1/namespaces/{spaces[1]}")).Expect(200).At("status.phase")!.ToString());
        Assert.Contains("Secret theirs", agent.Text(ConditionCodes.PruneSkipped), StringComparison.Ordinal);
        await api.DeleteAsync($"/api/v1/namespaces/{spaces[1]}");
    });

    [GivenClusterTheory, InlineData(ConformanceClusters.Given)]
    public Task A_typed_object_with_a_field_that_nobody_knows_is_refused_by_name(string cluster) => RunAsync(cluster, async (api, agent) =>
    {
        agent.Assign(agent.Bundles.Bundle(new TestApp("web").Object(Service(api).Replace("\"ports\"", "\"prots\":1,\"ports\"", StringComparison.Ordinal))));
        await agent.UntilEndAsync(ApplyPhase.Degraded);
        Assert.Contains("prots", agent.Text(ConditionCodes.ApplyFailed), StringComparison.Ordinal);
    });

    private async Task RunAsync(string cluster, Func<ClusterClient, ClusterAgent, Task> run) => await OnAsync(cluster, async api =>
    {
        await using var agent = new ClusterAgent(all.Kubeconfig(cluster), api.Space, Directory.CreateTempSubdirectory("capillary-k8s-").FullName);
        agent.Start();
        await run(api, agent);
    }, recorded: false);

    private static async Task<(string, string)> VersionsAsync(ClusterClient api) =>
        ((await api.GetAsync($"{api.ConfigMaps}/a")).Expect(200).Version, (await api.GetAsync($"/api/v1/namespaces/{api.Space}/services/front")).Expect(200).Version);

    private static async Task EditAsync(ClusterClient api, string name, string patch) =>
        (await api.MergeAsync($"{api.ConfigMaps}/{name}?fieldManager=kubectl-edit", patch)).Expect(200);

    private static string Json(string text) => text.Replace('\'', '"');

    private static string Map(ClusterClient api, string name) => Json(ConfigMap(name, "'value':'1'", $"'namespace':'{api.Space}'"));

    private static string Service(ClusterClient api) => Json("{'apiVersion':'v1','kind':'Service','metadata':{'name':'front','namespace':'" + api.Space
        + "'},'spec':{'selector':{'app':'front'},'ports':[{'port':80,'targetPort':8080}]}}");

    private static string Job(ClusterClient api, string image, string annotations) => Json(
        "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'run','namespace':'" + api.Space
        + "','annotations':{'argocd.argoproj.io/ignore-healthcheck':'true'" + annotations + "}},'spec':{'template':{'spec':{'restartPolicy':'Never',"
        + "'containers':[{'name':'run','image':'" + image + "'}]}}}}");

    private static string Definition(string group) => Json("{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
        + "'metadata':{'name':'analyzers." + group + "'},'spec':{'group':'" + group + "','scope':'Namespaced','names':{'plural':'analyzers',"
        + "'singular':'analyzer','kind':'Analyzer'},'versions':[{'name':'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'type':'object',"
        + "'properties':{'spec':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}}}]}}");
}

/// <summary>What only a real API server knows, such as the schema of every kind.</summary>
internal sealed class GivenClusterTheoryAttribute : TheoryAttribute
{
    public GivenClusterTheoryAttribute()
    {
        if (ConformanceClusters.GivenKubeconfig is null) Skip = "needs a cluster: ./dev test --kubeconfig FILE";
    }
}
