using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Deleting: preconditions, finalizers, dependents, namespaces.</summary>
public sealed class DeleteConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private static string Owned(string name, ClusterAnswer owner, bool blocks) => ConfigMap(name, "",
        "'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'owner','uid':'" + owner.Uid + "','blockOwnerDeletion':"
        + (blocks ? "true" : "false") + "}]");

    [Theory, MemberData(nameof(Clusters))]
    public Task Preconditions_hold_or_nothing_is_deleted(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, ConfigMap("a", ""))).Expect(201);
        var other = "{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'uid':'11111111-1111-1111-1111-111111111111'}}";
        Assert.Equal("Conflict", (await api.DeleteAsync($"{api.ConfigMaps}/a", other)).Expect(409).Reason);
        var old = "{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'resourceVersion':'1'}}";
        (await api.DeleteAsync($"{api.ConfigMaps}/a", old)).Expect(409);
        var right = "{'kind':'DeleteOptions','apiVersion':'v1','preconditions':{'uid':'" + made.Uid + "'}}";
        (await api.DeleteAsync($"{api.ConfigMaps}/a", right)).Expect(200);
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_finalizer_keeps_an_object_until_it_is_taken_away(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "'x':'1'", "'finalizers':['x.example.com/a']"))).Expect(201);
        var marked = (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        Assert.NotNull(marked.At("metadata.deletionTimestamp"));
        Assert.Equal(marked.Version, (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200).Version);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", ""))).Expect(409);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(200);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'finalizers':['x.example.com/a','x.example.com/b']}}")).Expect(422);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'finalizers':null}}")).Expect(200);
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task In_the_background_dependents_go_after_their_owner(string cluster) => OnAsync(cluster, async api =>
    {
        var owner = (await api.PostAsync(api.ConfigMaps, ConfigMap("owner", ""))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, Owned("dependent", owner, blocks: true))).Expect(201);
        (await api.DeleteAsync($"{api.ConfigMaps}/owner?propagationPolicy=Background")).Expect(200);
        (await api.GetAsync($"{api.ConfigMaps}/owner")).Expect(404);
        await api.UntilAsync($"{api.ConfigMaps}/dependent", answer => answer.Code == 404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task In_the_foreground_the_owner_waits_for_its_dependents(string cluster) => OnAsync(cluster, async api =>
    {
        var owner = (await api.PostAsync(api.ConfigMaps, ConfigMap("owner", ""))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, Owned("dependent", owner, blocks: true)
            .Replace("'name':'dependent'", "'name':'dependent','finalizers':['x.example.com/a']"))).Expect(201);
        var marked = (await api.DeleteAsync($"{api.ConfigMaps}/owner?propagationPolicy=Foreground")).Expect(200);
        Assert.Equal("""["foregroundDeletion"]""", marked.At("metadata.finalizers")!.ToJsonString());
        await api.UntilAsync($"{api.ConfigMaps}/dependent", answer => answer.At("metadata.deletionTimestamp") is not null);
        (await api.GetAsync($"{api.ConfigMaps}/owner")).Expect(200);
        (await api.MergeAsync($"{api.ConfigMaps}/dependent", "{'metadata':{'finalizers':null}}")).Expect(200);
        await api.UntilAsync($"{api.ConfigMaps}/owner", answer => answer.Code == 404);
        (await api.GetAsync($"{api.ConfigMaps}/dependent")).Expect(404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Orphans_stay_without_their_owner(string cluster) => OnAsync(cluster, async api =>
    {
        var owner = (await api.PostAsync(api.ConfigMaps, ConfigMap("owner", ""))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, Owned("dependent", owner, blocks: false))).Expect(201);
        (await api.DeleteAsync($"{api.ConfigMaps}/owner", "{'kind':'DeleteOptions','apiVersion':'v1','propagationPolicy':'Orphan'}"))
            .Expect(200);
        await api.UntilAsync($"{api.ConfigMaps}/owner", answer => answer.Code == 404);
        await api.UntilAsync($"{api.ConfigMaps}/dependent", answer => answer.Code == 200 && answer.At("metadata.ownerReferences") is null);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task An_owner_that_never_was_takes_its_dependents_along(string cluster) => OnAsync(cluster, async api =>
    {
        var never =
            "'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'never','uid':'11111111-1111-1111-1111-111111111111'}]";
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "", never))).Expect(201);
        await api.UntilAsync($"{api.ConfigMaps}/a", answer => answer.Code == 404);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_collection_is_deleted_by_a_selector(string cluster) => OnAsync(cluster, async api =>
    {
        foreach (var name in (string[])["a", "b"])
            (await api.PostAsync(api.ConfigMaps, ConfigMap(name, "", "'labels':{'go':'1'}"))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("c", ""))).Expect(201);
        (await api.DeleteAsync($"{api.ConfigMaps}?labelSelector=go%3D1")).Expect(200);
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
        (await api.GetAsync($"{api.ConfigMaps}/b")).Expect(404);
        (await api.GetAsync($"{api.ConfigMaps}/c")).Expect(200);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_namespace_empties_itself_takes_nothing_new_and_goes(string cluster) => OnAsync(cluster, async api =>
    {
        var space = $"conf-{api.Suffix}-gone";
        (await api.PostAsync("/api/v1/namespaces", "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" + space + "'}}"))
            .Expect(201);
        var inside = $"/api/v1/namespaces/{space}/configmaps";
        (await api.PostAsync(inside, ConfigMap("a", "", "'finalizers':['x.example.com/a']"))).Expect(201);
        var marked = (await api.DeleteAsync($"/api/v1/namespaces/{space}")).Expect(200);
        Assert.Equal("Terminating", (string?)marked.At("status.phase"));
        await api.UntilAsync($"{inside}/a", answer => answer.At("metadata.deletionTimestamp") is not null);
        Assert.Equal("NamespaceTerminating", (string?)(await api.PostAsync(inside, ConfigMap("b", ""))).Expect(403)
            .At("details.causes.0.reason"));
        (await api.ApplyAsync($"{inside}/b", "one", ConfigMap("b", ""))).Expect(403);
        (await api.MergeAsync($"{inside}/a", "{'metadata':{'finalizers':null}}")).Expect(200);
        await api.UntilAsync($"/api/v1/namespaces/{space}", answer => answer.Code == 404);
    });
}
