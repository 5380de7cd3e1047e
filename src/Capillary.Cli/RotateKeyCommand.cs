using System.CommandLine;

namespace Capillary.Cli;

/// <summary><c>rotate-key</c> of sites, regions and the hub.</summary>
internal static class RotateKeyCommand
{
    /// <summary>Asks a site or region for a new identity key.</summary>
    public static Command Create(HubConnection connection, string kind)
    {
        var name = new Argument<string>("NAME") { Description = $"The {kind}'s name." };
        var command = new Command("rotate-key", $"Ask a {kind} for a new identity key; it answers when it has a link.") { name };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var node = parsed.GetValue(name)!;
            var asked = await hub.PostAsync($"api/v1/{kind}s/{Uri.EscapeDataString(node)}/rotate-key", new { }, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"{node} is asked for a new key since {HubCall.Time(asked.Text("askedSince"))}; see: capillary {kind} "
                + (kind == "site" ? $"show {node}" : "list"));
        });
        return command;
    }

    /// <summary>Replaces the hub's own identity key.</summary>
    public static Command OfHub()
    {
        var connection = new HubConnection();
        var revoke = new Option<bool>("--revoke-old")
        {
            Description = "Somebody else may have the old key: no node takes it for the hub any more. Make a new backup of the hub then.",
        };
        var command = new Command("rotate-key", "Give the hub a new identity key; its children prove it when they dial again.") { revoke };
        connection.AddTo(command);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var done = await hub.PostAsync("api/v1/hub/rotate-key", new { revokeOld = parsed.GetValue(revoke) }, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"the hub's key is {done.Text("key")} now");
        });
        return command;
    }

    /// <summary>A node's key for a person: its id, its age, what is under way.</summary>
    public static string Show(System.Text.Json.JsonElement key)
    {
        var text = $"{HubCall.Short(key.Text("id"))}, {HubCall.Age(key.Text("ageSeconds"))} old";
        var asked = HubCall.Time(key.Text("successionSince"));
        return asked.Length == 0 ? text : $"{text}, a new one asked for since {asked}";
    }
}
