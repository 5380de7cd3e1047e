using System.CommandLine;
using System.Text.Json;
using Capillary.Node.Carry;

namespace Capillary.Cli;

/// <summary><c>capillary site receive DIR</c>: what sites sent back on a stick.</summary>
internal static class SiteReceiveCommand
{
    private const int MostFiles = 10_000;

    public static Command Create(HubConnection connection)
    {
        var folder = new Argument<string>("DIR") { Description = "The stick, or a carry's folder on it: where 'receipts' is." };
        var format = HubCall.FormatOption();
        var command = new Command("receive", "Take in the receipts that sites left on a stick.") { folder, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var results = new List<JsonElement>();
            foreach (var file in FilesIn(parsed.GetValue(folder)!)) results.Add(await ReceiveAsync(hub, file, stop));
            var all = JsonSerializer.SerializeToElement(results);
            HubCall.Show(parsed, parsed.GetValue(format), all, output => HubCall.WriteTable(output,
                ["SITE", "RESULT", "SAID", "GENERATION", "AT", "REASON"], results.Select(result => (string[])
                [
                    result.Text("site"), result.Text("result"), result.Text("phase"), result.Text("generation"),
                    HubCall.Time(result.Text("reportedAt")), result.Text("reason"),
                ])));
            if (results.Count(result => result.Text("result") == "refused") is > 0 and var refused)
                throw new CommandException($"{refused} of {results.Count} receipts were refused");
        });
        return command;
    }

    private static List<string> FilesIn(string folder)
    {
        if (!Directory.Exists(folder)) throw new CommandException($"{folder}: no such folder; is the stick mounted?");
        try
        {
            var files = Directory.EnumerateDirectories(folder).Prepend(folder)
                .Select(place => Path.Combine(place, Receipt.FolderName))
                .Concat(Path.GetFileName(Path.GetFullPath(folder).TrimEnd('/')) == Receipt.FolderName ? [folder] : [])
                .Where(Directory.Exists).SelectMany(place => Directory.EnumerateFiles(place, "*.json"))
                .Distinct().Take(MostFiles).Order(StringComparer.Ordinal).ToList();
            return files.Count > 0 ? files : throw new CommandException($"{folder}: holds no receipts; at the site, write them with: "
                + "capillary-edge receipts DIR");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{folder}: {e.Message}");
        }
    }

    private static async Task<JsonElement> ReceiveAsync(HubClient hub, string file, CancellationToken stop)
    {
        try
        {
            if (new FileInfo(file).Length > Receipt.MaxBytes) throw new InvalidDataException($"is longer than {Receipt.MaxBytes} bytes");
            var bytes = await File.ReadAllBytesAsync(file, stop);
            Receipt.Parse(bytes, "it");
            return await hub.PostFileAsync("api/v1/receipts", bytes, stop);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            // One damaged file does not keep the others from being taken in.
            return JsonSerializer.SerializeToElement(new { site = Path.GetFileNameWithoutExtension(file), result = "refused",
                reason = $"{file}: {e.Message}" });
        }
    }
}
