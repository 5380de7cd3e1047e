using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary journal</c>: who changed what.</summary>
internal static class JournalCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var command = new Command("journal", "Show who changed what.") { Subcommands = { List(connection) } };
        connection.AddTo(command);
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var before = new Option<long?>("--before") { Description = "Only entries older than this number." };
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show the newest 1,000 entries, and whether the hash chain holds.") { before, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var page = await hub.GetAsync(parsed.GetValue(before) is { } number ? $"api/v1/journal?before={number}" : "api/v1/journal",
                stop);
            HubCall.Show(parsed, parsed.GetValue(format), page, output => Write(output, page));
            if (!page.GetProperty("intact").GetBoolean())
                throw new CommandException($"the journal was changed: entry {page.Text("firstBroken")} does not follow from the one "
                    + "before; compare with a backup");
        });
        return command;
    }

    private static void Write(TextWriter output, JsonElement page) =>
        HubCall.WriteTable(output, ["ENTRY", "AT", "ACTOR", "ACTION", "BEFORE", "AFTER"],
        page.GetProperty("entries").EnumerateArray().Select(entry => (string[])
        [
            entry.Text("seq"), entry.Text("at"), entry.Text("actor"), entry.Text("action"), entry.Text("before"), entry.Text("after"),
        ]));
}
