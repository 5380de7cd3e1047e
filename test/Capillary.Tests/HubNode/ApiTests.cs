using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Capillary.Core.Reports;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>The API over its real sockets.</summary>
public sealed class ApiTests : IAsyncLifetime
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(1));
    private TestHub hub = null!;
    private Task running = Task.CompletedTask;
    private HttpClient local = null!;
    private IPEndPoint remote = null!;

    public async Task InitializeAsync()
    {
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits, null, options =>
            options with { ApiListen = new IPEndPoint(IPAddress.Loopback, 0), PollEvery = TimeSpan.FromHours(1), Advertise = [] });
        await hub.SettleAsync();
        running = hub.Hub.RunAsync(stop.Token);
        remote = (await hub.Hub.ApiListening.WaitAsync(stop.Token))!;
        local = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(folder.Of("api.sock")), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        }) { BaseAddress = new Uri("http://hub") };
    }

    [Fact]
    public async Task Its_json_is_stable()
    {
        using var key = hub.Enroll("a");
        var record = hub.Hub.Cell.Value.Records.Values.Single().Record;
        var line = hub.Hub.Cell.Value.Lines[new("a")];
        var report = new Report(1, hub.Hub.Fleet, new("a"), record.Version, 1, hub.Time.Now, 1, 1,
            Capillary.Core.Bundles.Digest.Of(line.Line.Leaf),
            line.Assignment.Bundle, 1, ReportPhase.Healthy, [new(new("app"), true)],
                [new("ClockWrong", Severity.Warning, "the clock is 3 h behind")], "test/1");
        Assert.Null(await hub.Hub.Sites.TakeAsync(key.Sign(Capillary.Core.Trust.PayloadTypes.Report, report.ToPayload()), record,
            stop.Token));
        commits.Break("c2");
        await hub.Hub.Commits.SyncAsync(stop.Token);
        hub.Hub.Rollout.Step();
        var text = new StringBuilder();
        foreach (var path in (string[])["sites", "sites/a", "releases", "releases/1", "status", "regions"])
        {
            var answer = await local.GetFromJsonElementAsync($"/api/v1/{path}", stop.Token);
            text.Append($"GET /api/v1/{path}\n{JsonSerializer.Serialize(answer, Indented)}\n\n");
        }
        Golden(text.Replace(record.IdentityKey.Id, "KEY").ToString(), "api.golden.txt");
    }

    [Fact]
    public async Task The_socket_is_the_local_admins_alone()
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(folder.Of("api.sock")) & (UnixFileMode)0x1ff);
        Assert.Equal(HttpStatusCode.OK, (await local.GetAsync("/api/v1/journal", stop.Token)).StatusCode);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(folder.Of("hub.db")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(folder.Of("keys/release.pem")));
    }

    [Theory]
    [InlineData("viewer", "GET", "/api/v1/sites", 200)]
    [InlineData("viewer", "GET", "/metrics", 200)]
    [InlineData("viewer", "POST", "/api/v1/sites/a/enroll", 403)]
    [InlineData("viewer", "GET", "/api/v1/journal", 403)]
    [InlineData("operator", "POST", "/api/v1/sites/a/enroll", 200)]
    [InlineData("operator", "POST", "/api/v1/sync", 200)]
    [InlineData("operator", "POST", "/api/v1/operators", 403)]
    [InlineData("approver", "POST", "/api/v1/regions/eu/enroll", 403)]
    [InlineData("auditor", "GET", "/api/v1/journal", 200)]
    [InlineData("auditor", "POST", "/api/v1/sync", 403)]
    [InlineData("admin", "GET", "/api/v1/journal", 200)]
    [InlineData("operator", "POST", "/api/v1/sites/a/retire", 409)]
    [InlineData("viewer", "POST", "/api/v1/sites/a/retry", 403)]
    [InlineData("operator", "POST", "/api/v1/sites/a/retry", 409)]
    [InlineData("viewer", "POST", "/api/v1/sites/a/confirm-prune", 403)]
    [InlineData("operator", "POST", "/api/v1/sites/a/confirm-prune", 409)]
    [InlineData("viewer", "POST", "/api/v1/sites/a/override-hold", 403)]
    [InlineData("approver", "POST", "/api/v1/sites/a/override-hold", 403)]
    [InlineData("operator", "POST", "/api/v1/sites/a/override-hold", 400)]
    [InlineData("operator", "POST", "/api/v1/sites/a/approve", 403)]
    [InlineData("approver", "POST", "/api/v1/sites/a/approve", 409)]
    [InlineData("approver", "POST", "/api/v1/sites/a/revoke", 403)]
    [InlineData("operator", "POST", "/api/v1/hub/resume", 403)]
    [InlineData("viewer", "POST", "/api/v1/rollout/preview", 400)]
    [InlineData("viewer", "POST", "/api/v1/rollout/start", 403)]
    [InlineData("admin", "POST", "/api/v1/hub/resume", 409)]
    public async Task A_role_allows_what_it_says(string role, string method, string path, int status)
    {
        using var client = Remote(await TokenAsync(role));
        using var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), stop.Token);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task Nobody_else_gets_in(string? token)
    {
        using var client = Remote(token);
        using var answer = await client.GetAsync("/api/v1/sites", stop.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Every_change_is_journalled_with_who_made_it()
    {
        using var client = Remote(await TokenAsync("operator"));
        await client.PostAsync("/api/v1/sites/b/enroll", null, stop.Token);
        var page = await local.GetFromJsonElementAsync("/api/v1/journal", stop.Token);
        Assert.True(page.GetProperty("intact").GetBoolean());
        var newest = page.GetProperty("entries")[0];
        Assert.Equal(("the-operator", "joincode.make"),
            (newest.GetProperty("actor").GetString(), newest.GetProperty("action").GetString()));
        Assert.DoesNotContain("token", page.GetRawText(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/api/v1/sites/b/enroll")]
    [InlineData("/api/v1/sites/b/replace")]
    public async Task A_join_file_without_an_address_spends_no_code(string path)
    {
        var before = await local.GetFromJsonElementAsync("/api/v1/journal", stop.Token);
        var wish = new StringContent("""{"needsParents":true,"now":true}""", Encoding.UTF8, "application/json");
        using var answer = await local.PostAsync(path, wish, stop.Token);
        Assert.Equal(409, (int)answer.StatusCode);
        Assert.Contains("no-address", await answer.Content.ReadAsStringAsync(stop.Token), StringComparison.Ordinal);
        var after = await local.GetFromJsonElementAsync("/api/v1/journal", stop.Token);
        Assert.Equal(before.GetRawText(), after.GetRawText());
    }

    [Theory]
    [InlineData("GET", "/api/v1/sites/nowhere", null, 404)]
    [InlineData("GET", "/api/v1/releases/99999999999999999999", null, 404)]
    [InlineData("GET", "/api/v1/nothing", null, 404)]
    [InlineData("DELETE", "/api/v1/sites", null, 405)]
    [InlineData("POST", "/api/v1/operators", "{", 400)]
    [InlineData("POST", "/api/v1/operators", """{"name":"x","role":"king"}""", 400)]
    [InlineData("POST", "/api/v1/sites/nowhere/enroll", "{}", 409)]
    [InlineData("POST", "/api/v1/sites/UPPER/enroll", "{}", 400)]
    [InlineData("GET", "/api/v1/journal?before=x", null, 400)]
    [InlineData("POST", "/api/v1/sites/a/revoke", "{}", 400)]
    [InlineData("POST", "/api/v1/sites/a/override-hold", "{}", 400)]
    [InlineData("POST", "/api/v1/sites/a/override-hold", """{"reason":"why"}""", 409)]
    [InlineData("POST", "/api/v1/sites/nowhere/override-hold", """{"reason":"why"}""", 404)]
    [InlineData("POST", "/api/v1/sites/a/move", """{"region":"NO"}""", 400)]
    [InlineData("POST", "/api/v1/sites/nowhere/retire", "{}", 404)]
    [InlineData("POST", "/api/v1/regions/eu/approve", """{"key":"g"}""", 400)]
    public async Task Promise8_Bad_input_gets_a_clear_error(string method, string path, string? body, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await local.SendAsync(request, stop.Token);
        Assert.Equal(status, (int)answer.StatusCode);
        var problem = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(stop.Token));
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post,
            "/api/v1/operators") { Content = new StringContent(new string(' ', 100_000)) };
        // Asked first, the hub refuses before it reads a byte; else the client may find the connection closed while it still writes.
        request.Headers.ExpectContinue = true;
        using var answer = await local.SendAsync(request, stop.Token);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Its_metrics_count_sites()
    {
        var text = await local.GetStringAsync("/metrics", stop.Token);
        Assert.Contains("capillary_sites{state=\"pending\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("capillary_generation 1\n", text, StringComparison.Ordinal);
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private async Task<string> TokenAsync(string role)
    {
        using var answer = await local.PostAsync("/api/v1/operators",
            new StringContent($$"""{"name":"the-{{role}}","role":"{{role}}"}""", Encoding.UTF8, "application/json"), stop.Token);
        var made = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(stop.Token));
        return made.GetProperty("token").GetString()!;
    }

    private HttpClient Remote(string? token)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            Capillary.Node.Keys.SigningKey.KeyOf(certificate)?.Id == hub.Hub.ApiPin;
        var client = new HttpClient(handler) { BaseAddress = new Uri($"https://{remote}") };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static void Golden(string actual, string file, [CallerFilePath] string here = "") =>
        GoldenFile.CheckText(Path.Combine(Path.GetDirectoryName(here)!, file), actual);

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        local.Dispose();
        hub.Dispose();
        folder.Dispose();
        stop.Dispose();
    }
}

internal static class HttpJson
{
    public static async Task<JsonElement> GetFromJsonElementAsync(this HttpClient client, string path, CancellationToken stop) =>
        JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync(path, stop));
}
