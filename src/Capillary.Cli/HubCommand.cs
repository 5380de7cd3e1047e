using System.CommandLine;
using System.Net;
using Capillary.Core.Identity;
using Capillary.HubNode;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Capillary.Cli;

/// <summary><c>capillary hub</c>: make a hub and run it.</summary>
internal static class HubCommand
{
    public static Command Create() => new("hub", "Make a hub, run it, give it a new key, let a restored one go on.")
    {
        Subcommands = { Init(), Run(), RotateKeyCommand.OfHub(), ResumeCommand.Create() },
    };

    private static Option<string> DataOption() => new("--data") { Description = "The hub's data folder.", DefaultValueFactory = _ =>
        "./hub" };

    private static Command Init()
    {
        var data = DataOption();
        var fleet = new Option<string>("--fleet") { Description = "The fleet's name.", Required = true };
        var command = new Command("init", "Make a hub: its keys, its trust root, its record. Keep a copy of the folder's keys/ in a safe "
            + "place.") { data, fleet };
        command.SetAction((parsed, _) => Task.FromResult(Init(parsed.GetValue(data)!, parsed.GetValue(fleet)!,
            parsed.InvocationConfiguration)));
        return command;
    }

    private static int Init(string data, string fleet, InvocationConfiguration io)
    {
        if (!DnsLabel.IsValid(fleet)) return Fail(io, $"'{fleet}' is not a fleet's name: use 1 to 63 lower-case letters, digits and '-'",
            ExitCode.Usage);
        try
        {
            if (HubFolder.Init(data, new FleetName(fleet), TimeProvider.System.GetUtcNow()) is not { } made)
                return Fail(io, $"{data} holds a hub already; run it with: capillary hub run --data {data} --repo REPOSITORY --listen "
                    + "ADDRESS:PORT");
            io.Output.WriteLine($"hub of fleet {made.Fleet} in {data}");
            io.Output.WriteLine($"trust root {made.TrustRoot}");
            io.Output.WriteLine($"api pin    {made.ApiPin}");
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return Fail(io, $"{e.Message}; choose another folder with --data, or make this one writable");
        }
    }

    private static Command Run()
    {
        var data = DataOption();
        var repository = new Option<string>("--repo") { Description = "The fleet repository: a path or URL that git can fetch.",
            Required = true };
        var branch = new Option<string>("--branch") { Description = "The branch to follow.", DefaultValueFactory = _ => "main" };
        var listen = new Option<string>("--listen") { Description = "Where regions and sites dial, as ADDRESS:PORT.",
            DefaultValueFactory = _ => "0.0.0.0:8443" };
        var socket = new Option<string?>("--api") { Description = "Unix socket of the API (default: api.sock in the data folder)." };
        var apiListen = new Option<string?>("--api-listen") { Description = "Serve the API here too, as ADDRESS:PORT, with TLS and "
            + "tokens." };
        var advertise = new Option<string[]>("--advertise") { Description = "Where join files tell nodes to dial, as HOST:PORT; may be "
            + "given again." };
        var poll = new Option<int>("--poll-ms") { Description = "How often Git is asked, in milliseconds, 100 to 3600000.",
            DefaultValueFactory = _ => 500 };
        var gates = new Option<string[]>("--gate-host") { Description = "A host that HTTP gates of rollout policies may ask, as HOST or "
            + "HOST:PORT; may be given again." };
        var (times, keys) = (new HubTimes(), new KeyOptions());
        var command = new Command("run", "Run the hub until it is stopped.") { data, repository, branch, listen, socket, apiListen,
            advertise, poll, gates };
        times.AddTo(command);
        keys.AddTo(command);
        command.SetAction(async (parsed, stop) =>
        {
            var io = parsed.InvocationConfiguration;
            if (!IPEndPoint.TryParse(parsed.GetValue(listen)!, out var endpoint)) return Fail(io,
                $"--listen {parsed.GetValue(listen)} is not ADDRESS:PORT, such as 0.0.0.0:8443", ExitCode.Usage);
            IPEndPoint? api = null;
            if (parsed.GetValue(apiListen) is { } text && !IPEndPoint.TryParse(text, out api)) return Fail(io,
                $"--api-listen {text} is not ADDRESS:PORT, such as 0.0.0.0:8444", ExitCode.Usage);
            if (parsed.GetValue(poll) is < 100 or > 3_600_000) return Fail(io, "--poll-ms is 100 to 3600000", ExitCode.Usage);
            if (parsed.GetValue(gates)?.FirstOrDefault(host => !IsHost(host)) is { } host)
                return Fail(io, $"--gate-host {host} is not HOST or HOST:PORT, such as monitor.example.org", ExitCode.Usage);
            if (times.Problem(parsed) is { } wrong) return Fail(io, wrong, ExitCode.Usage);
            var options = new HubOptions(Path.GetFullPath(parsed.GetValue(data)!), endpoint)
            {
                ApiSocket = parsed.GetValue(socket), ApiListen = api, Advertise = parsed.GetValue(advertise) ?? [],
                PollEvery = TimeSpan.FromMilliseconds(parsed.GetValue(poll)), Freshness = times.Freshness(parsed),
                Settle = times.Settle(parsed), GateHosts = parsed.GetValue(gates) ?? [],
            };
            // Git runs in a folder of its own, so a path must not depend on where we are.
            var source = parsed.GetValue(repository)!;
            return await RunAsync(keys.Apply(parsed, options), Directory.Exists(source) ? Path.GetFullPath(source) : source,
                parsed.GetValue(branch)!, io, stop);
        });
        return command;
    }

    private static bool IsHost(string text) => Uri.TryCreate($"https://{text}", UriKind.Absolute, out var uri)
        && string.Equals(text, uri.IsDefaultPort ? uri.Host : uri.Authority, StringComparison.OrdinalIgnoreCase);

    private static async Task<int> RunAsync(HubOptions options, string repository, string branch, InvocationConfiguration io,
        CancellationToken stop)
    {
        using var logs = LoggerFactory.Create(logging => logging
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true,
                "yyyy-MM-ddTHH:mm:ssZ ", true))
            .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        try
        {
            using var hub = Hub.Open(options, repository, branch, TimeProvider.System, logs);
            var running = hub.RunAsync(stop);
            if (await Task.WhenAny(hub.Listening, running) == hub.Listening)
                await io.Output.WriteLineAsync($"hub of fleet {hub.Fleet} listens on {await hub.Listening}");
            await running;
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Done;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException
            or System.Net.Sockets.SocketException)
        {
            return Fail(io, e.Message + PortHint(e));
        }
    }

    /// <summary>What to do about a port that is taken.</summary>
    public static string PortHint(Exception e) => e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException
        ? " Stop what listens there, or choose another port."
        : "";

    private static int Fail(InvocationConfiguration io, string message, int code = ExitCode.Failed)
    {
        io.Error.WriteLine($"capillary: {message}");
        return code;
    }
}
