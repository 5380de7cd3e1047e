using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>Watches: where they begin, what they show, how they end.</summary>
public sealed class WatchConformanceTests(ConformanceClusters clusters) : ConformanceTest(clusters)
{
    private const string Test = "labelSelector=kind%3Dtest";

    private static string Labelled(string name, string data, string label = "test") =>
        ConfigMap(name, data, "'labels':{'kind':'" + label + "'}");

    [Theory, MemberData(nameof(Clusters))]
    public Task From_a_list_on_all_changes_are_seen_once(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, Labelled("old", ""))).Expect(201);
        var list = (await api.GetAsync($"{api.ConfigMaps}?{Test}")).Expect(200);
        (await api.PostAsync(api.ConfigMaps, Labelled("a", "'x':'1'"))).Expect(201);
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}&resourceVersion={(string?)list.At("metadata.resourceVersion")}");
        await watch.ExpectAsync("ADDED", "a");
        var changed = (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(200);
        Assert.Equal(changed.Version, (string?)(await watch.ExpectAsync("MODIFIED", "a"))["metadata"]!["resourceVersion"]);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(200);
        (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        var last = await watch.ExpectAsync("DELETED", "a");
        Assert.Equal("2", (string?)last["data"]!["x"]);
        Assert.NotEqual(changed.Version, (string?)last["metadata"]!["resourceVersion"]);
        Assert.Equal("ConfigMap", (string?)last["kind"]);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task Without_a_version_what_is_there_comes_first(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, Labelled("a", ""))).Expect(201);
        (await api.PostAsync(api.ConfigMaps, Labelled("b", ""))).Expect(201);
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}");
        var seen = new[] { await watch.NextAsync(), await watch.NextAsync() };
        Assert.All(seen, one => Assert.Equal("ADDED", (string?)one!["type"]));
        Assert.Equal(["a", "b"], seen.Select(one => (string)one!["object"]!["metadata"]!["name"]!).Order());
        (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        await watch.ExpectAsync("DELETED", "a");
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task Who_leaves_the_selection_is_deleted_and_who_enters_is_added(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, Labelled("a", "'x':'1'"))).Expect(201);
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}&resourceVersion={made.Version}");
        var left = (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'labels':{'kind':'other'}}}")).Expect(200);
        var last = await watch.ExpectAsync("DELETED", "a");
        Assert.Equal(left.Version, (string?)last["metadata"]!["resourceVersion"]);
        Assert.Equal("test", (string?)last["metadata"]!["labels"]!["kind"]);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(200);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'labels':{'kind':'test'}}}")).Expect(200);
        Assert.Equal("2", (string?)(await watch.ExpectAsync("ADDED", "a"))["data"]!["x"]);
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task One_object_is_watched_by_its_name(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, Labelled("a", ""))).Expect(201);
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?fieldSelector=metadata.name%3Da&resourceVersion={made.Version}");
        (await api.PostAsync(api.ConfigMaps, Labelled("b", ""))).Expect(201);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'data':{'x':'2'}}")).Expect(200);
        await watch.ExpectAsync("MODIFIED", "a");
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_finalizer_shows_as_a_change_before_the_end(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, ConfigMap("a", "", "'labels':{'kind':'test'},'finalizers':['x.example.com/a']")))
            .Expect(201);
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}&resourceVersion={made.Version}");
        (await api.DeleteAsync($"{api.ConfigMaps}/a")).Expect(200);
        Assert.NotNull((await watch.ExpectAsync("MODIFIED", "a"))["metadata"]!["deletionTimestamp"]);
        (await api.MergeAsync($"{api.ConfigMaps}/a", "{'metadata':{'finalizers':null}}")).Expect(200);
        await watch.ExpectAsync("DELETED", "a");
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_watch_ends_when_its_time_is_over(string cluster) => OnAsync(cluster, async api =>
    {
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}&timeoutSeconds=1");
        Assert.Equal(200, watch.Code);
        Assert.Null(await watch.AnyAsync());
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_version_that_is_too_old_is_an_error_event(string cluster) => OnAsync(cluster, async api =>
    {
        using var watch = await api.WatchAsync($"{api.ConfigMaps}?{Test}&resourceVersion=1");
        var error = (await watch.NextAsync())!;
        Assert.Equal(("ERROR", 410, "Expired"), ((string?)error["type"], (int?)error["object"]!["code"],
            (string?)error["object"]!["reason"]));
        Assert.Null(await watch.AnyAsync());
    });

    [Theory, MemberData(nameof(Clusters))]
    public Task A_streamed_list_ends_with_a_bookmark_that_says_so(string cluster) => OnAsync(cluster, async api =>
    {
        (await api.PostAsync(api.ConfigMaps, Labelled("a", ""))).Expect(201);
        using var watch = await api.WatchAsync(
            $"{api.ConfigMaps}?{Test}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=");
        Assert.Equal("ADDED", (string?)(await watch.AnyAsync())!["type"]);
        var mark = (await watch.AnyAsync())!;
        Assert.Equal("BOOKMARK", (string?)mark["type"]);
        Assert.Equal("true", (string?)mark["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
        Assert.NotEqual("", (string?)mark["object"]!["metadata"]!["resourceVersion"]);
    }, recorded: false);

    [Theory, MemberData(nameof(Clusters))]
    public Task A_quiet_watch_gets_bookmarks_to_resume_from(string cluster) => OnAsync(cluster, async api =>
    {
        var made = (await api.PostAsync(api.ConfigMaps, Labelled("a", ""))).Expect(201);
        using var watch =
            await api.WatchAsync($"{api.ConfigMaps}?{Test}&allowWatchBookmarks=true&resourceVersion={made.Version}&timeoutSeconds=85");
        (await api.PostAsync(api.ConfigMaps, Labelled("b", "", "other"))).Expect(201);
        var mark = (await watch.AnyAsync())!;
        Assert.Equal("BOOKMARK", (string?)mark["type"]);
        Assert.True(long.Parse((string)mark["object"]!["metadata"]!["resourceVersion"]!) >= long.Parse(made.Version));
    }, recorded: false);
}
