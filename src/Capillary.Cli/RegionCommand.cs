using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary region</c>: regions as the hub sees them, and a region node on its own machine.</summary>
internal static class RegionCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var asking = (Command[])[List(connection), EnrollCommand.Create(connection, "region"),
            RotateKeyCommand.Create(connection, "region")];
        // The others work on the node's own folder and ask no hub.
        foreach (var command in asking) connection.AddTo(command);
        return new Command("region", "List regions, let a region node in, run one.")
        {
            Subcommands =
            {
                asking[0], asking[1], asking[2], RegionTechnicianCommands.Doctor(), RegionNodeCommands.Join(),
                RegionInstallCommands.Install(), RegionTechnicianCommands.Status(), RegionInstallCommands.Uninstall(),
                RegionNodeCommands.Run(),
            },
        };
    }

    private static Command List(HubConnection connection)
    {
        var format = HubCall.FormatOption();
        var command = new Command("list", "Show every region and the states of its sites.") { format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var regions = await hub.GetAsync("api/v1/regions", stop);
            HubCall.Show(parsed, parsed.GetValue(format), regions, output =>
                HubCall.WriteTable(output, ["REGION", "ENROLLED", "SITES", "STATES", "KEY"],
                regions.EnumerateArray().Select(region => (string[])
                [
                    region.Text("region"), region.Text("enrolled") == "True" ? "yes" : "no", region.Text("sites"),
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
}
