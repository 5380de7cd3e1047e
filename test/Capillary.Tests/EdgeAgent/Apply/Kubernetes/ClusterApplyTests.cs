using Capillary.Core.Apply;
using Capillary.KubernetesDouble;
using Capillary.Tests.Core.Apply;
using Xunit;
using static Capillary.Tests.EdgeAgent.Apply.Kubernetes.ClusterSite;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>Bundles become what runs in a cluster: applied, waited for, pruned; and nothing is written twice.</summary>
public sealed class ClusterApplyTests
{
    [Fact]
    public async Task A_bundle_is_applied_and_what_is_unchanged_is_never_written_again()
    {
        await using var site = await StartAsync();
        var first = new TestApp("web").Object(ConfigMap("a")).Object(Deployment("front"));
        await site.ApplyAsync(site.Bundles.Bundle(first));
        Assert.Equal("web", (string?)site.Cluster.Find(Web("front"))!["metadata"]!["labels"]!["capillary.dev/app"]);
        Assert.NotNull(site.Cluster.Find(new ClusterObject("", "ConfigMap", "capillary-system", "capillary-inventory-web")));

        site.Cluster.Requests.Clear();
        await site.RestartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(first, new TestApp("other").Object(ConfigMap("b"))));
        // The new app's own: its inventory before and after, and its one object.
        Assert.Equal(3, site.Cluster.Requests.Writes);

        site.Cluster.Requests.Clear();
        await site.ApplyAsync(site.Bundles.Bundle(first, new TestApp("other").Object(ConfigMap("b", "2"))));
        Assert.Equal("2", site.Value("b"));
        // The object, and the inventory, whose digest changed; a dry run writes nothing.
        Assert.Equal(2, site.Cluster.Requests.Writes);
        Assert.Equal(1, site.Cluster.Requests.All.Count(call => call.IsDryRun));
    }

    [Fact]
    public async Task An_agent_that_lost_its_disk_writes_nothing_and_still_prunes()
    {
        await using var site = await StartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(ConfigMap("c"))));
        await site.StopAsync();
        Directory.Delete($"{site.Folder}/state", recursive: true);
        site.Cluster.Requests.Clear();
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(ConfigMap("c"))));
        Assert.Equal(0, site.Cluster.Requests.Writes);
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b"))));
        Assert.False(site.Has(Map("c")));
    }

    [Fact]
    public async Task A_kind_and_an_object_of_it_stand_in_one_bundle()
    {
        await using var site = await StartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("a").Object("""{"apiVersion":"lab.example/v1","kind":"Analyzer","metadata":{"name":"cobas","namespace":"lab"},"spec":{"port":1}}"""),
            new TestApp("z").Object("""
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"analyzers.lab.example"},
                "spec":{"group":"lab.example","scope":"Namespaced","names":{"plural":"analyzers","singular":"analyzer","kind":"Analyzer"},
                "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
                "properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}
                """)));
        Assert.NotNull(site.Cluster.Find(new ClusterObject("lab.example", "Analyzer", "lab", "cobas")));
    }

    [Fact]
    public async Task A_kind_whose_version_is_served_no_longer_is_watched_and_pruned_in_its_next_one()
    {
        await using var site = await StartAsync(maxPrunePercent: 100);
        static string Kind(string served, string schema) => """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"analyzers.lab.example"},
            "spec":{"group":"lab.example","scope":"Namespaced","names":{"plural":"analyzers","singular":"analyzer","kind":"Analyzer"},
            "versions":[{"name":"v1","served":true,"storage":true,SCHEMA},{"name":"v1beta1","served":BETA,"storage":false,SCHEMA}]}}
            """.Replace("BETA", served).Replace("SCHEMA", schema);
        const string Schema = """
            "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}
            """;
        static string One(string name, string version) => """
            {"apiVersion":"lab.example/VERSION","kind":"Analyzer","metadata":{"name":"NAME","namespace":"lab"},"spec":{"port":1}}
            """.Replace("VERSION", version).Replace("NAME", name);
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Object(Kind("true", Schema))
            .Object(One("cobas", "v1beta1")).Object(One("old", "v1beta1"))));
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Object(Kind("false", Schema)).Object(One("cobas", "v1"))));
        Assert.False(site.Has(new ClusterObject("lab.example", "Analyzer", "lab", "old")));
        var cobas = new ClusterObject("lab.example", "Analyzer", "lab", "cobas");
        site.Cluster.CloseWatches();
        site.Cluster.Edit(cobas, """{"spec":{"port":2}}""");
        await site.UntilAsync(() => (int?)site.Cluster.Find(cobas)!["spec"]!["port"] == 1);
    }

    [Fact]
    public async Task A_higher_order_waits_until_the_lower_one_is_healthy()
    {
        await using var site = await StartAsync(controllers: false);
        var first = Deployment("first");
        var second = ConfigMap("second", more: ""","annotations":{"capillary.dev/apply-order":"1"}""");
        site.Assign(site.Bundles.Bundle(new TestApp("web").Object(second).Object(first)));
        await site.UntilAsync(() => site.Has(Web("first")));
        // Nothing makes the Deployment ready, so the second order is not reached, however long one looks.
        await site.UntilAsync(() => site.Cluster.Requests.Count("watch", "deployments") > 0);
        Assert.False(site.Has(Map("second")));
        site.Cluster.MakeHealthy(Web("first"));
        await site.UntilEndAsync(ApplyPhase.Healthy);
        Assert.True(site.Has(Map("second")));
    }

    [Fact]
    public async Task What_left_the_bundle_goes_but_not_more_than_its_share_and_not_what_is_guarded()
    {
        await using var site = await StartAsync();
        const string Kept = ""","annotations":{"argocd.argoproj.io/sync-options":"Prune=false"}""";
        var one = new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(ConfigMap("c"))
            .Object(ConfigMap("kept", more: Kept));
        await site.ApplyAsync(site.Bundles.Bundle(one));
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(ConfigMap("c"))));
        Assert.True(site.Has(Map("kept")));
        Assert.Contains("Prune=false", site.Text(ConditionCodes.PruneSkipped), StringComparison.Ordinal);

        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a"))));
        Assert.Contains("2 of 3 objects left the bundle", site.Text(ConditionCodes.PruneNeedsConfirm), StringComparison.Ordinal);
        Assert.True(site.Has(Map("b")) && site.Has(Map("c")));
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a"))), confirmed: true);
        Assert.False(site.Has(Map("b")) || site.Has(Map("c")));
        Assert.DoesNotContain(site.Status.Conditions, condition => condition.Code == ConditionCodes.PruneNeedsConfirm);
    }

    [Fact]
    public async Task A_namespace_that_holds_what_is_not_ours_stays()
    {
        await using var site = await StartAsync(maxPrunePercent: 100);
        static string Space(string name) => $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{name}}}"}}""";
        static string In(string space) => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"{{{space}}}"},"data":{"a":"b"}}""";
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Object(Space("ours")).Object(In("ours")).Object(Space("shared")).Object(In("shared"))));
        site.Cluster.Create("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"theirs","namespace":"shared"}}""", "somebody");
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("b").Object(ConfigMap("other"))));
        await site.UntilAsync(() => !site.Has(new ClusterObject("", "Namespace", "", "ours")));
        Assert.True(site.Has(new ClusterObject("", "Namespace", "", "shared")));
        Assert.False(site.Has(new ClusterObject("", "ConfigMap", "shared", "x")));
        Assert.Contains("Secret theirs", site.Text(ConditionCodes.PruneSkipped), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_cannot_change_is_told_and_an_object_that_asks_for_it_is_made_anew()
    {
        await using var site = await StartAsync();
        static string Selector(string of, string more = "") => Deployment("front", more: more).Replace("\"app\":\"front\"", $"\"app\":\"{of}\"");
        var before = site.Bundles.Bundle(new TestApp("web").Object(Selector("front")));
        await site.ApplyAsync(before);
        var uid = (string?)site.Cluster.Find(Web("front"))!["metadata"]!["uid"];
        site.Assign(site.Bundles.Bundle(new TestApp("web").Object(Selector("other"))), before);
        await site.UntilEndAsync(ApplyPhase.Reverted);
        Assert.Contains("capillary.dev/replace", site.Text(ConditionCodes.FieldImmutable), StringComparison.Ordinal);
        // The dry run said so: what ran was not touched.
        Assert.Equal(uid, (string?)site.Cluster.Find(Web("front"))!["metadata"]!["uid"]);
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web")
            .Object(Selector("other", ""","annotations":{"argocd.argoproj.io/sync-options":"Replace=true"}"""))));
        Assert.NotEqual(uid, (string?)site.Cluster.Find(Web("front"))!["metadata"]!["uid"]);
    }

    [Fact]
    public async Task A_thousand_objects_stand_in_one_bundle()
    {
        await using var site = await StartAsync();
        var app = new TestApp("many");
        for (var i = 0; i < 1000; i++) app.Object(ConfigMap($"m{i}"));
        await site.ApplyAsync(site.Bundles.Bundle(app));
        Assert.Equal(1000, site.Cluster.All("", "ConfigMap").Count(item => (string?)item["metadata"]!["labels"]?["capillary.dev/app"] == "many"));
        site.Cluster.Requests.Clear();
        await site.RestartAsync();
        await site.UntilAsync(() => site.Cluster.Requests.Count("watch", "configmaps") > 0 && site.Status.Phase == ApplyPhase.Healthy);
        Assert.Equal(0, site.Cluster.Requests.Writes);
    }
}
