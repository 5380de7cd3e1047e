using System.CommandLine;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;

namespace Capillary.Cli;

/// <summary><c>capillary site enroll NAME</c> and <c>capillary region enroll NAME</c>: a join code, or a file that holds all a node
/// needs.</summary>
internal static class EnrollCommand
{
    public static Command Create(HubConnection connection, string kind)
    {
        var name = new Argument<string>("NAME") { Description = $"The {kind}'s name in the fleet repository." };
        var file = new Option<string?>("--out") { Description = "Write a join file here (mode 0600); carry it to the node." };
        var parents = new Option<string[]>("--parent")
        {
            Description = "Where the node dials, as HOST:PORT; may be given again (default: the hub's own addresses).",
            AllowMultipleArgumentsPerToken = true,
        };
        var minutes = new Option<int?>("--minutes") { Description = "How long the code is good (default: 24 hours)." };
        var format = HubCall.FormatOption();
        var command = new Command("enroll", $"Make a join code that lets this {kind} in once.") { name, file, parents, minutes, format };
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var given = parsed.GetValue(parents) ?? [];
            foreach (var parent in given) CheckAddress(parent);
            var answer = await hub.PostAsync($"api/v1/{kind}s/{Uri.EscapeDataString(parsed.GetValue(name)!)}/enroll",
                new { parents = given, lifetimeMinutes = parsed.GetValue(minutes) }, stop);
            if (parsed.GetValue(file) is { } path) Write(path, answer);
            HubCall.Show(parsed, parsed.GetValue(format), answer, output => Tell(output, answer, parsed.GetValue(file)));
        });
        return command;
    }

    private static void CheckAddress(string text)
    {
        try
        {
            JoinFile.ParseAddress(text, "--parent");
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCode.Usage);
        }
    }

    private static void Write(string path, JsonElement answer)
    {
        var parents = answer.GetProperty("parents").EnumerateArray().Select(parent => parent.GetString()!).ToList();
        if (parents.Count == 0) throw new CommandException("a join file names where the node dials; give --parent HOST:PORT");
        var join = new JoinFile(1, new FleetName(answer.Text("fleet")), new NodeName(answer.Text("node")),
            answer.Text("kind") == "region" ? NodeKind.Region : NodeKind.Site, parents, Digest.Parse(answer.Text("trustRoot")),
                answer.Text("code"));
        try
        {
            AtomicFile.Write(path, join.ToBytes());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    private static void Tell(TextWriter output, JsonElement answer, string? file)
    {
        if (file is not null) output.WriteLine($"{file}: join file for {answer.Text("node")}, good once until {answer.Text("expiresAt")}");
        else output.WriteLine($"{answer.Text("code")}  good once until {answer.Text("expiresAt")}; trust root {answer.Text("trustRoot")}");
    }
}
