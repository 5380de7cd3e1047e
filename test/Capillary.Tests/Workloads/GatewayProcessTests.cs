using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Capillary.Tests.Workloads;

/// <summary>The executable itself, started and killed.</summary>
public sealed partial class GatewayProcessTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_acknowledged_survives_kill_9()
    {
        using (var gateway = Start(Config(0)))
        {
            var port = await ListenerPort(gateway);
            for (var i = 0; i < 20; i++)
                Assert.Contains($"\nMSA|AA|{i}\n", await Sender.SendAsync(new(IPAddress.Loopback, port), Sender.Oru($"{i}")));
            gateway.Kill();
            await gateway.WaitForExitAsync();
        }

        using var again = Start(Config(0));
        var to = new IPEndPoint(IPAddress.Loopback, await ListenerPort(again));
        for (var i = 0; i < 20; i++)
            Assert.Contains($"\nMSA|AE|{i}\n", await Sender.SendAsync(to, Sender.Oru($"{i}", value: "other")));
        Assert.Contains("\nMSA|AA|0\n", await Sender.SendAsync(to, Sender.Oru("0")));
        using (var terminate = Process.Start("kill", ["-TERM", $"{again.Id}"]))
            await terminate.WaitForExitAsync();
        await again.WaitForExitAsync();
        Assert.Equal(0, again.ExitCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_line_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var gateway = Start(Config(port));
        var error = await gateway.StandardError.ReadToEndAsync();
        await gateway.WaitForExitAsync();
        Assert.Equal(1, gateway.ExitCode);
        Assert.Equal($"instrument-gateway: can't listen on 127.0.0.1:{port} (listener 'main'): Address already in use\n", error);
    }

    [Fact]
    public async Task Check_and_send_say_by_exit_code_what_came_of_it()
    {
        using var gateway = Start(Config(0));
        var to = $"127.0.0.1:{await ListenerPort(gateway)}";
        var message = Path.Combine(folder.Path, "message.hl7");
        await File.WriteAllTextAsync(message, Sender.Oru("1"));
        Assert.Equal((0, "MSA|AA|1"), await Result("send", "--to", to, message));
        await File.WriteAllTextAsync(message, Sender.Oru("1", value: "other"));
        Assert.Equal(1, (await Result("send", "--to", to, message)).Code);
        Assert.Equal(0, (await Result("check", "--config", Config(0))).Code);
        await File.WriteAllTextAsync(message, "{}");
        Assert.Equal(1, (await Result("check", "--config", message)).Code);
        Assert.Equal(2, (await Result("check")).Code);
        Assert.Equal(2, (await Result("--confg", "x")).Code);
        Assert.Equal(0, (await Result("--help")).Code);
        gateway.Kill();
    }

    private string Config(int port)
    {
        var file = Path.Combine(folder.Path, "gateway.json");
        File.WriteAllText(file, $$"""
            {
              "facility": { "name": "Test" },
              "http": { "address": "127.0.0.1", "port": 0 },
              "listeners": [{ "name": "main", "address": "127.0.0.1", "port": {{port}} }],
              "dataDirectory": "data"
            }
            """);
        return file;
    }

    private static Process Start(string config) => Execute("--config", config);

    private static Process Execute(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "instrument-gateway"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static async Task<(int Code, string LastLine)> Result(params string[] arguments)
    {
        using var process = Execute(arguments);
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output.TrimEnd('\n').Split('\n')[^1]);
    }

    private static async Task<int> ListenerPort(Process gateway)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await gateway.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = gateway.StandardOutput.ReadToEndAsync();
                return int.Parse(match.Groups[1].Value);
            }
        }

        throw new InvalidOperationException(await gateway.StandardError.ReadToEndAsync());
    }

    [GeneratedRegex(@"Listener main on 127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}
