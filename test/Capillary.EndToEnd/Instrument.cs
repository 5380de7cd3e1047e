using System.Diagnostics;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>A laboratory instrument: speaks to a site's gateway, and reads what the site kept.</summary>
internal static class Instrument
{
    /// <summary>Sends a sample message and waits until the site keeps it.</summary>
    public static async Task<(string Sample, string Sender)> SendAsync(RunningFleet fleet, DemoSite site, CancellationToken stop)
    {
        var samples = Path.Combine(fleet.Binaries.Repository, "workloads", "InstrumentGateway", "samples");
        var sample = Directory.EnumerateFiles(samples, "*.hl7").Order(StringComparer.Ordinal).First();
        var message = Path.Combine(fleet.Folder, "message.hl7");
        var sender = SenderOf(fleet, site);
        await File.WriteAllTextAsync(message, WithSender(await File.ReadAllTextAsync(sample, stop), sender), stop);
        var before = await ResultsAsync(site, stop);
        await NodeProcess.RunAsync(fleet.Binaries.Gateway, ["send", "--to", $"127.0.0.1:{site.MllpPort}", message], stop);
        await fleet.WaitAsync($"the message to be stored at {site.Name}", async () => await ResultsAsync(site, stop) > before,
            TimeSpan.FromSeconds(10), stop);
        return (Path.GetFileName(sample), sender);
    }

    /// <summary>How many results the site's gateway shows.</summary>
    public static async Task<int> ResultsAsync(DemoSite site, CancellationToken stop)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var answer = await client.GetByteArrayAsync($"http://127.0.0.1:{site.HttpPort}/api/results?limit=500", stop);
        using var json = JsonDocument.Parse(answer);
        var root = json.RootElement;
        return root.ValueKind == JsonValueKind.Array ? root.GetArrayLength() : root.GetProperty("results").GetArrayLength();
    }

    /// <summary>Whether the site's gateway answers and is well.</summary>
    public static async Task<bool> IsWellAsync(DemoSite site, CancellationToken stop)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        try
        {
            using var answer = await client.GetAsync($"http://127.0.0.1:{site.HttpPort}/healthz", stop);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return false;
        }
    }

    private static string SenderOf(RunningFleet fleet, DemoSite site)
    {
        var lines = File.ReadLines(Path.Combine(fleet.Repository.Folder, site.File));
        var line = lines.FirstOrDefault(text => text.Contains("instruments:", StringComparison.Ordinal)) ?? "";
        return line[(line.IndexOf('"', StringComparison.Ordinal) + 1)..].TrimEnd('"').Split(',')[0];
    }

    /// <summary>The sample with another sending application (MSH-3) and a control id of its own (MSH-10).</summary>
    private static string WithSender(string message, string sender)
    {
        var lines = message.ReplaceLineEndings("\n").Split('\n');
        var fields = lines[0].Split('|');
        (fields[2], fields[9]) = (sender, $"DEMO{Stopwatch.GetTimestamp()}");
        lines[0] = string.Join('|', fields);
        return string.Join('\n', lines);
    }
}
