using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Create, get, replace and patch, and what an API server says when it will not.</summary>
public sealed class CrudConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    [Theory, MemberData(nameof(Clusters))]
    public Task An_object_is_created_read_replaced_and_deleted(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1'"))).Expect(201);
        Assert.Equal(made.Version, (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(200).Version);
        var put = (await api.PutAsync($"{api.ConfigMaps}/a", ConfigMap("a", "'x':'2'"))).Expect(200);
        Assert.NotEqual(made.Version, put.Version);
        Assert.Equal(made.Uid, put.Uid);
        var same = (await api.PutAsync($"{api.ConfigMaps}/a", ConfigMap("a", "'x':'2'"))).Expect(200);
        Assert.Equal(put.Version, same.Version);
        var gone = (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        Assert.Equal("Success", (string?)gone.At("status"));
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task What_is_missing_or_there_already_is_said_as_a_Status(string cluster) => OnAsync(cluster, async api =>
    {
        var missing = (await api.GetAsync($"{api.ConfigMaps}/no")).Expect(404);
        Assert.Equal(("NotFound", "configmaps \"no\" not found"), (missing.Reason, missing.Message));
        (await api.GetAsync($"{api.Deployments}/no")).Expect(404);
        (await api.DeleteAsync($"{api.ConfigMaps}/no")).Expect(404);
        (await api.PutAsync($"{api.ConfigMaps}/no", ConfigMap("no", ""))).Expect(404);
        (await api.MergeAsync($"{api.ConfigMaps}/no", "{}")).Expect(404);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", ""))).Expect(201);
        Assert.Equal("AlreadyExists", (await api.PostAsync(api.ConfigMaps, ConfigMap("a", ""))).Expect(409).Reason);
        Assert.Null((await api.GetAsync("/apis/example.com/v1/nothings")).Expect(404).Body);
        var nothing = (await api.GetAsync($"/api/v1/namespaces/{api.Space}/nothings")).Expect(404);
        Assert.Equal("the server could not find the requested resource", nothing.Message);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Names_are_checked_or_made(string cluster) => OnAsync(cluster, async api =>
    {
        var nameless = (await api.PostAsync(api.ConfigMaps, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{}}")).Expect(422);
        Assert.Equal("metadata.name", (string?)nameless.At("details.causes.0.field"));
        (await api.PostAsync(api.ConfigMaps, ConfigMap("Not_A_Name", ""))).Expect(422);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'no key':'1'"))).Expect(422);
        (await api.PostAsync("/api/v1/namespaces?dryRun=All", "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'not.a.label'}}"))
            .Expect(422);
        (await api.PutAsync($"{api.ConfigMaps}/b", ConfigMap("a", ""))).Expect(400);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "", "'namespace':'elsewhere'"))).Expect(400);
        (await api.PostAsync(api.ConfigMaps, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'a'}}")).Expect(400);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_name_may_be_generated(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'generateName':'some-'}}"))
            .Expect(201);
        Assert.Matches("^some-[a-z0-9]{5}$", (string)made.At("metadata.name")!);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_namespace_that_does_not_exist_takes_nothing(string cluster) => OnAsync(cluster, async api =>
    {
        var path = $"/api/v1/namespaces/none-{api.Suffix}/configmaps";
        Assert.Equal($"namespaces \"none-{api.Suffix}\" not found", (await api.PostAsync(path, ConfigMap("a", ""))).Expect(404).Message);
        (await api.ApplyAsync($"{path}/a", "one", ConfigMap("a", ""))).Expect(404);
        Assert.Empty((await api.GetAsync(path)).Expect(200).At("items")!.AsArray());
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_stale_version_or_another_uid_is_a_conflict(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1'"))).Expect(201);
        (await api.PutAsync($"{api.ConfigMaps}/a", ConfigMap("a", "'x':'2'", $"'resourceVersion':'{made.Version}'"))).Expect(200);
        var stale = (await api.PutAsync($"{api.ConfigMaps}/a", ConfigMap("a", "'x':'3'", $"'resourceVersion':'{made.Version}'")))
            .Expect(409);
        Assert.Equal("Conflict", stale.Reason);
        var merge = "{'metadata':{'resourceVersion':'" + made.Version + "'},'data':{'x':'3'}}";
        (await api.MergeAsync($"{api.ConfigMaps}/a", merge)).Expect(409);
        (await api.PutAsync($"{api.ConfigMaps}/a", ConfigMap("a", "'x':'3'", "'uid':'11111111-1111-1111-1111-111111111111'"))).Expect(409);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("b", "", "'resourceVersion':'1'"))).Expect(500);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Patches_of_three_kinds(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1','y':'1'"))).Expect(201);
        var merged = (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':null,'z':'1'}}")).Expect(200);
        Assert.Equal("""{"y":"1","z":"1"}""", merged.At("data")!.ToJsonString());
        var json = "[{'op':'test','path':'/data/y','value':'1'},{'op':'add','path':'/data/a~1b','value':'1'}]";
        (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", json, "application/json-patch+json")).Expect(422);
        json = "[{'op':'test','path':'/data/y',"
            + "'value':'1'},{'op':'replace','path':'/data/y','value':'2'},{'op':'remove','path':'/data/z'}]";
        var patched = (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", json, "application/json-patch+json")).Expect(200);
        Assert.Equal("""{"y":"2"}""", patched.At("data")!.ToJsonString());
        var strategic = "{'metadata':{'finalizers':['x.example.com/a'],'labels':{'l':'1'}}}";
        (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", strategic, "application/strategic-merge-patch+json")).Expect(200);
        var more = "{'metadata':{'finalizers':['x.example.com/b']}}";
        var both = (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", more, "application/strategic-merge-patch+json")).Expect(200);
        Assert.Equal(2, both.At("metadata.finalizers")!.AsArray().Count);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'finalizers':null}}")).Expect(200);
        (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", "{}", "application/json")).Expect(415);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_dry_run_creates_replaces_and_deletes_nothing(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps + "?dryRun=All", ConfigMap("a", "'x':'1'"))).Expect(201);
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1'"))).Expect(201);
        Assert.Equal("2", (string?)(await api.PutAsync($"{api.ConfigMaps}/a?dryRun=All", ConfigMap("a", "'x':'2'"))).Expect(200)
            .At("data.x"));
        (await api.MergeAsync($"{api.ConfigMaps}/a?dryRun=All", "{'data':{'x':'3'}}")).Expect(200);
        (await api.DeleteAsync($"{api.ConfigMaps}/a?dryRun=All")).Expect(200);
        Assert.Equal("1", (string?)(await api.GetAsync($"{api.ConfigMaps}/a")).Expect(200).At("data.x"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Generations_count_changes_of_the_spec_alone(string cluster) => OnAsync(cluster, async api =>
    {
        var path = $"/apis/networking.k8s.io/v1/namespaces/{api.Space}/networkpolicies";
        var body = "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{'name':'p'},'spec':{'podSelector':{}}}";
        Assert.Equal(1, (int?)(await api.PostAsync(path, body)).Expect(201).At("metadata.generation"));
        Assert.Equal(1, (int?)(await api.MergeAsync($"{path}/p", "{'metadata':{'labels':{'l':'1'}}}")).Expect(200)
            .At("metadata.generation"));
        Assert.Equal(2, (int?)(await api.MergeAsync($"{path}/p", "{'spec':{'policyTypes':['Egress']}}")).Expect(200)
            .At("metadata.generation"));
        Assert.Null((await api.PostAsync(api.ConfigMaps, ConfigMap("a", ""))).Expect(201).At("metadata.generation"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Status_and_scale_are_written_apart(string cluster) => OnAsync(cluster, async api =>
    {
        var body =
            "{'apiVersion':'apps/v1',"
            + "'kind':'Deployment','metadata':{'name':'web'},'spec':{'replicas':2,'paused':true,'selector':{'matchLabels':"
            + "{'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}},"
            + "'spec':{'containers':[{'name':'a','image':'i:1'}]}}},'status':{'replicas':7}}";
        var made = (await api.PostAsync(api.Deployments, body)).Expect(201);
        Assert.Null(made.At("status.replicas"));
        var status = "{'status':{'observedGeneration':1,'replicas':2,'readyReplicas':1},'spec':{'replicas':9}}";
        var told = (await api.MergeAsync($"{api.Deployments}/web/status?fieldManager=controller", status)).Expect(200);
        Assert.Equal((2, 1), ((int?)told.At("spec.replicas"), (int?)told.At("status.readyReplicas")));
        var scaled = (await api.MergeAsync($"{api.Deployments}/web/scale?fieldManager=scaler", "{'spec':{'replicas':3}}")).Expect(200);
        Assert.Equal(("Scale", 3), ((string?)scaled.At("kind"), (int?)scaled.At("spec.replicas")));
        Assert.Equal(3, (int?)(await api.GetAsync($"{api.Deployments}/web/scale")).Expect(200).At("spec.replicas"));
        var conflict = (await api.ApplyAsync($"{api.Deployments}/web", "one",
            "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web'},'spec':{'replicas':5}}")).Expect(409);
        Assert.Contains("\"scaler\" with subresource \"scale\"", conflict.Message);
    });
}
