using System.CommandLine;
using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Links;
using Capillary.RegionNode;
using Microsoft.Extensions.Logging;

namespace Capillary.Cli;

/// <summary><c>capillary region join</c> and <c>capillary region run</c>: on the region's own machine.</summary>
internal static class RegionNodeCommands
{
    public static Option<string> DataOption() =>
        new("--data") { Description = "The region node's folder.", DefaultValueFactory = _ => "./region" };

    public static Option<string?> ProxyOption() =>
        new("--proxy") { Description = "The HTTP proxy that machines here must use, as http://USER:PASSWORD@HOST:PORT." };

    public static Option<string?> ProxyPasswordOption() =>
        new("--proxy-password-file") { Description = "The proxy's password is the first line of this file ('-': of stdin)." };

    public static Command Join()
    {
        var file = new Argument<string>("FILE|CODE")
        {
            Description = "The file of 'capillary region enroll NAME --out FILE'; or a join code ('-': read from stdin), with --parent.",
        };
        var parents = new Option<string[]>("--parent")
        {
            Description = "With a code: the hub's address, as HOST[:PORT] (default port: 443).",
        };
        var (data, proxy, password) = (DataOption(), ProxyOption(), ProxyPasswordOption());
        var command = new Command("join", "Let this machine become a node of a region.") { file, parents, proxy, password, data };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            var through = GivenProxy.Read(parsed.GetValue(proxy), parsed.GetValue(password), Console.In);
            if (parsed.GetValue(file) == "-" && !Console.IsInputRedirected)
                await parsed.InvocationConfiguration.Error.WriteAsync("join code: ");
            var given = GivenJoin.Read(parsed.GetValue(file)!, parsed.GetValue(parents) ?? [], through, NodeKind.Region, Console.In);
            var output = parsed.InvocationConfiguration.Output;
            var home = new NodeHome(parsed.GetValue(data)!);
            var answer = await Approval.WaitAsync(token => Joining.JoinAsync(home, given.ToTarget(NodeKind.Region), token),
                NodeKind.Region, output.WriteLine, TimeProvider.System, stop);
            if (answer is JoinOutcome.Failed failed) throw new InvalidDataException(failed.Reason);
            var joined = home.LoadSettings();
            await output.WriteLineAsync($"{joined.Node} joined fleet {joined.Fleet}; let it run for ever with: capillary region install "
                + $"--data {home.Folder} (or here and now: capillary region run --data {home.Folder} --listen ADDRESS:PORT)");
        }));
        return command;
    }

    public static Command Run()
    {
        var data = DataOption();
        var listen = new Option<string>("--listen") { Description = "Where the region's sites dial, as ADDRESS:PORT.",
            DefaultValueFactory = _ => "0.0.0.0:8443" };
        var rate = new Option<string?>("--max-rate")
        {
            Description = "The most that blobs may take of the link to the hub, such as 2MB/s.",
        };
        var quiet = new Option<string?>("--quiet-hours")
        {
            Description = "When big blobs wait, by this machine's clock: HH:MM-HH:MM[,…].",
        };
        var verbose = new Option<bool>("--verbose") { Description = "Log more." };
        var twoSessions = KeyOptions.TwoSessionsOption();
        var command = new Command("run", "Run this region node until it is stopped.") { data, listen, rate, quiet, twoSessions, verbose };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            if (!IPEndPoint.TryParse(parsed.GetValue(listen)!, out var endpoint))
                throw new InvalidDataException($"--listen {parsed.GetValue(listen)} is not ADDRESS:PORT, such as 0.0.0.0:8443");
            RequireRegion(parsed.GetValue(data)!);
            var least = parsed.GetValue(verbose) ? LogLevel.Debug : LogLevel.Information;
            using var logs = new LineLogs(Console.Error, least, TimeProvider.System);
            var limits = LinkLimits.Parse(parsed.GetValue(rate), parsed.GetValue(quiet), "--max-rate", "--quiet-hours");
            var options = new RegionOptions(parsed.GetValue(data)!, endpoint, limits) { TwoSessions = parsed.GetValue(twoSessions) };
            await new Region(options, TimeProvider.System, logs).RunAsync(stop);
        }));
        return command;
    }

    /// <summary>A site's folder must not run as a region: it would speak with the site's key.</summary>
    public static void RequireRegion(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: no such folder; join first: capillary region join FILE --data {folder}");
        // Opening a home makes its folders; a wrong folder stays as it was.
        _ = Directory.EnumerateFileSystemEntries(folder).Any();
        if (!File.Exists(Path.Combine(folder, "node.json")))
            throw new InvalidDataException($"{folder}: no region node has joined in this folder; is it another one? --data DIR");
        if (new NodeHome(folder).LoadSettings() is { Kind: not NodeKind.Region, Node: var node })
            throw new InvalidDataException($"{folder}: '{node}' joined as a site; run it with: capillary-edge run --data {folder}");
    }

    public static async Task<int> ReportAsync(InvocationConfiguration io, Func<Task> act)
    {
        try
        {
            await act();
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Done;
        }
        catch (UnauthorizedAccessException e) when (!Environment.IsPrivilegedProcess)
        {
            await io.Error.WriteLineAsync($"capillary: {e.Message} Run it as the account that the folder belongs to, or as "
                + "root with sudo.");
            return ExitCode.Failed;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or TrustFormatException)
        {
            await io.Error.WriteLineAsync($"capillary: {e.Message}{HubCommand.PortHint(e)}");
            return ExitCode.Failed;
        }
    }
}
