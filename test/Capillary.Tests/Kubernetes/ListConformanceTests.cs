using System.Text.Json.Nodes;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Lists: choosing, paging, versions.</summary>
public sealed class ListConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private static IEnumerable<string> Names(ClusterAnswer answer) =>
        answer.At("items")!.AsArray().Select(item => (string)item!["metadata"]!["name"]!);

    private static async Task FillAsync(ClusterClient api)
    {
        (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "", "'labels':{'kind':'test','tier':'one'}"))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("b", "", "'labels':{'kind':'test','tier':'two'}"))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, ConfigMap("c", "", "'labels':{'kind':'test'}"))).Expect(201);
    }

    [Theory, MemberData(nameof(Clusters))]
    public Task Labels_choose(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        foreach (var (selector, expected) in ((string, string)[])[("kind=test", "a b c"), ("kind==test,tier!=one", "b c"),
            ("tier in (one,two)", "a b"),
            ("kind=test,tier notin (one)", "b c"), ("tier", "a b"), ("kind=test,!tier", "c"), ("tier=three", "")])
        {
            var list = (await api.GetAsync($"{api.ConfigMaps}?labelSelector={Uri.EscapeDataString(selector)}")).Expect(200);
            Assert.Equal(expected, string.Join(' ', Names(list)));
        }
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task What_is_no_selector_is_refused(string cluster) => OnAsync(cluster, async api =>
    {
        foreach (var selector in (string[])["a in (", "a=b=c", "=b"])
            (await api.GetAsync($"{api.ConfigMaps}?labelSelector={Uri.EscapeDataString(selector)}")).Expect(400);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task Fields_choose(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        Assert.Equal(["b"], Names((await api.GetAsync($"{api.ConfigMaps}?fieldSelector=metadata.name%3Db")).Expect(200)));
        Assert.Equal(["a", "c"],
            Names((await api.GetAsync($"{api.ConfigMaps}?labelSelector=kind%3Dtest&fieldSelector=metadata.name!%3Db")).Expect(200)));
        Assert.Equal(["b"], Names((await api.GetAsync(
            $"/api/v1/configmaps?labelSelector=kind%3Dtest&fieldSelector=metadata.namespace%3D{api.Space},metadata.name%3Db"))
            .Expect(200)));
        (await api.GetAsync($"{api.ConfigMaps}?fieldSelector=data.x%3D1")).Expect(400);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Items_of_built_in_kinds_name_no_kind(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        var list = (await api.GetAsync($"{api.ConfigMaps}?labelSelector=kind%3Dtest")).Expect(200);
        Assert.Equal("ConfigMapList", (string?)list.At("kind"));
        Assert.Null(list.At("items.0.kind"));
        Assert.Null(list.At("items.0.apiVersion"));
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Pages_are_of_one_moment(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        var selector = "labelSelector=kind%3Dtest";
        var first = (await api.GetAsync($"{api.ConfigMaps}?{selector}&limit=2")).Expect(200);
        Assert.Equal(["a", "b"], Names(first));
        (await api.PostAsync(api.ConfigMaps, ConfigMap("d", "", "'labels':{'kind':'test'}"))).Expect(201);
        (await api.DeleteAsync($"{api.ConfigMaps}/c")).Expect(200);
        var token = Uri.EscapeDataString((string)first.At("metadata.continue")!);
        var second = (await api.GetAsync($"{api.ConfigMaps}?{selector}&limit=2&continue={token}")).Expect(200);
        Assert.Equal(["c"], Names(second));
        Assert.Equal((string?)first.At("metadata.resourceVersion"), (string?)second.At("metadata.resourceVersion"));
        Assert.Equal("", (string?)second.At("metadata.continue") ?? "");
        Assert.Equal(["a", "b", "d"], Names((await api.GetAsync($"{api.ConfigMaps}?{selector}")).Expect(200)));
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_version_of_the_past_or_the_future(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        var all = (await api.GetAsync($"{api.ConfigMaps}?labelSelector=kind%3Dtest")).Expect(200);
        (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        var then = $"resourceVersion={(string?)all.At("metadata.resourceVersion")}";
        Assert.Equal(["a", "b", "c"],
            Names((await api.GetAsync($"{api.ConfigMaps}?labelSelector=kind%3Dtest&{then}&resourceVersionMatch=Exact")).Expect(200)));
        await api.UntilAsync($"{api.ConfigMaps}?labelSelector=kind%3Dtest&resourceVersion=0", answer =>
            Names(answer).SequenceEqual(["b", "c"]));
        var future = await api.GetAsync($"{api.ConfigMaps}?resourceVersion=999999999999");
        Assert.Equal("Timeout", future.Expect(504).Reason);
        (await api.GetAsync($"{api.ConfigMaps}?resourceVersion=abc")).Expect(400);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_list_over_all_namespaces_is_ordered_by_namespace_and_name(string cluster) => OnAsync(cluster, async api =>
    {
        await FillAsync(api);
        var all = (await api.GetAsync("/api/v1/configmaps")).Expect(200).At("items")!.AsArray().Select(Key).ToList();
        Assert.Equal(all.Order(StringComparer.Ordinal), all);
        Assert.Contains($"{api.Space}/a", all);
    }, recorded: false);

    private static string Key(JsonNode? item) => $"{(string?)item!["metadata"]!["namespace"]}/{(string?)item["metadata"]!["name"]}";
}
