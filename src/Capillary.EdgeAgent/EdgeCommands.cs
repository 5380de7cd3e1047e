using System.Runtime.InteropServices;
using System.Text;
using Capillary.Core.Identity;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent;

/// <summary>
/// The agent's few commands. Parsed by hand: a command-line library would cost more memory than the rest of the agent's start.
/// </summary>
internal static class EdgeCommands
{
    private const string DefaultFolder = "/var/lib/capillary-edge";

    private const string Usage = """
        capillary-edge: keeps this site at what its hub signed for it

          capillary-edge join FILE [--data DIR] [--root DIR]… [--user NAME=ACCOUNT]… [--allow-root]
              joins a fleet with the file of 'capillary site enroll NAME --out FILE', and writes the site's allow-list
              --root       a folder below which bundles may put files (default DIR/root); may be given again
              --user       a user name that services are written with, and the local account that it stands for; may be given
                           again; without one, no service may run here
              --allow-root let a --user be root here
              The allow-list is DIR/edge.json; it can be edited later, and is read when the agent starts.
          capillary-edge run [--data DIR] [--verbose]
              runs the agent until it is stopped; services run on
          capillary-edge import DIR [--wait] [--minutes N] [--data DIR]
              takes in what 'capillary site export' wrote for this site; DIR is the stick, or a folder on it
              --wait       wait until the site is healthy on it or says why not, and leave a receipt in DIR/receipts
              --minutes    how long to wait at most (default 10)
          capillary-edge receipts DIR [--data DIR]
              leaves this site's last signed report in DIR/receipts, for 'capillary site receive'
          capillary-edge status [--data DIR]
              prints the last signed report
          capillary-edge version

          --data DIR   the agent's folder (default /var/lib/capillary-edge)
        """;

    public static async Task<int> RunAsync(string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stop));
        try
        {
            return Parse(arguments) switch
            {
                { Wrong: null, Command: "join", File: { } file } options => await JoinAsync(options, file, stop.Token),
                { Wrong: null, Command: "run", File: null } options => await RunAgentAsync(options, stop.Token),
                { Wrong: null, Command: "status", File: null } options => Status(options),
                { Wrong: null, Command: "import", File: { } stick } options =>
                    await CarryCommands.ImportAsync(options.Data, stick, options.Wait, options.WaitFor, stop.Token),
                { Wrong: null, Command: "receipts", File: { } stick } options => CarryCommands.LeaveReceipt(options.Data, stick),
                { Wrong: null, Command: "version", File: null } => Print(Reporter.Agent),
                { Command: "help" } => Print(Usage),
                { Wrong: { } wrong } => Fail(2, $"{wrong}; see: capillary-edge --help"),
                { Command: "join", File: null } => Fail(2, "join needs FILE, made by: capillary site enroll NAME --out FILE"),
                { Command: "import" or "receipts", File: null } options =>
                    Fail(2, $"'{options.Command}' needs DIR: where the stick is mounted, such as /media/stick"),
                { Command: "run" or "status" or "version", File: { } file } options =>
                    Fail(2, $"'{options.Command}' takes no '{file}'; a folder is given as --data {file}"),
                var other => Fail(2, $"there is no command '{other.Command}'; use join, run, import, receipts, status or version"),
            };
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or FormatException
            or ArgumentException
            or Core.Trust.TrustFormatException)
        {
            return Fail(1, e.Message);
        }
    }

    private static void Stop(PosixSignalContext signal, CancellationTokenSource stop)
    {
        signal.Cancel = true;
        stop.Cancel();
    }

    private static async Task<int> JoinAsync(EdgeOptions options, string file, CancellationToken stop)
    {
        if (!File.Exists(file)) return Fail(1, $"{file}: no such file; make it where the hub is: capillary site enroll NAME --out {file}");
        var join = JoinFile.Read(file);
        if (join.Kind != NodeKind.Site)
            return Fail(1, $"{file}: is for a {join.Kind.ToString().ToLowerInvariant()}; a region joins with: capillary region join FILE");
        var home = new NodeHome(options.Data);
        var roots = options.Roots.Select(Path.GetFullPath).DefaultIfEmpty(Path.Combine(home.Folder, "root")).ToList();
        foreach (var root in roots) Directory.CreateDirectory(root);
        // Services have accounts of their own and must be able to pass through to a root in this folder; all else in it stays closed.
        if (roots.Any(root => root.StartsWith(home.Folder + "/", StringComparison.Ordinal)))
            File.SetUnixFileMode(home.Folder, File.GetUnixFileMode(home.Folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        if (await Joining.JoinAsync(home, JoinTarget.Of(join), stop) is JoinOutcome.Failed failed) return Fail(1, failed.Reason);
        new EdgeSettings { Roots = roots, Users = options.Users, AllowRoot = options.AllowRoot }.Save(home.FileOf("edge.json"));
        return Print($"{join.Node} joined fleet {join.Fleet}; start it with: capillary-edge run --data {home.Folder}");
    }

    private static async Task<int> RunAgentAsync(EdgeOptions options, CancellationToken stop)
    {
        if (!Directory.Exists(options.Data))
            return Fail(1, $"{options.Data}: no such folder; join first: capillary-edge join FILE --data {options.Data}");
        using var logs = new LineLogs(Console.Error, options.Verbose ? LogLevel.Debug : LogLevel.Information, TimeProvider.System);
        try
        {
            await new Edge(options.Data, TimeProvider.System, logs).RunAsync(stop);
            return 0;
        }
        catch (IOException e) when (e.Message.Contains("/apply/lock", StringComparison.Ordinal))
        {
            return Fail(1, $"{options.Data}: another capillary-edge runs on this folder; stop it first");
        }
    }

    private static int Status(EdgeOptions options)
    {
        var path = Path.Combine(options.Data, "report.json");
        if (!File.Exists(path)) return Fail(1, $"{path}: this agent has not reported yet; is it running?");
        return Print(Encoding.UTF8.GetString(Core.Trust.Envelope.Parse(File.ReadAllBytes(path)).Payload));
    }

    internal static int Print(string text)
    {
        Console.Out.WriteLine(text);
        return 0;
    }

    internal static int Fail(int code, string text)
    {
        Console.Error.WriteLine($"capillary-edge: {text}");
        return code;
    }

    private static EdgeOptions Parse(string[] arguments)
    {
        if (arguments.Length == 0 || arguments.Any(argument => argument is "--help" or "-h" or "help")) return new EdgeOptions("help");
        var options = new EdgeOptions(arguments[0] == "--version" ? "version" : arguments[0]);
        for (var i = 1; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--allow-root":
                    options = options with { AllowRoot = true };
                    continue;
                case "--wait":
                    options = options with { Wait = true };
                    continue;
                case "--minutes" when int.TryParse(value, out var minutes) && minutes is > 0 and <= 24 * 60:
                    options = options with { Wait = true, WaitFor = TimeSpan.FromMinutes(minutes) };
                    break;
                case "--minutes":
                    return options with { Wrong = "--minutes is 1 to 1440" };
                case "--verbose":
                    options = options with { Verbose = true };
                    continue;
                case "--data" when value is not null:
                    options = options with { Data = value };
                    break;
                case "--root" when value is not null:
                    options = options with { Roots = [.. options.Roots, value] };
                    break;
                case "--user" when value?.Split('=') is [{ Length: > 0 } name, { Length: > 0 } account]:
                    options = options with { Users = new Dictionary<string, string>(options.Users) { [name] = account } };
                    break;
                case var file when options.File is null && !file.StartsWith('-'):
                    options = options with { File = file };
                    continue;
                case "--user" when value is not null:
                    return options with { Wrong = $"--user {value}: expected NAME=ACCOUNT, such as --user lab=labuser" };
                case "--data" or "--root" or "--user":
                    return options with { Wrong = $"{arguments[i]} needs a value" };
                case var option when option.StartsWith('-'):
                    return options with { Wrong = $"there is no option '{option}'" };
                default:
                    return options with { Wrong = $"'{arguments[i]}' is one argument too many" };
            }
            i++;
        }
        return options;
    }

    private sealed record EdgeOptions(string Command)
    {
        public string? File { get; init; }

        /// <summary>What is wrong with the command line; null: nothing.</summary>
        public string? Wrong { get; init; }
        public string Data { get; init; } = DefaultFolder;
        public IReadOnlyList<string> Roots { get; init; } = [];
        public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();
        public bool AllowRoot { get; init; }
        public bool Verbose { get; init; }
        public bool Wait { get; init; }
        public TimeSpan WaitFor { get; init; } = TimeSpan.FromMinutes(10);
    }
}
