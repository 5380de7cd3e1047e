using System.CommandLine;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;
using Capillary.Node.Links;

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
        var parents = new Option<string[]>("--parent")
        {
            Description = kind == "site"
                ? "Where the site dials, as HOST:PORT: its region's address. May be given again (default: spec.addresses of its "
                    + "region, else what the hub advertises)."
                : "Where the region dials, as HOST:PORT: the hub's address. May be given again (default: what the hub advertises).",
            AllowMultipleArgumentsPerToken = true,
        };
        var minutes = new Option<int?>("--minutes")
        {
            Description = "How long the code is good, in minutes, up to 30 days (default: 24 hours).",
        };
        var node = new Option<string?>("--node") { Description = "The name of a further node of this region (default: the region's)." };
        var proxy = new Option<string?>("--proxy")
        {
            Description = "The HTTP proxy that machines there must use, for the join file: http://USER:PASSWORD@HOST:PORT.",
        };
        var format = HubCall.FormatOption();
        var command = new Command(verb, description) { name, file, parents, proxy, minutes, format };
        if (kind == "region") command.Options.Add(node);
        if (now is not null) command.Options.Add(now);
        command.Do(connection, async (hub, parsed, stop) =>
        {
            var given = parsed.GetValue(parents) ?? [];
            foreach (var parent in given) CheckAddress(parent);
            var through = ReadProxy(parsed.GetValue(proxy), parsed.GetValue(file));
            var answer = await hub.PostAsync($"api/v1/{kind}s/{Uri.EscapeDataString(parsed.GetValue(name)!)}/{verb}",
                new { parents = given, lifetimeMinutes = parsed.GetValue(minutes), node = kind == "region" ? parsed.GetValue(node) : null,
                    now = now is not null && parsed.GetValue(now), needsParents = parsed.GetValue(file) is not null }, stop);
            if (parsed.GetValue(file) is { } path) Write(path, answer, through);
            HubCall.Show(parsed, parsed.GetValue(format), answer, output => Tell(output, answer, parsed.GetValue(file)));
        });
        return command;
    }

    private static ProxySettings? ReadProxy(string? text, string? file)
    {
        if (text is null) return null;
        if (file is null) throw new CommandException("--proxy goes into a join file: give --out FILE too", ExitCode.Usage);
        try
        {
            return ProxySettings.Parse(text, "--proxy");
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCode.Usage);
        }
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

    private static void Write(string path, JsonElement answer, ProxySettings? proxy)
    {
        var parents = answer.GetProperty("parents").EnumerateArray().Select(parent => parent.GetString()!).ToList();
        var join = new JoinFile(1, new FleetName(answer.Text("fleet")), new NodeName(answer.Text("node")),
            answer.Text("kind") == "region" ? NodeKind.Region : NodeKind.Site, parents, Digest.Parse(answer.Text("trustRoot")),
                answer.Text("code"), proxy);
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
        var until = $"good once until {HubCall.Time(answer.Text("expiresAt"))}";
        if (file is not null) output.WriteLine($"{file}: join file for {answer.Text("node")}, {until}");
        else output.WriteLine($"{answer.Text("code")}  {until}; trust root {answer.Text("trustRoot")}");
    }
}
