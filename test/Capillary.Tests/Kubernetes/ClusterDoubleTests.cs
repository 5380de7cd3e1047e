using System.Text.Json.Nodes;
using Capillary.KubernetesDouble;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>What only the double can do: go wrong on purpose, count, play controllers.</summary>
public sealed class ClusterDoubleTests : IAsyncLifetime
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private static readonly ClusterObject MapA = new("", "ConfigMap", "default", "a");

    private ClusterDouble cluster = null!;
    private ClusterClient api = null!;

    public async Task InitializeAsync()
    {
        cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions { HistoryLimit = 50 });
        api = new ClusterClient(Kubeconfig.Connect(cluster.KubeconfigPath), "none", null);
    }

    public async Task DisposeAsync()
    {
        api.Dispose();
        await cluster.DisposeAsync();
    }

    [Fact]
    public async Task The_next_requests_fail_as_planned_and_then_no_more()
    {
        cluster.Faults.Answer(429, 2, call => call.Verb == "create", retryAfter: 3);
        (await api.GetAsync(Maps)).Expect(200);
        Assert.Equal("TooManyRequests", (await api.PostAsync(Maps, Map("a"))).Expect(429).Reason);
        (await api.PostAsync(Maps, Map("a"))).Expect(429);
        (await api.PostAsync(Maps, Map("a"))).Expect(201);
        cluster.Faults.Answer(503, 1);
        (await api.GetAsync($"{Maps}/a")).Expect(503);
        cluster.Faults.Answer(500, 1);
        (await api.GetAsync($"{Maps}/a")).Expect(500);
        (await api.GetAsync($"{Maps}/a")).Expect(200);
    }

    [Fact]
    public async Task A_reset_leaves_a_write_undone_or_done()
    {
        cluster.Faults.Reset(1);
        await Assert.ThrowsAsync<HttpRequestException>(() => api.PostAsync(Maps, Map("a")));
        (await api.GetAsync($"{Maps}/a")).Expect(404);
        cluster.Faults.ResetAfter(1);
        await Assert.ThrowsAsync<HttpRequestException>(() => api.PostAsync(Maps, Map("a")));
        (await api.GetAsync($"{Maps}/a")).Expect(200);
    }

    [Fact]
    public async Task Requests_are_counted_and_a_dry_run_is_no_write()
    {
        (await api.PostAsync(Maps, Map("a"))).Expect(201);
        cluster.Requests.Clear();
        (await api.GetAsync($"{Maps}/a")).Expect(200);
        (await api.ApplyAsync($"{Maps}/a", "one", Map("a"), more: "&dryRun=All")).Expect(200);
        Assert.Equal((1, 1, 0), (cluster.Requests.Count("get"), cluster.Requests.Count("patch", "configmaps"), cluster.Requests.Writes));
        (await api.ApplyAsync($"{Maps}/a", "one", Map("a"))).Expect(200);
        Assert.Equal(1, cluster.Requests.Writes);
        Assert.True(cluster.Requests.All[^1].IsApply);
    }

    [Fact]
    public async Task A_restarted_server_has_the_same_state_on_the_same_port()
    {
        var made = (await api.PostAsync(Maps, Map("a"))).Expect(201);
        using var watch = await api.WatchAsync($"{Maps}?resourceVersion={made.Version}");
        await cluster.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => api.GetAsync($"{Maps}/a"));
        await cluster.StartAgainAsync();
        Assert.Equal(made.Uid, (await api.GetAsync($"{Maps}/a")).Expect(200).Uid);
    }

    [Fact]
    public async Task Watches_end_on_demand_and_forgotten_history_is_gone()
    {
        var made = (await api.PostAsync(Maps, Map("a"))).Expect(201);
        using (var watch = await api.WatchAsync($"{Maps}?resourceVersion={made.Version}"))
        {
            cluster.CloseWatches();
            Assert.Null(await watch.NextAsync());
        }
        var page = (await api.GetAsync($"{Maps}?limit=1")).Expect(200);
        cluster.ForgetHistory();
        using (var late = await api.WatchAsync($"{Maps}?resourceVersion={made.Version}")) Assert.Equal("ERROR",
            (string?)(await late.NextAsync())!["type"]);
        var token = Uri.EscapeDataString((string)page.At("metadata.continue")!);
        Assert.Equal("Expired", (await api.GetAsync($"{Maps}?limit=1&continue={token}")).Expect(410).Reason);
        cluster.Faults.GoneAsStatus = true;
        using var refused = await api.WatchAsync($"{Maps}?resourceVersion={made.Version}");
        Assert.Equal(410, refused.Code);
    }

    [Fact]
    public async Task History_has_a_limit()
    {
        var made = (await api.PostAsync(Maps, Map("a"))).Expect(201);
        for (var i = 0; i < 60; i++) cluster.Edit(MapA, "{\"data\":{\"x\":\"" + i + "\"}}");
        using var late = await api.WatchAsync($"{Maps}?resourceVersion={made.Version}");
        Assert.Equal("ERROR", (string?)(await late.NextAsync())!["type"]);
    }

    [Fact]
    public async Task Another_manager_edits_and_a_controller_writes_a_status()
    {
        (await api.ApplyAsync($"{Maps}/a", "one", Map("a"))).Expect(201);
        cluster.Edit(MapA, """{"data":{"x":"by hand"}}""", "kubectl-edit");
        Assert.Contains("kubectl-edit", (await api.ApplyAsync($"{Maps}/a", "one", Map("a"))).Expect(409).Message);
        Assert.Equal("by hand", (string?)cluster.Find(MapA)!["data"]!["x"]);
        cluster.Delete(MapA);
        Assert.Null(cluster.Find(MapA));
        cluster.Create(Deployment, "someone");
        var web = new ClusterObject("apps", "Deployment", "default", "web");
        Assert.True(cluster.MakeHealthy(web));
        Assert.Equal(2, (int?)cluster.Find(web)!["status"]!["readyReplicas"]);
        cluster.SetStatus(web, """{"replicas":2,"unavailableReplicas":2}""");
        Assert.Null(cluster.Find(web)!["status"]!["readyReplicas"]);
        Assert.Throws<KeyNotFoundException>(() => cluster.MakeHealthy(web with { Name = "no" }));
    }

    [Fact]
    public async Task With_controllers_workloads_become_ready_by_themselves()
    {
        cluster.RunsControllers = true;
        cluster.Create(Deployment, "someone");
        await api.UntilAsync("/apis/apps/v1/namespaces/default/deployments/web", answer => (int?)answer.At("status.readyReplicas") == 2);
    }

    [Fact]
    public async Task Only_known_tokens_and_certificates_come_in()
    {
        using var http = Kubeconfig.Connect(cluster.KubeconfigPath);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "wrong");
        using var stranger = new ClusterClient(http, "none", null);
        Assert.Equal("Unauthorized", (await stranger.GetAsync(Maps)).Expect(401).Reason);
        using var second = Kubeconfig.Connect(cluster.KubeconfigPath);
        var token = cluster.AddToken("agent");
        second.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var agent = new ClusterClient(second, "none", null);
        (await agent.GetAsync(Maps)).Expect(200);
        Assert.Equal("agent", cluster.Requests.All[^1].User);
        cluster.RevokeToken(token);
        (await agent.GetAsync(Maps)).Expect(401);
        await using var other = await ClusterDouble.StartAsync(new ClusterDoubleOptions { UsesClientCertificate = true });
        using var certified = new ClusterClient(Kubeconfig.Connect(other.KubeconfigPath), "none", null);
        (await certified.GetAsync(Maps)).Expect(200);
        Assert.Equal("admin", other.Requests.All[^1].User);
    }

    private const string Deployment = """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default"},"spec":{"replicas":2,
         "selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"a","image":"i:1"}]}}}}
        """;

    private static string Map(string name) => new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "ConfigMap",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["data"] = new JsonObject { ["x"] = "1" },
    }.ToJsonString();
}
