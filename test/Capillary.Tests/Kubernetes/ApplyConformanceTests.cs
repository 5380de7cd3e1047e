using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Server-side apply: who owns which field, and what comes of it.</summary>
public sealed class ApplyConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private static string Web(string spec) => "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web'},'spec':{" + spec
        + "}}";

    private static string Bare(string meta) => "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'," + meta + "}}";

    private static string Full(string replicas, string containers) =>
        Web(replicas + "'selector':{'matchLabels':{'app':'web'}},'template':{'metadata':{'labels':{'app':'web'}},'spec':{'containers':["
            + containers + "]}}");

    [Theory, MemberData(nameof(Clusters))]
    public Task The_first_apply_creates_and_the_same_again_writes_nothing(string cluster) => OnAsync(cluster, async api =>
    {
        var created = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"))).Expect(201);
        var again = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"))).Expect(200);
        Assert.Equal(created.Version, again.Version);
        Assert.Equal("""{"f:data":{"f:x":{}}}""", again.At("metadata.managedFields.0.fieldsV1")!.ToJsonString());
        Assert.Equal("Apply", (string?)again.At("metadata.managedFields.0.operation"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_field_of_another_manager_is_a_conflict_that_names_both(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(201);
        var one = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'x':'2'"))).Expect(409);
        Assert.Equal("Conflict", one.Reason);
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .data.x", one.Message);
        Assert.Equal("FieldManagerConflict", (string?)one.At("details.causes.0.reason"));
        Assert.Equal(".data.x", (string?)one.At("details.causes.0.field"));
        var two = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'x':'2','y':'2'"))).Expect(409);
        Assert.Equal("Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.x\n- .data.y", two.Message);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Force_takes_the_field_and_the_other_manager_loses_it(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(201);
        var taken = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'x':'2'"), force: true)).Expect(200);
        Assert.Equal("2", (string?)taken.At("data.x"));
        Assert.Equal("""{"f:data":{"f:y":{}}}""", Fields(taken, "one"));
        Assert.Equal("""{"f:data":{"f:x":{}}}""", Fields(taken, "two"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_field_that_is_no_longer_applied_goes_unless_another_applies_it_too(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1','z':'1'"))).Expect(201);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'y':'1'"))).Expect(200);
        var less = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"))).Expect(200);
        Assert.Equal("""{"x":"1","y":"1"}""", less.At("data")!.ToJsonString());
        Assert.Equal("""{"f:data":{"f:y":{}}}""", Fields(less, "two"));
        var none = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a'}}"))
            .Expect(200);
        Assert.Equal("""{"x":"1"}""", none.At("data")!.ToJsonString());
        Assert.DoesNotContain(Managers(none), manager => manager == "two");
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task An_update_takes_fields_and_a_later_apply_meets_it(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(201);
        var edited = (await api.MergeAsync($"{api.ConfigMaps}/a?fieldManager=hand", "{'data':{'x':'2','new':'1'}}")).Expect(200);
        Assert.Equal("""{"f:data":{"f:y":{}}}""", Fields(edited, "one"));
        Assert.Equal("""{"f:data":{"f:new":{},"f:x":{}}}""", Fields(edited, "hand"));
        var met = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(409);
        Assert.StartsWith("Apply failed with 1 conflict: conflict with \"hand\" using v1", met.Message);
        var forced = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"), force: true)).Expect(200);
        Assert.Equal("""{"f:data":{"f:new":{}}}""", Fields(forced, "hand"));
        var back = (await api.MergeAsync($"{api.ConfigMaps}/a?fieldManager=hand", "{'data':{'x':'1'}}")).Expect(200);
        Assert.Equal(forced.Version, back.Version);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_removed_field_leaves_its_owners_and_comes_back_with_the_next_apply(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(201);
        var less = (await api.MergeAsync($"{api.ConfigMaps}/a?fieldManager=hand", "{'data':{'x':null}}")).Expect(200);
        Assert.Equal("""{"f:data":{"f:y":{}}}""", Fields(less, "one"));
        Assert.DoesNotContain(Managers(less), manager => manager == "hand");
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1','y':'1'"))).Expect(200);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Two_managers_may_apply_the_same_value(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"))).Expect(201);
        var both = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'x':'1'"))).Expect(200);
        Assert.Equal(["one", "two"], Managers(both).Order());
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'"))).Expect(409);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task An_object_that_was_posted_belongs_to_who_posted_it(string cluster) => OnAsync(cluster, async api =>
    {
        var posted = (await api.PostAsync(api.ConfigMaps + "?fieldManager=hand", ConfigMap("a", "'x':'1'", "'labels':{'l':'1'}")))
            .Expect(201);
        Assert.Equal("""{"f:data":{".":{},"f:x":{}},"f:metadata":{"f:labels":{".":{},"f:l":{}}}}""", Fields(posted, "hand"));
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'"))).Expect(409);
        var put = (await api.PutAsync($"{api.ConfigMaps}/a?fieldManager=other", ConfigMap("a", "'x':'3'"))).Expect(200);
        Assert.Equal("""{"f:data":{"f:x":{}}}""", Fields(put, "other"));
        Assert.Equal("""{"f:data":{}}""", Fields(put, "hand"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Items_of_a_keyed_list_merge_by_their_keys(string cluster) => OnAsync(cluster, async api =>
    {
        var web = $"{api.Deployments}/web";
        (await api.ApplyAsync(web, "one",
            Full("", "{'name':'a','image':'i:1','env':[{'name':'A','value':'1'}],'ports':[{'containerPort':80}]}"), more: "&dryRun=All"))
            .Expect(201);
        (await api.ApplyAsync(web, "one", Full("'paused':true,'replicas':0,",
            "{'name':'a','image':'i:1','env':[{'name':'A','value':'1'}]}"))).Expect(201);
        var two =
            (await api.ApplyAsync(web, "two",
            Web("'template':{'spec':{'containers':[{'name':'a','env':[{'name':'B','value':'2'}]},{'name':'side','image':'s:1'}]}}")))
            .Expect(200);
        Assert.Equal(["a", "side"], Names(two.At("spec.template.spec.containers")));
        Assert.Equal(["A", "B"], Names(two.At("spec.template.spec.containers.0.env")));
        var changed = (await api.ApplyAsync(web, "one", Full("'paused':true,'replicas':0,", "{'name':'a','image':'i:2'}"))).Expect(200);
        Assert.Equal(["B"], Names(changed.At("spec.template.spec.containers.0.env")));
        Assert.Equal("i:2", (string?)changed.At("spec.template.spec.containers.0.image"));
        var conflict = (await api.ApplyAsync(web, "two", Web("'template':{'spec':{'containers':[{'name':'a','image':'i:3'}]}}")))
            .Expect(409);
        Assert.Equal(".spec.template.spec.containers[name=\"a\"].image", (string?)conflict.At("details.causes.0.field"));
        var alone = (await api.ApplyAsync(web, "two", Web("'replicas':0"))).Expect(200);
        Assert.Equal(["a"], Names(alone.At("spec.template.spec.containers")));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Ports_have_two_keys_and_one_has_a_default(string cluster) => OnAsync(cluster, async api =>
    {
        string Service(string ports) => "{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'},'spec':{'ports':[" + ports + "]}}";
        var path = $"/api/v1/namespaces/{api.Space}/services/s";
        var made = (await api.ApplyAsync(path, "one", Service("{'name':'a','port':80}"))).Expect(201);
        Assert.Contains(@"k:{\""port\"":80,\""protocol\"":\""TCP\""}", Fields(made, "one"));
        Assert.Equal("ClusterIP", (string?)made.At("spec.type"));
        var both = (await api.ApplyAsync(path, "two", Service("{'name':'b','port':80,'protocol':'UDP'}"))).Expect(200);
        Assert.Equal(2, both.At("spec.ports")!.AsArray().Count);
        var again = (await api.ApplyAsync(path, "one", Service("{'name':'a','port':80}"))).Expect(200);
        Assert.Equal(both.Version, again.Version);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Sets_and_maps_and_atomic_parts_of_metadata_and_spec(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", Bare("'finalizers':['x.example.com/a'],'labels':{'l':'1'}"))).Expect(201);
        var two = (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", Bare("'finalizers':['x.example.com/b'],'annotations':{'n':'1'}")))
            .Expect(200);
        Assert.Equal("""["x.example.com/a","x.example.com/b"]""", two.At("metadata.finalizers")!.ToJsonString());
        Assert.Contains(@"v:\""x.example.com/b\""", Fields(two, "two"));
        var less = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", Bare("'labels':{'m':'1'}"))).Expect(200);
        Assert.Equal("""["x.example.com/b"]""", less.At("metadata.finalizers")!.ToJsonString());
        Assert.Null(less.At("metadata.labels.l"));
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", Bare("'annotations':{'n':'1'}"))).Expect(200);
        var policies = $"/apis/networking.k8s.io/v1/namespaces/{api.Space}/networkpolicies/p";
        string Policy(string labels) => "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{'name':'p'},"
            + "'spec':{'podSelector':{'matchLabels':{" + labels + "}}}}";
        (await api.ApplyAsync(policies, "one", Policy("'a':'1'"))).Expect(201);
        var atomic = (await api.ApplyAsync(policies, "two", Policy("'b':'1'"))).Expect(409);
        Assert.Equal(".spec.podSelector", (string?)atomic.At("details.causes.0.field"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task An_empty_map_is_nobodys_but_conflicts_all_the_same(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", ""))).Expect(201);
        Assert.Null(made.At("data"));
        Assert.Equal("""{"f:data":{}}""", Fields(made, "one"));
        Assert.Equal(made.Version, (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", ""))).Expect(200).Version);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", ""))).Expect(409);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task What_an_apply_refuses(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.SendAsync("PATCH", $"{api.ConfigMaps}/a", ConfigMap("a", ""), "application/apply-patch+yaml")).Expect(422);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("b", ""))).Expect(400);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "", "'managedFields':[]"))).Expect(400);
        var stranger = "'uid':'11111111-1111-1111-1111-111111111111'";
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "", stranger))).Expect(409);
        var made = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'", "'resourceVersion':'1'"))).Expect(201);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'", "'resourceVersion':'1'"))).Expect(409);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'", stranger))).Expect(422);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'", $"'resourceVersion':'{made.Version}'"))).Expect(200);
        var twice = "{'name':'a','image':'i:1'},{'name':'a','image':'i:2'}";
        Assert.Contains("duplicate entries for key", (await api.ApplyAsync($"{api.Deployments}/web", "one", Full("", twice))).Message);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_dry_run_answers_as_if_and_keeps_nothing(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"), more: "&dryRun=All")).Expect(201);
        (await api.GetAsync($"{api.ConfigMaps}/a")).Expect(404);
        var made = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'1'"))).Expect(201);
        var tried = (await api.ApplyAsync($"{api.ConfigMaps}/a", "one", ConfigMap("a", "'x':'2'"), more: "&dryRun=All")).Expect(200);
        Assert.Equal("2", (string?)tried.At("data.x"));
        Assert.Equal(made.Version, tried.Version);
        (await api.ApplyAsync($"{api.ConfigMaps}/a", "two", ConfigMap("a", "'x':'2'"), more: "&dryRun=All")).Expect(409);
        Assert.Equal("1", (string?)(await api.GetAsync($"{api.ConfigMaps}/a")).At("data.x"));
    });

    private static string Fields(ClusterAnswer answer, string manager) => answer.At("metadata.managedFields")!.AsArray()
        .First(entry => (string?)entry!["manager"] == manager)!["fieldsV1"]!.ToJsonString(Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static IEnumerable<string> Managers(ClusterAnswer answer) =>
        answer.At("metadata.managedFields")!.AsArray().Select(entry => (string)entry!["manager"]!);

    private static IEnumerable<string> Names(JsonNode? list) => list!.AsArray().Select(item => (string)item!["name"]!);
}
