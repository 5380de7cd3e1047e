using System.Text.Json;

namespace Capillary.EndToEnd.Network;

/// <summary>Reads the last signed report of every site over and over: numbers are not used twice, and nothing goes back.</summary>
internal sealed class ReportWatch(RunningFleet fleet)
{
    private readonly Dictionary<(string Site, long Seq), string> reports = [];
    private readonly Dictionary<string, (long Seq, long Generation, long Since)> last = [];
    private readonly Dictionary<string, long> hubSince = [];

    /// <summary>Different reports seen.</summary>
    public int Count => reports.Count;

    /// <summary>Watches until <paramref name="stop"/>; what it found wrong, empty when nothing.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken stop)
    {
        var problems = new List<string>();
        while (!stop.IsCancellationRequested && problems.Count == 0)
        {
            foreach (var site in fleet.Repository.Sites) problems.AddRange(Look(site.Name));
            foreach (var row in (await fleet.Api.GetAsync("sites", CancellationToken.None)).EnumerateArray()) problems.AddRange(LookAtHub(row));
            await Task.WhenAny(Task.Delay(100, stop));
        }
        return problems;
    }

    /// <summary>What the hub knows of a site does not go back either.</summary>
    private IEnumerable<string> LookAtHub(JsonElement row)
    {
        if (row.GetProperty("since").ValueKind != JsonValueKind.Number) yield break;
        var (site, since) = (row.GetProperty("site").GetString()!, row.GetProperty("since").GetInt64());
        if (since < hubSince.GetValueOrDefault(site)) yield return $"the hub's knowledge of {site} went back from since {hubSince[site]} to {since}";
        hubSince[site] = since;
    }

    private IEnumerable<string> Look(string site)
    {
        var file = Path.Combine(fleet.HomeOf(site), "report.json");
        if (!File.Exists(file)) yield break;
        using var envelope = JsonDocument.Parse(File.ReadAllBytes(file));
        var payload = envelope.RootElement.GetProperty("payload").GetString()!;
        using var report = JsonDocument.Parse(Convert.FromBase64String(payload));
        var now = (Seq: Number("seq"), Generation: Number("generation"), Since: Number("since"));
        if (!reports.TryAdd((site, now.Seq), payload) && reports[(site, now.Seq)] != payload) yield return $"{site} used report number {now.Seq} twice";
        var before = last.GetValueOrDefault(site);
        if (now.Seq < before.Seq || now.Generation < before.Generation || now.Since < before.Since)
            yield return $"{site} went back from {before} to {now}";
        last[site] = now;

        long Number(string name) => report.RootElement.GetProperty(name).GetInt64();
    }
}
