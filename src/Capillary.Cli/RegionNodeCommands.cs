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
    private static Option<string> DataOption() => new("--data") { Description = "The region node's folder.", DefaultValueFactory = _ => "./region" };

    public static Command Join()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "The file of 'capillary region enroll NAME --out FILE'." };
        var data = DataOption();
        var command = new Command("join", "Let this machine become a node of a region.") { file, data };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            var join = JoinFile.Read(parsed.GetValue(file)!.FullName);
            if (join.Kind != NodeKind.Region) throw new InvalidDataException($"{parsed.GetValue(file)}: is for a site; a site joins with: capillary-edge join FILE");
            var home = new NodeHome(parsed.GetValue(data)!);
            if (await Joining.JoinAsync(home, join, stop) is JoinOutcome.Failed failed) throw new InvalidDataException(failed.Reason);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"{join.Node} joined fleet {join.Fleet}; start it with: capillary region run --data {home.Folder} --listen ADDRESS:PORT");
        }));
        return command;
    }

    public static Command Run()
    {
        var data = DataOption();
        var listen = new Option<string>("--listen") { Description = "Where the region's sites dial, as ADDRESS:PORT.", DefaultValueFactory = _ => "0.0.0.0:8443" };
        var verbose = new Option<bool>("--verbose") { Description = "Log more." };
        var command = new Command("run", "Run this region node until it is stopped.") { data, listen, verbose };
        command.SetAction(async (parsed, stop) => await ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            if (!IPEndPoint.TryParse(parsed.GetValue(listen)!, out var endpoint)) throw new InvalidDataException("--listen is not ADDRESS:PORT");
            using var logs = new LineLogs(Console.Error, parsed.GetValue(verbose) ? LogLevel.Debug : LogLevel.Information, TimeProvider.System);
            await new Region(new RegionOptions(parsed.GetValue(data)!, endpoint), TimeProvider.System, logs).RunAsync(stop);
        }));
        return command;
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
            await io.Error.WriteLineAsync($"capillary: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
