using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Doctor;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Capillary.Node.Parent;
using Capillary.Sim;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.Node.Doctor;

/// <summary>The doctor through a real proxy, and over a link on which long packets vanish.</summary>
public sealed class NetworkTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-doctor-net-").FullName;
    private readonly Authority authority = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(2));
    private readonly List<Process> processes = [];
    private string? space;
    private Task running = Task.CompletedTask;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var process in processes)
        {
            process.Kill();
            process.Dispose();
        }
        if (space is not null) await RunAsync("ip", "netns", "delete", space);
        Directory.Delete(folder, recursive: true);
        stop.Dispose();
    }

    [NeedsFact(false, "tinyproxy")]
    public async Task A_real_proxy_is_used_and_its_refusals_are_told_apart()
    {
        var parent = new DnsEndPoint("localhost", await ServeAsync(IPAddress.Loopback));
        var open = await ProxyAsync($"ConnectPort {parent.Port}");
        Assert.Null((await ExamineAsync(parent, new ProxySettings("127.0.0.1", open))).Failed);

        var closed = await ProxyAsync("ConnectPort 1");
        var refused = (await ExamineAsync(parent, new ProxySettings("127.0.0.1", closed))).Failed;
        Assert.Contains("does not let us through", refused?.Seen, StringComparison.Ordinal);

        var locked = await ProxyAsync($"ConnectPort {parent.Port}\nBasicAuth ward s3cret");
        var unknown = (await ExamineAsync(parent, new ProxySettings("127.0.0.1", locked))).Failed;
        Assert.Contains("wants a user and a password", unknown?.Seen, StringComparison.Ordinal);
        Assert.Null((await ExamineAsync(parent, new ProxySettings("127.0.0.1", locked, "ward", "s3cret"))).Failed);
    }

    [NeedsFact(true, "ip", "nft")]
    public async Task Long_packets_that_vanish_are_named()
    {
        var port = await ServeAsync(IPAddress.Any);
        var (id, net) = (Environment.ProcessId % 10_000, Environment.ProcessId % 250);
        space = $"cpl-doctor-{id}";
        await RunAsync("ip", "netns", "add", space);
        await RunAsync("ip", "link", "add", $"cpd{id}", "type", "veth", "peer", "name", "up0", "netns", space);
        await RunAsync("ip", "address", "add", $"10.213.{net}.1/30", "dev", $"cpd{id}");
        await RunAsync("ip", "link", "set", $"cpd{id}", "up");
        await InSpaceAsync("ip", "address", "add", $"10.213.{net}.2/30", "dev", "up0");
        await InSpaceAsync("ip", "link", "set", "up0", "up");
        Assert.Equal("", await FailedAsync($"10.213.{net}.1:{port}"));

        await InSpaceAsync("nft", "add", "table", "ip", "hole");
        await InSpaceAsync("nft", "add", "chain", "ip", "hole", "out", "{", "type", "filter", "hook", "output", "priority", "0", ";", "}");
        await InSpaceAsync("nft", "add", "rule", "ip", "hole", "out", "ip", "length", ">", "1000", "drop");
        Assert.Equal(CheckNames.PathMtu, await FailedAsync($"10.213.{net}.1:{port}"));
    }

    /// <summary>The check that fails as the program says it; empty: none.</summary>
    private async Task<string> FailedAsync(string parent)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "capillary-edge.dll");
        var (_, text) = await TryRunAsync("ip", "netns", "exec", space!, "dotnet", program, "doctor", "--parent", parent, "-o", "json");
        output.WriteLine(text);
        using var json = JsonDocument.Parse(text);
        return json.RootElement.GetProperty("parents")[0].TryGetProperty("failed", out var failed) ? failed.GetString()! : "";
    }

    private async Task<Diagnosis> ExamineAsync(DnsEndPoint parent, ProxySettings proxy)
    {
        var report = await new Examination(new DoctorTarget([parent], proxy), new DoctorLimits(), TimeProvider.System).RunAsync(stop.Token);
        output.WriteLine(DoctorText.ToText(report));
        return Assert.Single(report.Parents);
    }

    private async Task<int> ProxyAsync(string settings)
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            var port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            var file = Path.Combine(folder, $"{port}.conf");
            await File.WriteAllTextAsync(file, $"Port {port}\nListen 127.0.0.1\nMaxClients 20\nAllow 127.0.0.1\n{settings}\n");
            processes.Add(Process.Start(new ProcessStartInfo("tinyproxy", ["-d", "-c", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!);
            while (!await AnswersAsync(port)) await Task.Delay(20, stop.Token);
            return port;
        }
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<int> ServeAsync(IPAddress address)
    {
        var handlers = new ParentHandlers((_, _, _) => new((string?)null), _ => { },
            (_, _, _) => Task.FromResult(new EnrollAnswer("not here")), authority.Fleet);
        var server = new ParentServer(new ParentOptions(new IPEndPoint(address, 0)), new LinkKeys(authority.HubKey), new DesiredStateCell(authority.State),
            new BlobStore(Path.Combine(folder, "blobs")), handlers, TimeProvider.System, NullLoggerFactory.Instance);
        running = server.RunAsync(stop.Token);
        return (await server.Listening.WaitAsync(stop.Token)).Port;
    }

    private Task InSpaceAsync(params string[] command) => RunAsync(["ip", "netns", "exec", space!, .. command]);

    private async Task RunAsync(params string[] command)
    {
        var (code, text) = await TryRunAsync(command);
        Assert.True(code == 0, $"{string.Join(' ', command)}: {text}");
    }

    private static async Task<(int Code, string Text)> TryRunAsync(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, text);
    }
}
