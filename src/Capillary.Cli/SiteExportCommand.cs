using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Capillary.Node.Carry;

namespace Capillary.Cli;

/// <summary><c>capillary site export NAME --to DIR</c>: what a site without a link needs, on a stick.</summary>
internal static class SiteExportCommand
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(2);

    public static Command Create(HubConnection connection)
    {
        var name = new Argument<string>("SITE") { Description = "The site's name." };
        var to = new Option<string>("--to") { Description = "A folder, such as a mounted stick; a folder SITE-GENERATION is made in it.",
            Required = true, HelpName = "dir" };
        var full = new Option<bool>("--full") { Description = "Also send what the site's last report or receipt says it has." };
        var format = HubCall.FormatOption();
        var command = new Command("export", "Write all that a site needs for its newest line into a folder, sealed to the site.")
        {
            name, to, full, format,
        };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var folder = parsed.GetValue(to)!;
            if (!Directory.Exists(folder)) throw new CommandException($"{folder}: no such folder; is the stick mounted?");
            var site = parsed.GetValue(name)!;
            var path = $"api/v1/sites/{Uri.EscapeDataString(site)}/export{(parsed.GetValue(full) ? "?full=true" : "")}";
            var carry = await WriteAsync(hub, path, folder, parsed.InvocationConfiguration.Error, stop);
            var plan = carry.Plan;
            var shown = JsonSerializer.SerializeToElement(new
            {
                fleet = plan.Fleet.Value, site = plan.Site.Value, generation = plan.Generation, path = carry.Path, bytes = plan.Bytes,
                blobs = plan.Blobs, skippedBlobs = plan.SkippedBlobs,
            });
            HubCall.Show(parsed, parsed.GetValue(format), shown, output => Tell(output, carry));
        });
        return command;
    }

    private static async Task<WrittenCarry> WriteAsync(HubClient hub, string path, string folder, TextWriter progress,
        CancellationToken stop)
    {
        try
        {
            var total = 0L;
            var told = Stopwatch.StartNew();
            return await hub.ReadAsync(path, (body, token) =>
                new CarryWriter(folder).WriteAsync(body, plan => total = plan.Bytes, Count, token), stop);

            void Count(long written)
            {
                if (told.Elapsed < TellEvery) return;
                told.Restart();
                progress.WriteLine($"{Size(written)} of {Size(total)} written");
            }
        }
        catch (Exception e) when (e is InvalidDataException or UnauthorizedAccessException
            || (e is IOException and not HttpIOException))
        {
            throw new CommandException($"{folder}: {e.Message.Replace($"{folder}: ", "", StringComparison.Ordinal)}");
        }
    }

    private static void Tell(TextWriter output, WrittenCarry carry)
    {
        var plan = carry.Plan;
        var skipped = plan.SkippedBlobs == 0 ? "" : $"; {plan.SkippedBlobs} blobs that the site has were left out (--full sends them)";
        output.WriteLine($"{carry.Path}: generation {plan.Generation} for {plan.Site}, {plan.Blobs} blobs, {Size(plan.Bytes)}{skipped}");
        output.WriteLine($"at the site: capillary-edge import DIR --wait   (DIR: where the stick is mounted there)");
        output.WriteLine("back here:   capillary site receive DIR");
    }

    private static string Size(long bytes) => bytes < 10 << 20 ? $"{(bytes + 1023) >> 10} KiB" : $"{bytes >> 20} MiB";
}
