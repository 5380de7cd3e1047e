using System.CommandLine;
using System.Diagnostics;
using System.Net;
using Capillary.Node.Install;

namespace Capillary.Cli;

/// <summary><c>capillary region install</c> and <c>uninstall</c>: systemd runs the region node, under an account of its own.</summary>
internal static class RegionInstallCommands
{
    private const string Unit = "capillary-region";
    private const string Folder = "/var/lib/capillary-region";

    public static Command Install()
    {
        var (data, bin) = (DataOption(), BinOption());
        var listen = new Option<string>("--listen") { Description = "Where the region's sites dial, as ADDRESS:PORT.",
            DefaultValueFactory = _ => "0.0.0.0:443" };
        var account = new Option<string>("--user") { Description = "The account it runs under; made when it is missing.",
            DefaultValueFactory = _ => "capillary" };
        var print = new Option<bool>("--print") { Description = "Show the unit and change nothing." };
        var later = new Option<bool>("--no-start") { Description = "Write and enable it, and start it with the next boot only." };
        var command = new Command("install", "Let systemd run this region node; again with a newer executable, it upgrades. Needs root.")
        {
            data, listen, account, bin, print, later,
        };
        command.SetAction((parsed, stop) => RegionNodeCommands.ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            var (endpoint, user) = (parsed.GetValue(listen)!, parsed.GetValue(account)!);
            if (!IPEndPoint.TryParse(endpoint, out var address) || address.Port == 0)
                throw new InvalidDataException($"--listen {endpoint} is not ADDRESS:PORT, such as 0.0.0.0:443");
            if (!user.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') || user.Length is 0 or > 32 || user[0] == '-')
                throw new InvalidDataException($"--user {user} is no name of an account");
            var plan = Plan(parsed.GetValue(data)!, parsed.GetValue(bin)!, endpoint, user) with { Start = !parsed.GetValue(later) };
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(print))
            {
                await output.WriteAsync(plan.UnitText);
                return;
            }
            var installer = new Installer(plan, TimeProvider.System);
            if (installer.Obstacle("capillary region install") is { } obstacle) throw new InvalidDataException(obstacle);
            await OwnAsync(plan.Data, user, output, stop);
            await TellAsync(await installer.InstallAsync(stop), output);
        }));
        return command;
    }

    public static Command Uninstall()
    {
        var (data, bin) = (DataOption(), BinOption());
        var purge = new Option<bool>("--purge") { Description = "Also remove the node's folder: its key, records and blobs." };
        var command = new Command("uninstall", "Stop the region node and remove unit and executable; its folder stays. Needs root.")
        {
            data, bin, purge,
        };
        command.SetAction((parsed, stop) => RegionNodeCommands.ReportAsync(parsed.InvocationConfiguration, async () =>
        {
            var plan = Plan(parsed.GetValue(data)!, parsed.GetValue(bin)!, "0.0.0.0:443", "capillary");
            var installer = new Installer(plan, TimeProvider.System);
            if (installer.Obstacle("capillary region uninstall") is { } obstacle) throw new InvalidDataException(obstacle);
            var purges = parsed.GetValue(purge) && Directory.Exists(plan.Data);
            if (purges && !File.Exists(Path.Combine(plan.Data, "identity.pem")))
                throw new InvalidDataException($"{plan.Data}: is not a node's folder (it holds no identity.pem); nothing is removed");
            var output = parsed.InvocationConfiguration.Output;
            await TellAsync(await installer.UninstallAsync(stop), output);
            if (purges) Directory.Delete(plan.Data, recursive: true);
            await output.WriteLineAsync($"{plan.Data}: {(purges ? "removed" : "stays")}");
            installer.RemoveExecutable();
        }));
        return command;
    }

    private static Option<string> DataOption() =>
        new("--data") { Description = "The region node's folder.", DefaultValueFactory = _ => Folder };

    private static Option<string> BinOption() =>
        new("--bin") { Description = "The folder for the executable.", DefaultValueFactory = _ => "/usr/local/bin" };

    private static InstallPlan Plan(string data, string bin, string listen, string account)
    {
        var source = Environment.ProcessPath ?? throw new InvalidDataException("this system does not tell where this program stands");
        (data, bin) = (Path.GetFullPath(data), Path.GetFullPath(bin));
        var unit = RegionUnit.Text(Path.Combine(bin, Path.GetFileName(source)), data, listen, account);
        return new InstallPlan(Unit, unit, source, bin, data);
    }

    /// <summary>Makes the account, and gives it the folder that root may have joined in.</summary>
    private static async Task OwnAsync(string data, string account, TextWriter output, CancellationToken stop)
    {
        if (await RunAsync("id", ["-u", account], stop) is not null)
        {
            if (await RunAsync("useradd",
                ["--system", "--home-dir", data, "--no-create-home", "--shell", "/usr/sbin/nologin", account], stop) is { } problem)
                throw new InvalidDataException($"the account '{account}' cannot be made: {problem}");
            await output.WriteLineAsync($"{account}: account made");
        }
        // A folder that the account owns already may hold what the account made: root does not walk through it again.
        if (!Directory.Exists(data) || await RunAsync("find",
            [data, "-maxdepth", "0", "-user", account, "-exec", "false", "{}", "+"], stop) is not null) return;
        if (await RunAsync("chown", ["-R", "-P", $"{account}:", data], stop) is { } failed)
            throw new InvalidDataException($"{data} cannot be given to '{account}': {failed}");
        await output.WriteLineAsync($"{data}: belongs to {account} now");
    }

    /// <summary>Null when it ended with 0, else what it said.</summary>
    private static async Task<string?> RunAsync(string program, string[] arguments, CancellationToken stop)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var (said, errors) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
        await process.WaitForExitAsync(stop);
        return process.ExitCode == 0 ? null : $"{await said}{await errors}".Trim();
    }

    private static async Task TellAsync(InstallOutcome outcome, TextWriter output)
    {
        if (outcome is InstallOutcome.Failed failed) throw new InvalidDataException(failed.Reason);
        foreach (var line in ((InstallOutcome.Done)outcome).Lines) await output.WriteLineAsync(line);
    }
}
