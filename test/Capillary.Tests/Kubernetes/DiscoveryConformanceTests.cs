using System.Text.Json.Nodes;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>What a server says it serves.</summary>
public sealed class DiscoveryConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    [Theory, MemberData(nameof(Clusters))]
    public Task A_version_and_its_health(string cluster) => OnAsync(cluster, async api =>
    {
        var version = (await api.GetAsync("/version")).Expect(200);
        Assert.NotNull((string?)version.At("gitVersion"));
        Assert.Equal("ok", (await api.GetAsync("/readyz")).Expect(200).Text);
        Assert.Contains("v1", (await api.GetAsync("/api")).Expect(200).At("versions")!.AsArray().Select(one => (string)one!));
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task Groups_name_their_versions(string cluster) => OnAsync(cluster, async api =>
    {
        var groups = (await api.GetAsync("/apis")).Expect(200);
        Assert.Equal("APIGroupList", (string?)groups.At("kind"));
        var apps = groups.At("groups")!.AsArray().First(group => (string?)group!["name"] == "apps")!;
        Assert.Equal("apps/v1", (string?)apps["preferredVersion"]!["groupVersion"]);
        Assert.Equal("v1", (string?)apps["versions"]![0]!["version"]);
        Assert.Equal("APIGroup", (string?)(await api.GetAsync("/apis/apps")).Expect(200).At("kind"));
        (await api.GetAsync("/apis/none.example.com")).Expect(404);
        (await api.GetAsync("/apis/apps/v9")).Expect(404);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task Every_kind_of_the_double_is_described_alike(string cluster) => OnAsync(cluster, async api =>
    {
        using var http = Kubeconfig.Connect(TheDouble.KubeconfigPath);
        using var ours = new ClusterClient(http, api.Suffix, null);
        var groups = (await ours.GetAsync("/apis")).Expect(200).At("groups")!.AsArray()
            .Select(group => $"/apis/{(string?)group!["preferredVersion"]!["groupVersion"]}");
        foreach (var path in groups.Prepend("/api/v1"))
        {
            var theirs = (await api.GetAsync(path)).Expect(200).At("resources")!.AsArray().ToDictionary(one => (string)one!["name"]!);
            foreach (var one in (await ours.GetAsync(path)).Expect(200).At("resources")!.AsArray())
            {
                var name = (string)one!["name"]!;
                Assert.True(theirs.TryGetValue(name, out var other), $"{path} has no {name}");
                foreach (var key in (string[])["kind", "namespaced", "singularName", "shortNames", "group", "version"])
                    Assert.True(JsonNode.DeepEquals(one[key], other![key]),
                        $"{path} {name} {key}: {one[key]?.ToJsonString()} here, {other[key]?.ToJsonString()} there");
                Assert.Empty(Verbs(other!).Except(Verbs(one)).Concat(Verbs(one).Except(Verbs(other!))));
            }
        }
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task All_of_it_comes_in_one_document_for_who_accepts_that(string cluster) => OnAsync(cluster, async api =>
    {
        using var http = Kubeconfig.Connect(KubeconfigOf(cluster));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/apis");
        request.Headers.Accept.ParseAdd("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
        using var response = await http.SendAsync(request);
        Assert.Contains("as=APIGroupDiscoveryList", response.Content.Headers.ContentType!.ToString());
        var tree = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        var apps = tree["items"]!.AsArray().First(group => (string?)group!["metadata"]!["name"] == "apps")!["versions"]![0]!;
        var deployments = apps["resources"]!.AsArray().First(one => (string?)one!["resource"] == "deployments")!;
        Assert.Equal(("Namespaced", "Deployment"), ((string?)deployments["scope"], (string?)deployments["responseKind"]!["kind"]));
        Assert.Equal(["scale", "status"], deployments["subresources"]!.AsArray().Select(one => (string)one!["subresource"]!).Order());
    }, recorded: false);

    private static IEnumerable<string> Verbs(JsonNode resource) => resource["verbs"]!.AsArray().Select(verb => (string)verb!);
}
