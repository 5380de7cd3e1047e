using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary sync</c>: look at the fleet repository now.</summary>
internal static class SyncCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var format = HubCall.FormatOption();
        var command = new Command("sync", "Have the hub look at the fleet repository now, and wait until it has dealt with what it "
            + "found.") { format };
        connection.AddTo(command);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var result = await hub.PostAsync("api/v1/sync", new { }, stop);
            HubCall.Show(parsed, parsed.GetValue(format), result, output =>
                output.WriteLine($"commit {HubCall.Short(result.Text("commit"))}, release {result.Text("release")}"));
            if (result.Text("problem") is { Length: > 0 } problem) throw new CommandException($"{problem}; see: capillary status");
        });
        return command;
    }
}
