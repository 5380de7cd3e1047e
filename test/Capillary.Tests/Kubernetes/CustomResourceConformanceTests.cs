using System.Text.Json.Nodes;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Definitions of custom resources, and the objects they bring.</summary>
public sealed class CustomResourceConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private const string Schema = """
        {'type':'object','properties':{
          'spec':{'type':'object','required':['size'],'properties':{
            'size':{'type':'integer','minimum':1,'maximum':9},
            'mode':{'type':'string','enum':['on','off'],'default':'on'},
            'parts':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['name'],
              'items':{'type':'object','required':['name'],
              'properties':{'name':{'type':'string'},'value':{'type':'string'}}}},
            'tags':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}},
            'whole':{'type':'array','items':{'type':'string'}},
            'extra':{'type':'object','additionalProperties':{'type':'string'}},
            'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}},
          'status':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}
        """;

    private static string Group(ClusterClient api) => $"g{api.Suffix}.example.com";

    private static string Things(ClusterClient api) => $"/apis/{Group(api)}/v1/namespaces/{api.Space}/things";

    private static string Thing(ClusterClient api, string spec, string meta = "'name':'a'") =>
        "{'apiVersion':'" + Group(api) + "/v1','kind':'Thing','metadata':{" + meta + "},'spec':{" + spec + "}}";

    private static string Definition(ClusterClient api) =>
        "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{'name':'things."
        + Group(api) + "'},'spec':{'group':'" + Group(api)
        + "','scope':'Namespaced','names':{'kind':'Thing','plural':'things','shortNames':['th']},"
        + "'versions':[{'name':'v1','served':true,'storage':true,'subresources':{'status':{}},'schema':{'openAPIV3Schema':" + Schema + "}},"
        + "{'name':'v1beta1','served':true,'storage':false,'schema':{'openAPIV3Schema':" + Schema + "}}]}}";

    private Task WithThingsAsync(string cluster, Func<ClusterClient, Task> run,
        [System.Runtime.CompilerServices.CallerMemberName] string name = "") =>
        OnAsync(cluster, async api =>
        {
            (await api.PostAsync(Definitions, Definition(api))).Expect(201);
            try
            {
                await api.UntilAsync($"{Definitions}/things.{Group(api)}", IsEstablished, recorded: false);
                await api.UntilAsync(Things(api), answer => answer.Code == 200);
                await run(api);
            }
            finally
            {
                await api.CleanAsync($"{Definitions}/things.{Group(api)}");
            }
        }, name: name);

    private static bool IsEstablished(ClusterAnswer answer) => answer.At("status.conditions") is JsonArray conditions
        && conditions.Any(condition => (string?)condition!["type"] == "Established" && (string?)condition["status"] == "True");

    [Theory, MemberData(nameof(Clusters))]
    public Task A_kind_is_served_once_it_is_established_and_goes_with_its_objects(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.GetAsync(Things(api))).Expect(404);
        var made = (await api.ApplyAsync($"{Definitions}/things.{Group(api)}", "one", Definition(api))).Expect(201);
        Assert.Equal("thing", (string?)made.At("spec.names.singular"));
        await api.UntilAsync($"{Definitions}/things.{Group(api)}", IsEstablished, recorded: false);
        await api.UntilAsync(Things(api), answer => answer.Code == 200);
        var discovered = await api.UntilAsync($"/apis/{Group(api)}/v1", answer => answer.Code == 200);
        Assert.Equal(["things", "things/status"], discovered.At("resources")!.AsArray().Select(one => (string)one!["name"]!));
        (await api.PostAsync(Things(api), Thing(api, "'size':1"))).Expect(201);
        (await api.ApplyAsync($"{Definitions}/things.{Group(api)}", "one", Definition(api))).Expect(200);
        (await api.DeleteAsync($"{Definitions}/things.{Group(api)}")).Expect(200);
        await api.UntilAsync($"{Definitions}/things.{Group(api)}", answer => answer.Code == 404);
        await api.UntilAsync(Things(api), answer => answer.Code == 404);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task Objects_get_defaults_lose_unknown_fields_and_are_checked(string cluster) => WithThingsAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(Things(api), Thing(api, "'size':1,'unknown':1,'free':{'x':{'y':1}}"))).Expect(201);
        Assert.Equal("""{"free":{"x":{"y":1}},"mode":"on","size":1}""", Sorted(made.At("spec")!));
        Assert.Equal(1, (int?)made.At("metadata.generation"));
        Assert.Contains(made.Warnings, warning => warning.Contains("unknown field \\\"spec.unknown\\\""));
        (await api.PostAsync(Things(api), Thing(api, "'size':0", "'name':'b'"))).Expect(422);
        (await api.PostAsync(Things(api), Thing(api, "'size':'x'", "'name':'b'"))).Expect(422);
        (await api.PostAsync(Things(api), Thing(api, "'mode':'other'", "'name':'b'"))).Expect(422);
        (await api.PostAsync(Things(api) + "?fieldValidation=Strict", Thing(api, "'size':1,'unknown':1", "'name':'b'"))).Expect(400);
        (await api.PutAsync($"{Things(api)}/a", Thing(api, "'size':2"))).Expect(422);
        var put = (await api.PutAsync($"{Things(api)}/a", Thing(api, "'size':2", $"'name':'a','resourceVersion':'{made.Version}'")))
            .Expect(200);
        Assert.Equal(2, (int?)put.At("metadata.generation"));
        Assert.Equal("ThingList", (string?)(await api.GetAsync(Things(api))).At("kind"));
        Assert.Equal("Thing", (string?)(await api.GetAsync(Things(api))).At("items.0.kind"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Apply_merges_by_the_schema_of_the_definition(string cluster) => WithThingsAsync(cluster, async api =>
    {
        var spec = "'size':1,'parts':[{'name':'p','value':'1'}],'tags':['a'],'whole':['x'],'extra':{'e':'1'}";
        var made = (await api.ApplyAsync($"{Things(api)}/a", "one", Thing(api, spec))).Expect(201);
        Assert.Equal(made.Version, (await api.ApplyAsync($"{Things(api)}/a", "one", Thing(api, spec))).Expect(200).Version);
        var both = (await api.ApplyAsync($"{Things(api)}/a", "two",
            Thing(api, "'size':1,'parts':[{'name':'q'}],'tags':['b'],'extra':{'f':'1'}"))).Expect(200);
        Assert.Equal("""{"e":"1","f":"1"}""", both.At("spec.extra")!.ToJsonString());
        Assert.Equal("""[{"name":"p","value":"1"},{"name":"q"}]""", both.At("spec.parts")!.ToJsonString());
        Assert.Equal("""["a","b"]""", both.At("spec.tags")!.ToJsonString());
        Assert.Equal("""["x"]""", both.At("spec.whole")!.ToJsonString());
        var atomic = (await api.ApplyAsync($"{Things(api)}/a", "two", Thing(api, "'size':1,'whole':['y']"))).Expect(409);
        Assert.Equal(".spec.whole", (string?)atomic.At("details.causes.0.field"));
        var less = (await api.ApplyAsync($"{Things(api)}/a", "two", Thing(api, "'size':1"))).Expect(200);
        Assert.Equal("""{"extra":{"e":"1"},"mode":"on","parts":[{"name":"p","value":"1"}],"size":1,"tags":["a"],"whole":["x"]}""",
            Sorted(less.At("spec")!));
        var unknown = await api.ApplyAsync($"{Things(api)}/a", "one", Thing(api, "'size':1,'unknown':1"));
        Assert.Contains(".spec.unknown: field not declared in schema", unknown.Message);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Status_is_apart_from_the_spec(string cluster) => WithThingsAsync(cluster, async api =>
    {
        var body = Thing(api, "'size':1")[..^1] + ",'status':{'phase':'Ready'}}";
        var made = (await api.PostAsync(Things(api), body)).Expect(201);
        Assert.Null(made.At("status"));
        var told = (await api.MergeAsync($"{Things(api)}/a/status?fieldManager=controller",
            "{'status':{'phase':'Ready'},'spec':{'size':5}}")).Expect(200);
        Assert.Equal(("Ready", 1, 1), ((string?)told.At("status.phase"), (int?)told.At("spec.size"), (int?)told.At("metadata.generation")));
        var ignored = (await api.MergeAsync($"{Things(api)}/a", "{'status':{'phase':'Gone'}}")).Expect(200);
        Assert.Equal(told.Version, ignored.Version);
        var applied = (await api.ApplyAsync($"{Things(api)}/a", "one", Thing(api, "'size':1")[..^1] + ",'status':{'phase':'Gone'}}"))
            .Expect(200);
        Assert.Equal("Ready", (string?)applied.At("status.phase"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task An_object_is_served_in_each_version(string cluster) => WithThingsAsync(cluster, async api =>
    {
        (await api.ApplyAsync($"{Things(api)}/a", "one", Thing(api, "'size':1"))).Expect(201);
        var beta = Things(api).Replace("/v1/", "/v1beta1/");
        var read = await api.UntilAsync($"{beta}/a", answer => answer.Code == 200);
        Assert.Equal($"{Group(api)}/v1beta1", (string?)read.At("apiVersion"));
        var moved = (await api.ApplyAsync($"{beta}/a", "one", Thing(api, "'size':2").Replace("/v1'", "/v1beta1'"))).Expect(200);
        Assert.Single(moved.At("metadata.managedFields")!.AsArray());
        (await api.ApplyAsync($"{beta}/a", "one", Thing(api, "'size':2"))).Expect(400);
    });

    private static string Sorted(JsonNode tree) => new JsonObject(tree.AsObject().OrderBy(field => field.Key, StringComparer.Ordinal)
        .Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))).ToJsonString();
}
