using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>capillary operator</c>: who may call the hub from elsewhere.</summary>
internal static class OperatorCommand
{
    public static Command Create()
    {
        var connection = new HubConnection();
        var command = new Command("operator", "Give people and programs access to the hub.") { Subcommands = { Add(connection) } };
        connection.AddTo(command);
        return command;
    }

    private static Command Add(HubConnection connection)
    {
        var name = new Argument<string>("NAME") { Description = "A DNS label." };
        var role = new Option<string>("--role") { Description = "viewer, operator, approver, auditor or admin.", Required = true };
        var format = HubCall.FormatOption();
        var command = new Command("add", "Add an operator, or give one a new role and token. The token is shown this once.") { name, role,
            format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var made = await hub.PostAsync("api/v1/operators", new { name = parsed.GetValue(name), role = parsed.GetValue(role) }, stop);
            HubCall.Show(parsed, parsed.GetValue(format), made, output => output.WriteLine(made.Text("token")));
        });
        return command;
    }
}
