using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Systemd;

/// <summary>A container with systemd, and a hub beside it.</summary>
public abstract class SystemdTest(ITestOutputHelper output) : IAsyncLifetime
{
    protected const string Data = "/var/lib/capillary-edge";
    protected const string Edge = "capillary-edge";
    protected const string Carried = "/opt/capillary-edge";
    private static readonly string Ship = Path.Combine("edge-ship", "capillary-edge");
    private protected readonly string folder = Directory.CreateTempSubdirectory("capillary-e2e-systemd-").FullName;
    private Container? machine;
    private WardFleet? fleet;

    protected static CancellationToken Stop => CancellationToken.None;

    private protected Container Machine => machine!;

    private protected WardFleet Fleet => fleet!;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (machine is not null) await machine.DisposeAsync();
        if (fleet is not null) await fleet.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>The machine and its fleet; where the agent as it ships stands.</summary>
    protected async Task<string> StartAsync()
    {
        var binaries = Binaries.Find();
        var bin = Path.GetDirectoryName(Path.GetDirectoryName(binaries.Edge)!)!;
        var agent = Path.Combine(bin, Ship);
        if (!File.Exists(agent)) throw new HarnessException($"{agent} is not built yet; run: ./dev e2e, or ./dev bench agent");
        Directory.CreateDirectory(Path.Combine(folder, "edge-ship"));
        File.Copy(agent, Path.Combine(folder, Ship));
        await NodeProcess.RunAsync("cp", ["-r", Path.GetDirectoryName(binaries.Capillary)!, Path.Combine(folder, "cli")], Stop);
        machine = await Container.StartAsync(folder, Say, Stop);
        fleet = await WardFleet.StartAsync(binaries, folder, Stop);
        // The test's own folder is closed to the machine's other accounts.
        await machine.RunAsync(Stop, "install", "-m", "755", Path.Combine(folder, Ship), Carried);
        return Carried;
    }

    protected void Say(string text) => output.WriteLine(text.TrimEnd());

    protected async Task<JsonElement> StatusAsync()
    {
        var (_, text, errors) = await Machine.TryRunAsync(Stop, Edge, "status", "-o", "json");
        return text.StartsWith('{') ? JsonDocument.Parse(text).RootElement.Clone() : throw new HarnessException(errors);
    }

    protected Task WellAsync() => Machine.WaitAsync("the site to be well", async () =>
        (await Machine.TryRunAsync(Stop, Edge, "status")).Code == 0, Stop);

    protected async Task<int> MainProcessAsync(string unit = Edge) =>
        int.Parse((await Machine.RunAsync(Stop, "systemctl", "show", "--property=MainPID", "--value", unit)).Trim());
}
