using System.CommandLine;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Hosting;
using Capillary.Node.Links;

namespace Capillary.Cli;

/// <summary>What may be said of a join file that is to be made.</summary>
internal sealed class JoinOptions(string kind)
{
    private readonly Option<string[]> parents = new("--parent")
    {
        Description = kind == "site"
            ? "Where the site dials, as HOST:PORT: its region's address. May be given again (default: spec.addresses of its "
                + "region, else what the hub advertises)."
            : "Where the region dials, as HOST:PORT: the hub's address. May be given again (default: what the hub advertises).",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> proxy = new("--proxy")
    {
        Description = "The HTTP proxy that machines there must use, for the join file: http://USER:PASSWORD@HOST:PORT.",
    };

    private readonly Option<int?> minutes = new("--minutes")
    {
        Description = "How long the code is good, in minutes, up to 30 days (default: 24 hours).",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(parents);
        command.Options.Add(proxy);
        command.Options.Add(minutes);
    }

    public int? Minutes(ParseResult parsed) => parsed.GetValue(minutes);

    /// <exception cref="CommandException">One is no address.</exception>
    public string[] Parents(ParseResult parsed)
    {
        var given = parsed.GetValue(parents) ?? [];
        foreach (var parent in given) Checked(() => JoinFile.ParseAddress(parent, "--parent"));
        return given;
    }

    /// <exception cref="CommandException">It is no proxy.</exception>
    public ProxySettings? Proxy(ParseResult parsed) =>
        parsed.GetValue(proxy) is { } text ? Checked(() => ProxySettings.Parse(text, "--proxy")) : null;

    /// <summary>The join file of the hub's answer.</summary>
    public static JoinFile File(JsonElement answer, ProxySettings? proxy)
    {
        var parents = answer.GetProperty("parents").EnumerateArray().Select(parent => parent.GetString()!).ToList();
        return new JoinFile(1, new FleetName(answer.Text("fleet")), new NodeName(answer.Text("node")),
            answer.Text("kind") == "region" ? NodeKind.Region : NodeKind.Site, parents, Digest.Parse(answer.Text("trustRoot")),
            answer.Text("code"), proxy);
    }

    private static T Checked<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCode.Usage);
        }
    }
}
