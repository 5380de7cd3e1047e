using Capillary.Core.Apply;
using Capillary.KubernetesDouble;
using Capillary.Tests.Core.Apply;
using Xunit;
using static Capillary.Tests.EdgeAgent.Apply.Kubernetes.ClusterSite;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>Hooks run when their app changes, in their place, once; Argo CD's annotations are understood.</summary>
public sealed class ClusterHookTests
{
    private const string Pre = "\"argocd.argoproj.io/hook\":\"PreSync\"";
    private const string Post = "\"capillary.dev/hook\":\"post\",\"capillary.dev/hook-delete-policy\":\"succeeded\"";
    private const string OnFailure = "\"argocd.argoproj.io/hook\":\"SyncFail\"";
    private const string Complete =
        """{"succeeded":1,"conditions":[{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True"}]}""";
    private const string Failed = """{"failed":1,"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"it broke"}]}""";

    [Fact]
    public async Task Hooks_run_before_and_after_once_for_each_change_of_their_app()
    {
        await using var site = await StartAsync(controllers: false);
        TestApp App(string value) => new TestApp("web").Object(Job("migrate", Pre)).Object(ConfigMap("a", value)).Object(Job("notify", Post));
        site.Assign(site.Bundles.Bundle(App("1")));
        await site.UntilAsync(() => site.Has(JobOf("migrate")));
        Assert.False(site.Has(Map("a")));
        var uid = Uid(site, "migrate");
        site.Cluster.SetStatus(JobOf("migrate"), Complete);
        await site.UntilAsync(() => site.Has(JobOf("notify")));
        Assert.Equal("1", site.Value("a"));
        site.Cluster.SetStatus(JobOf("notify"), Complete);
        await site.UntilEndAsync(ApplyPhase.Healthy);
        await site.UntilAsync(() => !site.Has(JobOf("notify")));

        // Another app changes, the agent restarts, a field drifts: no hook runs.
        await site.RestartAsync();
        await site.ApplyAsync(site.Bundles.Bundle(App("1"), new TestApp("other").Object(ConfigMap("b"))));
        site.Cluster.Edit(Map("a"), """{"data":{"value":"x"}}""");
        await site.UntilAsync(() => site.Value("a") == "1");
        Assert.Equal(uid, Uid(site, "migrate"));
        Assert.False(site.Has(JobOf("notify")));

        site.Assign(site.Bundles.Bundle(App("2"), new TestApp("other").Object(ConfigMap("b"))));
        await site.UntilAsync(() => Uid(site, "migrate") is { } next && next != uid);
        Assert.Equal("1", site.Value("a"));
    }

    [Fact]
    public async Task A_hook_that_fails_ends_the_attempt_and_the_hook_for_that_runs_before_the_fallback()
    {
        await using var site = await StartAsync(controllers: false);
        var before = site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a")));
        await site.ApplyAsync(before);
        site.Assign(site.Bundles.Bundle(new TestApp("web").Object(Job("migrate", Pre)).Object(ConfigMap("a", "2")).Object(Job("alarm", OnFailure))), before);
        await site.UntilAsync(() => site.Has(JobOf("migrate")));
        Assert.False(site.Has(JobOf("alarm")));
        site.Cluster.SetStatus(JobOf("migrate"), Failed);
        await site.UntilAsync(() => site.Has(JobOf("alarm")));
        site.Cluster.SetStatus(JobOf("alarm"), Complete);
        await site.UntilEndAsync(ApplyPhase.Reverted);
        Assert.Equal("1", site.Value("a"));
        Assert.Contains("it broke", site.Text(ConditionCodes.HookFailed), StringComparison.Ordinal);
        // What the failed attempt had made is gone again.
        await site.UntilAsync(() => !site.Has(JobOf("migrate")) && !site.Has(JobOf("alarm")));
    }

    [Fact]
    public async Task An_agent_that_restarts_while_a_hook_runs_waits_for_that_run()
    {
        await using var site = await StartAsync(controllers: false);
        site.Assign(site.Bundles.Bundle(new TestApp("web").Object(Job("migrate", Pre)).Object(ConfigMap("a"))));
        await site.UntilAsync(() => site.Has(JobOf("migrate")));
        var uid = Uid(site, "migrate");
        await site.RestartAsync();
        await site.UntilAsync(() => site.Cluster.Requests.Count("watch", "jobs") > 1);
        site.Cluster.SetStatus(JobOf("migrate"), Complete);
        await site.UntilAsync(() => site.Status.Phase == ApplyPhase.Healthy);
        Assert.Equal(uid, Uid(site, "migrate"));
    }

    [Fact]
    public async Task A_newer_bundle_does_not_wait_for_what_the_older_one_waits_for()
    {
        await using var site = await StartAsync(controllers: false);
        site.Assign(site.Bundles.Bundle(new TestApp("web").Object(Job("migrate", Pre)).Object(ConfigMap("a"))));
        await site.UntilAsync(() => site.Has(JobOf("migrate")));
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("web").Object(ConfigMap("a", "2"))), confirmed: true);
        Assert.Equal("2", site.Value("a"));
        Assert.False(site.Has(JobOf("migrate")));
    }

    private static ClusterObject JobOf(string name) => new("batch", "Job", "lab", name);

    private static string? Uid(ClusterSite site, string job) => (string?)site.Cluster.Find(JobOf(job))?["metadata"]?["uid"];
}
