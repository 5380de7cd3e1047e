using System.Net.Sockets;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>One line of `site list -o json`.</summary>
internal sealed record SiteRow(string Site, string Region, string State, string? Bundle, string? Commit, string? DesiredBundle, string? DesiredCommit,
    double? AgeSeconds)
{
    /// <summary>Runs what it should and is well.</summary>
    public bool IsSettled => State == "healthy" && Bundle is not null && Bundle == DesiredBundle;
}

/// <summary>The hub's API over its local socket, as the CLI uses it.</summary>
internal sealed class HubApi(string socket) : IDisposable
{
    private readonly HttpClient client = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://hub"), Timeout = TimeSpan.FromSeconds(10) };

    public async Task<JsonElement> GetAsync(string path, CancellationToken stop)
    {
        using var response = await client.GetAsync($"/api/v1/{path}", stop);
        response.EnsureSuccessStatusCode();
        using var json = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(stop), cancellationToken: stop);
        return json.RootElement.Clone();
    }

    public async Task<IReadOnlyList<SiteRow>> SitesAsync(CancellationToken stop) => [.. (await GetAsync("sites", stop)).EnumerateArray().Select(Row)];

    public void Dispose() => client.Dispose();

    private static SiteRow Row(JsonElement site)
    {
        var desired = site.TryGetProperty("desired", out var value) && value.ValueKind == JsonValueKind.Object ? value : default;
        return new SiteRow(Text(site, "site")!, Text(site, "region") ?? "", Text(site, "state")!, Text(site, "bundle"), Text(site, "commit"),
            Text(desired, "bundle"), Text(desired, "commit"),
            site.TryGetProperty("ageSeconds", out var age) && age.ValueKind == JsonValueKind.Number ? age.GetDouble() : null);
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
