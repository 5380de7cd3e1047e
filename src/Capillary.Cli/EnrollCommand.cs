using System.CommandLine;
using System.Text.Json;
using Capillary.Node.Journal;

namespace Capillary.Cli;

/// <summary><c>capillary site enroll NAME</c> and <c>capillary region enroll NAME</c>: a join code, or a file that holds all a node
/// needs.</summary>
internal static class EnrollCommand
{
    public static Command Create(HubConnection connection, string kind) =>
        Create(connection, kind, "enroll", $"Make a join code that lets this {kind} in once.", null);

    /// <summary>The same under another verb, for new hardware.</summary>
    public static Command CreateReplace(HubConnection connection) => Create(connection, "site", "replace",
        "Make a join code for new hardware under this name. The old hardware is revoked when the new one joins, and what it reported is "
            + "forgotten.",
        new Option<bool>("--now") { Description = "Revoke the old hardware at once: it was stolen, or must not run on." });

    private static Command Create(HubConnection connection, string kind, string verb, string description, Option<bool>? now)
    {
        var name = new Argument<string>("NAME") { Description = $"The {kind}'s name in the fleet repository." };
        var file = new Option<string?>("--out") { Description = "Write a join file here (mode 0600); carry it to the node." };
        var join = new JoinOptions(kind);
        var node = new Option<string?>("--node") { Description = "The name of a further node of this region (default: the region's)." };
        var format = HubCall.FormatOption();
        var command = new Command(verb, description) { name, file };
        join.AddTo(command);
        command.Options.Add(format);
        if (kind == "region") command.Options.Add(node);
        if (now is not null) command.Options.Add(now);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var given = join.Parents(parsed);
            var through = join.Proxy(parsed);
            if (through is not null && parsed.GetValue(file) is null)
                throw new CommandException("--proxy goes into a join file: give --out FILE too", ExitCode.Usage);
            var answer = await hub.PostAsync($"api/v1/{kind}s/{Uri.EscapeDataString(parsed.GetValue(name)!)}/{verb}",
                new { parents = given, lifetimeMinutes = join.Minutes(parsed), node = kind == "region" ? parsed.GetValue(node) : null,
                    now = now is not null && parsed.GetValue(now), needsParents = parsed.GetValue(file) is not null }, stop);
            if (parsed.GetValue(file) is { } path) Write(path, JoinOptions.File(answer, through).ToBytes());
            HubCall.Show(parsed, parsed.GetValue(format), answer, output => Tell(output, answer, parsed.GetValue(file)));
        });
        return command;
    }

    /// <summary>Readable by its owner only, as there is a join code in it.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static void Write(string path, byte[] content)
    {
        try
        {
            AtomicFile.Write(path, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    private static void Tell(TextWriter output, JsonElement answer, string? file)
    {
        var until = $"good once until {HubCall.Time(answer.Text("expiresAt"))}";
        if (file is not null) output.WriteLine($"{file}: join file for {answer.Text("node")}, {until}");
        else output.WriteLine($"{answer.Text("code")}  {until}; trust root {answer.Text("trustRoot")}");
    }
}
