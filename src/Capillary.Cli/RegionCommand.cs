using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary><c>capillary region</c>: regions as the hub sees them, and (join, run) a region node on its own machine.</summary>
internal static class RegionCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var (list, enroll) = (List(connection), EnrollCommand.Create(connection, "region"));
        // Join and run work on the node's own folder and ask no hub.
        connection.AddTo(list);
        connection.AddTo(enroll);
        Command[] answers = [LifeCommands.Approve(connection, "region"), LifeCommands.Deny(connection, "region"),
            LifeCommands.Revoke(connection, "region")];
        foreach (var answer in answers) connection.AddTo(answer);
        return new Command("region", "List regions, let a region node in, revoke one, run one.")
        {
            Subcommands = { list, enroll, answers[0], answers[1], answers[2], RegionNodeCommands.Join(), RegionNodeCommands.Run() },
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
                HubCall.WriteTable(output, ["REGION", "ENROLLED", "LINK", "SITES", "STATES"],
                regions.EnumerateArray().Select(region => (string[])
                [
                    region.Text("region"), region.Text("enrolled") == "True" ? "yes" : "no", Link(region), region.Text("sites"),
                    StatusCommand.States(region.GetProperty("states")),
                ])));
        });
        return command;
    }

    private static string Link(JsonElement region) => region.Text("linkSince") is { Length: > 0 } since
        ? $"{(region.Text("linked") == "True" ? "since" : "none since")} {HubCall.Time(since)}"
        : "";
}
