using System.Runtime.InteropServices;
using Capillary.Node.Hosting;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Commands;

/// <summary>The agent's few commands.</summary>
internal static class EdgeCommands
{
    private const int Usual = 1;
    private const int Mistyped = 2;

    public static async Task<int> RunAsync(string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stop));
        var options = EdgeOptions.Parse(arguments);
        try
        {
            return await RunAsync(options, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (UnauthorizedAccessException e) when (!Environment.IsPrivilegedProcess)
        {
            return Fail(Usual, $"{e.Message} Run it as root: sudo capillary-edge {options.Command} …");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or FormatException
            or ArgumentException or Core.Trust.TrustFormatException)
        {
            return Fail(Usual, e.Message);
        }
    }

    /// <summary>Says what went wrong, and ends with this code.</summary>
    public static int Fail(int code, string text)
    {
        Console.Error.WriteLine($"capillary-edge: {text}");
        return code;
    }

    public static int Print(string text, int code = 0)
    {
        Console.Out.WriteLine(text);
        return code;
    }

    private static Task<int> RunAsync(EdgeOptions options, CancellationToken stop) => options switch
    {
        { Help: true } => Task.FromResult(Print(Usage.Of(options.Command))),
        { Wrong: { } wrong } => Task.FromResult(Fail(Mistyped, $"{wrong}; see: capillary-edge {Known(options.Command)}--help")),
        { Command: "join", File: null } => Task.FromResult(Fail(Mistyped,
            "join needs FILE, made by: capillary site enroll NAME --out FILE; or CODE --parent HOST")),
        { Command: "join", File: { } file } => JoinCommand.RunAsync(options, file, stop),
        { Command: "import", File: { } stick } => CarryCommands.ImportAsync(options.Data, stick, options.Wait, options.WaitFor, stop),
        { Command: "receipts", File: { } stick } => Task.FromResult(CarryCommands.LeaveReceipt(options.Data, stick)),
        { Command: "import" or "receipts" } => Task.FromResult(Fail(Mistyped,
            $"'{options.Command}' needs DIR: where the stick is mounted, such as /media/stick")),
        { Command: "doctor" } => DoctorCommand.RunAsync(options, stop),
        { Command: "run" or "status" or "version" or "install" or "uninstall", File: { } file } => Task.FromResult(Fail(Mistyped,
            $"'{options.Command}' takes no '{file}'; a folder is given as --data {file}")),
        { Command: "hold" or "unhold" or "holds", File: { } word } => Task.FromResult(Fail(Mistyped,
            $"'{options.Command}' takes no '{word}'; a reason is one text: --reason \"run in progress\"")),
        { Command: "holds" } or { Command: "hold", List: true } => HoldCommands.ListAsync(options, stop),
        { Command: "hold", Reason: { } reason } => HoldCommands.HoldAsync(options, reason, stop),
        { Command: "hold" } => Task.FromResult(Fail(Mistyped,
            "'hold' needs --reason TEXT: why now is no time for an update, such as \"run in progress\"; see: capillary-edge hold --help")),
        { Command: "unhold" } => HoldCommands.UnholdAsync(options, stop),
        { Command: "install" } => InstallCommand.InstallAsync(options, stop),
        { Command: "uninstall" } => InstallCommand.UninstallAsync(options, stop),
        { Command: "run" } => RunAgentAsync(options, stop),
        { Command: "status" } => Task.FromResult(StatusCommand.Run(options, TimeProvider.System.GetUtcNow())),
        { Command: "version" } => Task.FromResult(Print(Reporter.Agent)),
        _ => Task.FromResult(Fail(Mistyped, $"there is no command '{options.Command}'; use {string.Join(", ", EdgeOptions.Commands)}")),
    };

    private static string Known(string command) => EdgeOptions.Commands.Contains(command) ? $"{command} " : "";

    private static void Stop(PosixSignalContext signal, CancellationTokenSource stop)
    {
        signal.Cancel = true;
        stop.Cancel();
    }

    private static async Task<int> RunAgentAsync(EdgeOptions options, CancellationToken stop)
    {
        if (options.JoinFile is { } join && !new NodeHome(options.Data).HasJoined
            && await JoinCommand.RunAsync(options, join, stop) is > 0 and var code)
            return code;
        if (!Directory.Exists(options.Data))
            return Fail(Usual, $"{options.Data}: no such folder; join first: capillary-edge join FILE --data {options.Data}");
        if (options.Cluster is not null)
        {
            if (AllowList.ClusterProblem(options) is { } problem) return Fail(Usual, problem);
            AllowList.Add(options);
        }
        using var logs = new LineLogs(Console.Error, options.Verbose ? LogLevel.Debug : LogLevel.Information, TimeProvider.System);
        try
        {
            await new Edge(options.Data, TimeProvider.System, logs).RunAsync(stop);
            return 0;
        }
        catch (IOException e) when (e.Message.Contains("/apply/lock", StringComparison.Ordinal))
        {
            return Fail(Usual, $"{options.Data}: another capillary-edge runs on this folder; stop it first");
        }
    }
}
