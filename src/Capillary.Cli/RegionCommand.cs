using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary region</c>: regions as the hub sees them, and a region node on its own machine.</summary>
internal static class RegionCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var asking = (Command[])[List(connection), EnrollCommand.Create(connection, "region"),
            LifeCommands.Approve(connection, "region"), LifeCommands.Deny(connection, "region"),
            LifeCommands.Revoke(connection, "region"), RotateKeyCommand.Create(connection, "region")];
        // The others work on the node's own folder and ask no hub.
        foreach (var asked in asking) connection.AddTo(asked);
        var command = new Command("region", "List regions, let a region node in, revoke one, run one.");
        Command[] here = [RegionTechnicianCommands.Doctor(), RegionNodeCommands.Join(), RegionInstallCommands.Install(),
            RegionTechnicianCommands.Status(), RegionInstallCommands.Uninstall(), RegionNodeCommands.Run()];
        foreach (var one in asking.Concat(here)) command.Subcommands.Add(one);
        return command;
    }

    private static Command List(HubConnection connection)
    {
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show every region and the states of its sites.") { format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var regions = await hub.GetAsync("api/v1/regions", stop);
            HubCall.Show(parsed, parsed.GetValue(format), regions, output =>
                HubCall.WriteTable(output, ["REGION", "ENROLLED", "LINK", "SITES", "STATES", "KEY"],
                regions.EnumerateArray().Select(region => (string[])
                [
                    region.Text("region"), region.Text("enrolled") == "True" ? "yes" : "no", Link(region), region.Text("sites"),
                    StatusCommand.States(region.GetProperty("states")), Key(region),
                ])));
        });
        return command;
    }

    private static string Key(System.Text.Json.JsonElement region)
    {
        if (!region.TryGetProperty("key", out var key) || key.ValueKind != System.Text.Json.JsonValueKind.Object) return "";
        return RotateKeyCommand.Show(key) + (key.GetProperty("copies").GetArrayLength() > 0 ? ", KEY COPIED" : "");
    }

    private static string Link(JsonElement region) => region.Text("linkSince") is { Length: > 0 } since
        ? $"{(region.Text("linked") == "True" ? "since" : "none since")} {HubCall.Time(since)}"
        : "";
}
