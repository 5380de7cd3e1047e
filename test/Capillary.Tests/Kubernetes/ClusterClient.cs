using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>An answer of an API server.</summary>
public sealed record ClusterAnswer(int Code, JsonNode? Body, string Text, IReadOnlyList<string> Warnings)
{
    public string? Reason => (string?)Body?["reason"];

    public string Message => (string?)Body?["message"] ?? Text;

    public string Uid => (string)Body!["metadata"]!["uid"]!;

    public string Version => (string)Body!["metadata"]!["resourceVersion"]!;

    /// <summary>The part at this JSON path of plain names.</summary>
    public JsonNode? At(string path) => path.Split('.').Aggregate(Body, (node, part) =>
        node is JsonArray list ? list[int.Parse(part)] : node?[part]);

    public ClusterAnswer Expect(int code)
    {
        Assert.True(Code == code, $"expected {code}, got {Code}: {Text}");
        return this;
    }
}

/// <summary>Plain HTTP to one API server, with a namespace of its own; what is asked and answered may be recorded.</summary>
public sealed class ClusterClient(HttpClient http, string suffix, ExchangeRecord? record) : IDisposable
{
    /// <summary>What makes names of this test unlike those of others.</summary>
    public string Suffix => suffix;

    public string Space => "conf-" + suffix;

    /// <summary>The URL of the configmaps in the test's namespace; the kind most tests use, as no controller touches it.</summary>
    public string ConfigMaps => $"/api/v1/namespaces/{Space}/configmaps";

    public string Deployments => $"/apis/apps/v1/namespaces/{Space}/deployments";

    public Task<ClusterAnswer> GetAsync(string path) => SendAsync("GET", path);

    public Task<ClusterAnswer> PostAsync(string path, string body) => SendAsync("POST", path, body, "application/json");

    public Task<ClusterAnswer> PutAsync(string path, string body) => SendAsync("PUT", path, body, "application/json");

    public Task<ClusterAnswer> MergeAsync(string path, string body) => SendAsync("PATCH", path, body, "application/merge-patch+json");

    public Task<ClusterAnswer> DeleteAsync(string path, string? body = null) => SendAsync("DELETE", path, body, "application/json");

    /// <summary>Deletes what a case leaves behind; no part of the case.</summary>
    public Task CleanAsync(string path) => ExchangeAsync("DELETE", path, null, "application/json");

    /// <summary>Server-side apply.</summary>
    public Task<ClusterAnswer> ApplyAsync(string path, string manager, string body, bool force = false, string more = "") =>
        SendAsync("PATCH", $"{path}?fieldManager={manager}&force={(force ? "true" : "false")}{more}", body, "application/apply-patch+yaml");

    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="body">JSON, with ' for ".</param>
    /// <param name="type">Content type of the body.</param>
    public async Task<ClusterAnswer> SendAsync(string method, string path, string? body = null, string type = "application/json")
    {
        body = body?.Replace('\'', '"');
        var answer = await ExchangeAsync(method, path, body, type);
        record?.Add(method, path, body, type, answer, isUntil: false);
        return answer;
    }

    /// <summary>Asks again until it holds, for 30 s at most.</summary>
    /// <param name="path">What to get.</param>
    /// <param name="holds">Whether the answer is the one.</param>
    /// <param name="recorded">No other writer may change the answer soon after.</param>
    public async Task<ClusterAnswer> UntilAsync(string path, Func<ClusterAnswer, bool> holds, bool recorded = true)
    {
        var deadline = DateTimeOffset.UtcNow.AddSeconds(30);
        while (true)
        {
            var answer = await ExchangeAsync("GET", path, null, "application/json");
            if (holds(answer))
            {
                if (recorded) record?.Add("GET", path, null, "application/json", answer, isUntil: true);
                return answer;
            }
            Assert.True(DateTimeOffset.UtcNow < deadline, $"{path} did not come to it in 30 s: {answer.Code} {answer.Text}");
            await Task.Delay(20);
        }
    }

    /// <summary>Opens a watch; it ends by itself after 60 s.</summary>
    public async Task<ClusterWatch> WatchAsync(string path)
    {
        var number = record?.AddWatch(path);
        var url = $"{path}{(path.Contains('?') ? '&' : '?')}watch=true{(path.Contains("timeoutSeconds") ? "" : "&timeoutSeconds=60")}";
        var response = await http.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), HttpCompletionOption.ResponseHeadersRead);
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        return new ClusterWatch(response, reader, found => record?.AddEvent(number!.Value, found));
    }

    public void Dispose() => http.Dispose();

    private async Task<ClusterAnswer> ExchangeAsync(string method, string path, string? body, string type)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var warnings = response.Headers.TryGetValues("Warning", out var found) ? found.ToList() : [];
        var isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
        return new ClusterAnswer((int)response.StatusCode, isJson ? JsonNode.Parse(text) : null, text, warnings);
    }
}

/// <summary>One open watch.</summary>
public sealed class ClusterWatch(HttpResponseMessage response, StreamReader reader, Action<JsonNode> seen) : IDisposable
{
    public int Code => (int)response.StatusCode;

    /// <summary>The next event that is no bookmark, within 30 s; null when the watch ended.</summary>
    public async Task<JsonNode?> NextAsync()
    {
        while (await AnyAsync() is { } next)
        {
            if ((string?)next["type"] == "BOOKMARK") continue;
            seen(next);
            return next;
        }
        return null;
    }

    /// <summary>The next event, be it a bookmark.</summary>
    public async Task<JsonNode?> AnyAsync()
    {
        var line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return line is null ? null : JsonNode.Parse(line);
    }

    /// <summary>Expects an event of this type for the object of this name.</summary>
    public async Task<JsonNode> ExpectAsync(string type, string name)
    {
        var next = await NextAsync();
        Assert.True(next is not null, $"the watch ended before {type} {name}");
        Assert.Equal((type, name), ((string?)next["type"], (string?)next["object"]!["metadata"]!["name"]));
        return next["object"]!;
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
