using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary event</c>: what happened at the sites.</summary>
internal static class EventCommand
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var connection = new HubConnection();
        var command = new Command("event", "Show what happened at the sites.") { Subcommands = { List(connection) } };
        connection.AddTo(command);
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var site = new Option<string?>("--site") { Description = "Only events of this site." };
        var after = new Option<long?>("--after") { Description = "The 1,000 events after this id, instead of the newest 1,000." };
        var follow = new Option<bool>("--follow") { Description = "Go on with new events until stopped." };
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show events in the order the hub kept them; a 'dropped' one names lost numbers, and why.")
        {
            site, after, follow, format,
        };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var from = parsed.GetValue(after);
            while (true)
            {
                var events = await hub.GetAsync(Path(parsed.GetValue(site), from), stop);
                if (!parsed.GetValue(follow) || events.GetArrayLength() > 0)
                    HubCall.Show(parsed, parsed.GetValue(format), events, output => Write(output, events));
                if (!parsed.GetValue(follow)) return;
                from = events.EnumerateArray().Select(one => (long?)one.GetProperty("id").GetInt64()).LastOrDefault() ?? from ?? 0;
                await Task.Delay(LookEvery, stop);
            }
        });
        return command;
    }

    private static string Path(string? site, long? after)
    {
        string?[] parts = [site is null ? null : $"site={Uri.EscapeDataString(site)}", after is null ? null : $"after={after}"];
        return "api/v1/events?" + string.Join('&', parts.Where(part => part is not null));
    }

    private static void Write(TextWriter output, JsonElement events) =>
        HubCall.WriteTable(output, ["ID", "SITE", "NUMBER", "AT", "TYPE", "APP", "TEXT"],
        events.EnumerateArray().Select(one => (string[])
        [
            one.Text("id"), one.Text("site"), Numbers(one), HubCall.Time(one.Text("at")), one.Text("type"), one.Text("app"),
                one.Text("text"),
        ]));

    private static string Numbers(JsonElement one) =>
        one.Text("first") == one.Text("last") ? one.Text("first") : $"{one.Text("first")}-{one.Text("last")}";
}
