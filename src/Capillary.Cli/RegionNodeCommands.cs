using System.CommandLine;
using System.Net;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.RegionNode;
using Microsoft.Extensions.Logging;

namespace Capillary.Cli;

/// <summary><c>capillary region join</c> and <c>capillary region run</c>: on the region's own machine.</summary>
internal static class RegionNodeCommands
{
    private static Option<string> DataOption() =>
        new("--data") { Description = "The region node's folder.", DefaultValueFactory = _ => "./region" };

    public static Command Join()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "The file of 'capillary region enroll NAME --out FILE'." };
        var data = DataOption();
        var command = new Command("join", "Let this machine become a node of a region.") { file, data };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            if (parsed.GetValue(file) is { Exists: false } missing)
                throw new InvalidDataException($"{missing.FullName}: no such file; make it where the hub is: capillary region enroll "
                    + "NAME --out FILE");
            var join = JoinFile.Read(parsed.GetValue(file)!.FullName);
            if (join.Kind != NodeKind.Region)
                throw new InvalidDataException("that file is for a site; a site joins with: capillary-edge join FILE");
            var home = new NodeHome(parsed.GetValue(data)!);
            if (await Joining.JoinAsync(home, JoinTarget.Of(join), stop) is JoinOutcome.Failed failed) throw new InvalidDataException(failed.Reason);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"{join.Node} joined fleet {join.Fleet}; start it with: capillary region run --data {home.Folder} --listen ADDRESS:PORT");
        }));
        return command;
    }

    public static Command Run()
    {
        var data = DataOption();
        var listen = new Option<string>("--listen") { Description = "Where the region's sites dial, as ADDRESS:PORT.",
            DefaultValueFactory = _ => "0.0.0.0:8443" };
        var verbose = new Option<bool>("--verbose") { Description = "Log more." };
        var twoSessions = KeyOptions.TwoSessionsOption();
        var command = new Command("run", "Run this region node until it is stopped.") { data, listen, verbose, twoSessions };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            if (!IPEndPoint.TryParse(parsed.GetValue(listen)!, out var endpoint))
                throw new InvalidDataException($"--listen {parsed.GetValue(listen)} is not ADDRESS:PORT, such as 0.0.0.0:8443");
            RequireRegion(parsed.GetValue(data)!);
            var least = parsed.GetValue(verbose) ? LogLevel.Debug : LogLevel.Information;
            using var logs = new LineLogs(Console.Error, least, TimeProvider.System);
            var options = new RegionOptions(parsed.GetValue(data)!, endpoint) { TwoSessions = parsed.GetValue(twoSessions) };
            await new Region(options, TimeProvider.System, logs).RunAsync(stop);
        }));
        return command;
    }

    /// <summary>A site's folder must not run as a region: it would speak with the site's key.</summary>
    private static void RequireRegion(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: no such folder; join first: capillary region join FILE --data {folder}");
        if (new NodeHome(folder).LoadSettings() is { Kind: not NodeKind.Region, Node: var node })
            throw new InvalidDataException($"{folder}: '{node}' joined as a site; run it with: capillary-edge run --data {folder}");
    }

    private static async Task<int> ReportAsync(InvocationConfiguration io, Func<Task> act)
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
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or TrustFormatException)
        {
            await io.Error.WriteLineAsync($"capillary: {e.Message}{HubCommand.PortHint(e)}");
            return ExitCode.Failed;
        }
    }
}
