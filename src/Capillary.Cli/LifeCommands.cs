using System.CommandLine;

namespace Capillary.Cli;

/// <summary>The life of sites and regions beside the commits: approve, deny, revoke, retire, retry, move.</summary>
internal static class LifeCommands
{
    private const int ShownDigits = 16;

    public static Command Approve(HubConnection connection, string kind) => Answer(connection, kind, "approve",
        $"Let in a {kind} that proved its join code and waits. Compare the key that is shown with the one at the {kind}.",
            "is let in when it asks next");

    public static Command Deny(HubConnection connection, string kind) => Answer(connection, kind, "deny",
        $"Refuse a {kind} that proved its join code and waits.", "is refused when it asks next");

    public static Command Revoke(HubConnection connection, string kind)
    {
        var name = Name(kind);
        var reason = new Option<string>("--reason") { Description = "Why; it stands in the journal.", Required = true };
        var format = HubCall.FormatOption();
        var command = new Command("revoke",
            $"End this {kind}'s key now and for ever: its session ends, and no parent lets it in again, with "
            + "or without the hub. What runs there runs on.") { name, reason, format };
        command.Do(connection, (hub, parsed, stop) => CallAsync(hub, parsed, format,
            Path(kind, parsed.GetValue(name)!, "revoke"), new { reason = parsed.GetValue(reason) }, stop));
        return command;
    }

    public static Command Retire(HubConnection connection)
    {
        var name = Name("site");
        var force = new Option<bool>("--force") { Description = "Revoke it at once, without waiting until it removed what we own there." };
        var cancel = new Option<bool>("--cancel") { Description = "Call it off; it runs again what it ran. Until it is revoked." };
        var reason = new Option<string?>("--reason") { Description = "Why; it stands in the journal." };
        var format = HubCall.FormatOption();
        var command = new Command("retire",
            "Have a site that is no longer declared remove what we own there, then revoke it. It may be away "
            + "meanwhile.") { name, force, cancel, reason, format };
        command.Do(connection, (hub, parsed, stop) =>
        {
            if (parsed.GetValue(force) && parsed.GetValue(cancel))
                throw new CommandException("--force and --cancel exclude each other", ExitCode.Usage);
            return CallAsync(hub, parsed, format, Path("site", parsed.GetValue(name)!, "retire"),
                new { force = parsed.GetValue(force), cancel = parsed.GetValue(cancel), reason = parsed.GetValue(reason) }, stop);
        });
        return command;
    }

    public static Command Retry(HubConnection connection)
    {
        var name = Name("site");
        var format = HubCall.FormatOption();
        var command = new Command("retry", "Have a site try again what it gave up, after its cause was removed there: an account, space, a "
            + "device. It gets its line anew.") { name, format };
        command.Do(connection, (hub, parsed, stop) => CallAsync(hub, parsed, format, Path("site", parsed.GetValue(name)!, "retry"),
            new { }, stop));
        return command;
    }

    public static Command ConfirmPrune(HubConnection connection)
    {
        var name = Name("site");
        var format = HubCall.FormatOption();
        var command = new Command("confirm-prune", "Let a Kubernetes site remove what left its bundle, though that is more of what it owns "
            + "than may go without a question (condition PruneNeedsConfirm names it).") { name, format };
        command.Do(connection, (hub, parsed, stop) => CallAsync(hub, parsed, format, Path("site", parsed.GetValue(name)!, "confirm-prune"),
            new { }, stop));
        return command;
    }

    public static Command OverrideHold(HubConnection connection)
    {
        var name = Name("site");
        var reason = new Option<string>("--reason") { Description = "Why; it stands in the journal.", Required = true };
        var format = HubCall.FormatOption();
        var command = new Command("override-hold", "Let a site apply in spite of holds that are past their max (condition HoldOverdue "
            + "names them). A workload there said \"not now\" and did not take it back: ask the site first.") { name, reason, format };
        command.Do(connection, (hub, parsed, stop) => CallAsync(hub, parsed, format,
            Path("site", parsed.GetValue(name)!, "override-hold"), new { reason = parsed.GetValue(reason) }, stop));
        return command;
    }

    public static Command Move(HubConnection connection)
    {
        var name = Name("site");
        var region = new Option<string>("--region") { Description = "Where its file in the fleet repository stands now.", Required = true };
        var format = HubCall.FormatOption();
        var command = new Command("move",
            "Give a site the region in which the fleet repository declares it. Move its file and commit first.")
            { name, region, format };
        command.Do(connection, (hub, parsed, stop) => CallAsync(hub, parsed, format,
            Path("site", parsed.GetValue(name)!, "move"), new { region = parsed.GetValue(region) }, stop));
        return command;
    }

    /// <summary>Nodes that wait for an operator.</summary>
    public static async Task ShowWaitingAsync(HubClient hub, ParseResult parsed, ListingFormat format, CancellationToken stop)
    {
        var waiting = await hub.GetAsync("api/v1/waiting", stop);
        HubCall.Show(parsed, format, waiting, output =>
        {
            HubCall.WriteTable(output, ["NODE", "KIND", "KEY", "VIA", "SINCE"], waiting.EnumerateArray().Select(one => (string[])
                [one.Text("node"), one.Text("kind"), Digits(one.Text("key")), one.Text("via"), HubCall.Time(one.Text("since"))]));
            if (waiting.GetArrayLength() == 0) output.WriteLine("nobody waits");
        });
    }

    /// <summary>Who knocked and was not let in.</summary>
    public static async Task ShowUndeclaredAsync(HubClient hub, ParseResult parsed, ListingFormat format, CancellationToken stop)
    {
        var knocks = await hub.GetAsync("api/v1/undeclared", stop);
        HubCall.Show(parsed, format, knocks, output =>
        {
            HubCall.WriteTable(output, ["NAME", "KEY", "VIA", "FIRST", "LAST", "COUNT", "WHY"], knocks.EnumerateArray().Select(one =>
                (string[])
                [one.Text("node"), Digits(one.Text("key")), one.Text("via"), HubCall.Time(one.Text("first")),
                    HubCall.Time(one.Text("last")),
                    one.Text("count"), one.Text("why")]));
            if (knocks.GetArrayLength() == 0) output.WriteLine("nobody knocked who was not let in");
        });
    }

    private static Argument<string> Name(string kind) => new("NAME") { Description = $"The {kind}'s name." };

    private static string Path(string kind, string name, string verb) => $"api/v1/{kind}s/{Uri.EscapeDataString(name)}/{verb}";

    private static string Digits(string key) => key.Length > ShownDigits ? key[..ShownDigits] : key;

    private static async Task CallAsync<T>(HubClient hub, ParseResult parsed, Option<ListingFormat> format, string path, T wish,
        CancellationToken stop)
    {
        var answer = await hub.PostAsync(path, wish, stop);
        HubCall.Show(parsed, parsed.GetValue(format), answer, output => output.WriteLine(answer.Text("text")));
    }

    private static Command Answer(HubConnection connection, string kind, string verb, string description, string follows)
    {
        var name = Name(kind);
        var key = new Option<string?>("--key")
        {
            Description = $"The first digits (8 or more) of the key's id as the {kind} shows it; another key is not answered.",
        };
        var format = HubCall.FormatOption();
        var command = new Command(verb, description) { name, key, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var answer = await hub.PostAsync(Path(kind, parsed.GetValue(name)!, verb), new { key = parsed.GetValue(key) }, stop);
            HubCall.Show(parsed, parsed.GetValue(format), answer, output => output.WriteLine(
                $"{kind} '{answer.Text("node")}' with key {Digits(answer.Text("key"))} "
                + $"(waits since {HubCall.Time(answer.Text("since"))}, via "
                + $"{answer.Text("via")}) {follows}"));
        });
        return command;
    }
}
