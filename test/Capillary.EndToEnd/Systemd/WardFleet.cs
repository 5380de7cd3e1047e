using System.Text.Json;

namespace Capillary.EndToEnd.Systemd;

/// <summary>A hub on this machine, with a fleet of one site that runs one small service under an account of its own.</summary>
internal sealed class WardFleet : IAsyncDisposable
{
    public const string Site = "ward-1";
    public const string Region = "eu";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, string> Files = new()
    {
        ["fleet.yaml"] = "apiVersion: capillary.dev/v1\nkind: Fleet\nmetadata:\n  name: wards\nspec:\n  regions: [eu]\n",
        ["regions/eu.yaml"] = "apiVersion: capillary.dev/v1\nkind: Region\nmetadata:\n  name: eu\nspec: {}\n",
        ["sites/eu/ward-1.yaml"] =
            "apiVersion: capillary.dev/v1\nkind: Site\nmetadata:\n  name: ward-1\nspec:\n  platform: host\n  distribution: debian\n",
        ["apps/monitor/app.yaml"] = """
            apiVersion: capillary.dev/v1
            kind: App
            metadata:
              name: monitor
            spec:
              placement:
                selector: {}
                platforms: [host]

            """,
        ["apps/monitor/templates/monitor.yaml"] = """
            apiVersion: capillary.dev/v1
            kind: Service
            metadata:
              name: monitor
            spec:
              user: lab
              command: [/usr/bin/sleep, "100000"]
              restart:
                policy: always

            """,
    };

    private readonly Binaries binaries;
    private readonly string folder;
    private readonly string address;
    private readonly string socket;
    private NodeProcess? hub;

    private WardFleet(Binaries binaries, string folder)
    {
        (this.binaries, this.folder) = (binaries, folder);
        (address, socket) = ($"127.0.0.1:{FleetRepository.FreePort()}", Path.Combine(folder, "hub", "api.sock"));
        Api = new HubApi(socket);
    }

    public HubApi Api { get; }

    public static async Task<WardFleet> StartAsync(Binaries binaries, string folder, CancellationToken stop)
    {
        var repository = Path.Combine(folder, "fleet");
        foreach (var (path, text) in Files) await WriteAsync(repository, path, text, stop);
        await NodeProcess.RunAsync("git", ["init", "--quiet", "--initial-branch=main", repository], stop);
        await CommitAsync(repository, "one ward", stop);
        await NodeProcess.RunAsync(binaries.Capillary, ["hub", "init", "--data", Path.Combine(folder, "hub"), "--fleet", "wards"], stop);
        var fleet = new WardFleet(binaries, folder);
        await fleet.StartHubAsync(stop);
        return fleet;
    }

    public async Task StartHubAsync(CancellationToken stop)
    {
        hub = NodeProcess.Start("hub", Path.Combine(folder, "hub.log"), binaries.Capillary,
            ["hub", "run", "--data", Path.Combine(folder, "hub"), "--repo", Path.Combine(folder, "fleet"), "--listen", address]);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Deadline);
        while (!await KnowsItsFleetAsync(limit.Token)) await Task.Delay(100, limit.Token);
    }

    /// <summary>Another commit, with this file changed or, without a text, removed.</summary>
    public async Task ChangeAsync(string path, string? text, CancellationToken stop)
    {
        var repository = Path.Combine(folder, "fleet");
        if (text is null) File.Delete(Path.Combine(repository, path));
        else await WriteAsync(repository, path, text, stop);
        await CommitAsync(repository, $"change {path}", stop);
    }

    public async Task StopHubAsync()
    {
        if (hub is not null) await hub.DisposeAsync();
        hub = null;
    }

    /// <summary>A join file, as an operator makes it.</summary>
    public async Task<string> EnrollAsync(string kind, string node, CancellationToken stop)
    {
        var file = Path.Combine(folder, $"{node}.join");
        await NodeProcess.RunAsync(binaries.Capillary, [kind, "enroll", node, "--parent", address, "--out", file, "--socket", socket], stop);
        return file;
    }

    public async Task<string> StateOfSiteAsync(CancellationToken stop) =>
        (await Api.GetAsync("sites", stop)).EnumerateArray().Single().GetProperty("state").GetString()!;

    public async ValueTask DisposeAsync()
    {
        await StopHubAsync();
        Api.Dispose();
    }

    private static async Task WriteAsync(string repository, string path, string text, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(repository, path))!);
        await File.WriteAllTextAsync(Path.Combine(repository, path), text, stop);
    }

    private static async Task CommitAsync(string repository, string message, CancellationToken stop)
    {
        await NodeProcess.RunAsync("git", ["-C", repository, "add", "--all"], stop);
        await NodeProcess.RunAsync("git",
            ["-C", repository, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", message], stop);
    }

    private async Task<bool> KnowsItsFleetAsync(CancellationToken stop)
    {
        try
        {
            return (await Api.GetAsync("sites", stop)) is { ValueKind: JsonValueKind.Array } sites && sites.GetArrayLength() > 0;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
