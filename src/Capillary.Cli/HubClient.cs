using System.Net.Http.Json;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary>What went wrong, in one line with what to do next.</summary>
internal sealed class CommandException(string message, int code = ExitCode.Failed) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>Calls the hub's API; a problem of the hub becomes a <see cref="CommandException"/>.</summary>
internal sealed class HubClient(HttpClient http, string unreachable) : IDisposable
{
    public Task<JsonElement> GetAsync(string path, CancellationToken stop) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path), stop);

    public Task<JsonElement> PostAsync<T>(string path, T body, CancellationToken stop) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post,
            path) { Content = JsonContent.Create(body, options: JsonSerializerOptions.Web) }, stop);

    /// <summary>Posts a file as it is.</summary>
    public Task<JsonElement> PostFileAsync(string path, byte[] json, CancellationToken stop)
    {
        var content = new ByteArrayContent(json);
        content.Headers.ContentType = new("application/json");
        return SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = content }, stop);
    }

    /// <summary>Reads an answer of any length as it comes.</summary>
    public async Task<T> ReadAsync<T>(string path, Func<Stream, CancellationToken, Task<T>> read, CancellationToken stop)
    {
        try
        {
            using var response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, stop);
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            if (response.IsSuccessStatusCode) return await read(body, stop);
            throw new CommandException(Explain(await JsonSerializer.DeserializeAsync<JsonElement>(body, JsonSerializerOptions.Web, stop),
                (int)response.StatusCode));
        }
        catch (HttpRequestException)
        {
            throw new CommandException(unreachable);
        }
        catch (JsonException e)
        {
            throw new CommandException($"the answer is not from a Capillary hub: {e.Message}");
        }
        catch (HttpIOException)
        {
            throw new CommandException("the hub's answer was cut; try again");
        }
        catch (TaskCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new CommandException("the hub did not answer in time; see its log");
        }
    }

    private async Task<JsonElement> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var _ = request;
        try
        {
            using var response = await http.SendAsync(request, stop);
            var body = await response.Content.ReadAsByteArrayAsync(stop);
            var json = body.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(body);
            if (response.IsSuccessStatusCode) return json;
            throw new CommandException(Explain(json, (int)response.StatusCode));
        }
        catch (HttpRequestException)
        {
            throw new CommandException(unreachable);
        }
        catch (JsonException e)
        {
            throw new CommandException($"the answer is not from a Capillary hub: {e.Message}");
        }
        catch (TaskCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new CommandException("the hub did not answer in time; see its log");
        }
    }

    private static string Explain(JsonElement problem, int status)
    {
        if (problem.ValueKind != JsonValueKind.Object || !problem.TryGetProperty("detail",
            out var detail)) return $"the hub answered {status}";
        return problem.TryGetProperty("hint", out var hint) && hint.ValueKind == JsonValueKind.String ? $"{detail}; {hint}" : $"{detail}";
    }

    public void Dispose() => http.Dispose();
}
