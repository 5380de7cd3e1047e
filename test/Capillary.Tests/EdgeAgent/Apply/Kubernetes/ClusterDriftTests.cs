using System.Diagnostics;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Tests.Core.Apply;
using Xunit;
using static Capillary.Tests.EdgeAgent.Apply.Kubernetes.ClusterSite;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>What others change in what is ours is put back, or left, and told; and a cluster that does not answer fails nothing.</summary>
public sealed class ClusterDriftTests
{
    private static readonly ObjectRef Front = new("apps", "v1", "Deployment", "lab", "front");

    [Fact]
    public async Task Promise_of_five_seconds_a_field_an_object_and_a_label_are_put_back_and_who_changed_them_is_told()
    {
        await using var site = await StartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(Deployment("front"))));
        var clock = Stopwatch.StartNew();
        site.Cluster.Edit(Web("front"), """{"spec":{"replicas":7}}""", "kubectl-scale");
        await site.UntilAsync(() => (int?)site.Cluster.Find(Web("front"))!["spec"]!["replicas"] == 1, 5);
        await site.UntilAsync(() => site.Seen.GetValueOrDefault($"DriftRepaired {Front.Subject}")?.Contains("'kubectl-scale'") == true);
        Assert.Contains(".spec.replicas", site.Seen[$"DriftRepaired {Front.Subject}"], StringComparison.Ordinal);

        site.Cluster.Delete(Map("a"));
        await site.UntilAsync(() => site.Has(Map("a")), 5);
        await site.UntilAsync(() => site.Seen.ContainsKey("DriftRepaired ConfigMap lab/a"));
        site.Cluster.Edit(Map("b"), """{"metadata":{"labels":{"capillary.dev/app":null}}}""");
        await site.UntilAsync(() => (string?)site.Cluster.Find(Map("b"))!["metadata"]!["labels"]?["capillary.dev/app"] == "web", 5);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15));
        await site.UntilAsync(() => site.Status.Phase == ApplyPhase.Healthy);
    }

    [Fact]
    public async Task What_the_server_defaults_and_what_others_add_is_no_drift()
    {
        await using var site = await StartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(Deployment("front"))));
        site.Cluster.Requests.Clear();
        site.Cluster.Edit(Web("front"), """{"metadata":{"annotations":{"note":"theirs"}},"spec":{"minReadySeconds":3}}""");
        site.Cluster.Edit(Map("a"), """{"data":{"more":"theirs"}}""");
        // What is a drift is found all the same, and after the rest.
        site.Cluster.Edit(Map("a"), """{"data":{"value":"theirs"}}""");
        await site.UntilAsync(() => site.Value("a") == "1");
        Assert.DoesNotContain($"DriftRepaired {Front.Subject}", site.Seen.Keys);
        Assert.Equal(1, site.Cluster.Requests.Writes);
        Assert.Equal(3, (int?)site.Cluster.Find(Web("front"))!["spec"]!["minReadySeconds"]);
    }

    [Fact]
    public async Task Fields_that_are_left_to_others_are_neither_drift_nor_overwritten()
    {
        await using var site = await StartAsync();
        var policy = KubernetesPolicy.Default with { IgnoreDifferences = [new("apps", "Deployment", null, null, ["/spec/replicas"])] };
        TestApp App(string image) => new TestApp("web") { Policy = policy }.Object(Deployment("front", image)).Object(ConfigMap("a"));
        await site.ApplyAsync(site.Bundles.Bundle(App("registry.example/web:1")));
        site.Cluster.Edit(Web("front"), """{"spec":{"replicas":5}}""", "autoscaler");
        site.Cluster.Edit(Map("a"), """{"data":{"value":"x"}}""");
        await site.UntilAsync(() => site.Value("a") == "1");
        // Looked at before this one is found.
        site.Cluster.Edit(Map("a"), """{"data":{"value":"y"}}""");
        await site.UntilAsync(() => site.Value("a") == "1");
        Assert.DoesNotContain($"DriftRepaired {Front.Subject}", site.Seen.Keys);
        await site.ApplyAsync(site.Bundles.Bundle(App("registry.example/web:2")));
        var spec = site.Cluster.Find(Web("front"))!["spec"]!;
        Assert.Equal(5, (int?)spec["replicas"]);
        Assert.Equal("registry.example/web:2", (string?)spec["template"]!["spec"]!["containers"]![0]!["image"]);
        Assert.DoesNotContain($"DriftRepaired {Front.Subject}", site.Seen.Keys);
    }

    [Theory]
    [InlineData(ConflictPolicy.Force, "1", "was taken over from 'helm'")]
    [InlineData(ConflictPolicy.Leave, "theirs", "is left to 'helm'")]
    public async Task A_field_of_another_manager_is_taken_or_left_as_the_app_says_and_told(ConflictPolicy conflicts, string value, string told)
    {
        await using var site = await StartAsync();
        site.Cluster.Create(ConfigMap("a", "theirs"), "helm");
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("web") { Policy = KubernetesPolicy.Default with { Conflicts = conflicts } }.Object(ConfigMap("a")).Object(ConfigMap("b"))));
        Assert.Equal(value, site.Value("a"));
        Assert.Contains(told, site.Text(ConditionCodes.FieldConflict), StringComparison.Ordinal);
        Assert.Contains(".data.value", site.Text(ConditionCodes.FieldConflict), StringComparison.Ordinal);
        Assert.Equal("web", (string?)site.Cluster.Find(Map("a"))!["metadata"]!["labels"]!["capillary.dev/app"]);
    }

    [Fact]
    public async Task An_API_server_that_is_away_fails_no_attempt_and_what_is_to_be_done_is_done_after()
    {
        await using var site = await StartAsync();
        var first = site.Bundles.Bundle(new TestApp("web", Deadline: 2).Object(ConfigMap("a")).Object(Deployment("front")));
        await site.ApplyAsync(first);
        await site.Cluster.StopAsync();
        site.Assign(site.Bundles.Bundle(new TestApp("web", Deadline: 2).Object(ConfigMap("a", "2")).Object(Deployment("front"))), first);
        await site.UntilAsync(() => site.Status.Conditions.Any(condition => condition.Code == ConditionCodes.ClusterUnreachable));
        await site.RestartAsync();
        await site.UntilAsync(() => site.Status.Conditions.Any(condition => condition.Code == ConditionCodes.ClusterUnreachable));
        var clock = Stopwatch.StartNew();
        // Longer than the app's deadline.
        await site.UntilAsync(() => clock.Elapsed > TimeSpan.FromSeconds(4));
        Assert.Equal(ApplyPhase.Applying, site.Status.Phase);
        await site.Cluster.StartAgainAsync();
        await site.UntilEndAsync(ApplyPhase.Healthy);
        Assert.Equal("2", site.Value("a"));
        Assert.DoesNotContain(site.Status.Conditions, condition => condition.Code == ConditionCodes.ClusterUnreachable);
    }

    [Fact]
    public async Task A_deadline_does_not_pass_while_the_cluster_is_away()
    {
        await using var site = await StartAsync(controllers: false);
        site.Assign(site.Bundles.Bundle(new TestApp("web", Deadline: 3).Object(Deployment("front"))));
        await site.UntilEndAsync(ApplyPhase.Verifying);
        await site.Cluster.StopAsync();
        await site.UntilAsync(() => site.Status.Conditions.Any(condition => condition.Code == ConditionCodes.ClusterUnreachable));
        var clock = Stopwatch.StartNew();
        await site.UntilAsync(() => clock.Elapsed > TimeSpan.FromSeconds(5));
        Assert.Equal(ApplyPhase.Verifying, site.Status.Phase);
        await site.Cluster.StartAgainAsync();
        site.Cluster.MakeHealthy(Web("front"));
        await site.UntilEndAsync(ApplyPhase.Healthy);
    }

    [Fact]
    public async Task Cut_watches_and_a_forgotten_history_lose_no_drift()
    {
        await using var site = await StartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b"))));
        foreach (var forgets in (bool[])[false, true, false, true])
        {
            await site.UntilAsync(() => site.Value("a") == "1" && site.Has(Map("b")));
            site.Cluster.CloseWatches();
            if (forgets) site.Cluster.ForgetHistory();
            site.Cluster.Edit(Map("a"), """{"data":{"value":"x"}}""");
            site.Cluster.Delete(Map("b"));
        }
        await site.UntilAsync(() => site.Value("a") == "1" && site.Has(Map("b")));
    }

    [Fact]
    public async Task A_server_that_is_busy_is_waited_for_as_it_asks()
    {
        await using var site = await StartAsync();
        site.Cluster.Faults.Answer(429, 3, call => call.IsWrite, retryAfter: 1);
        site.Cluster.Faults.Answer(500, 1, call => call is { IsWrite: true, Name: "b" });
        site.Cluster.Faults.Reset(1, call => call is { IsWrite: true, Name: "c" });
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")).Object(ConfigMap("b")).Object(ConfigMap("c"))));
        Assert.Equal(["1", "1", "1"], new[] { "a", "b", "c" }.Select(site.Value));
    }
}
