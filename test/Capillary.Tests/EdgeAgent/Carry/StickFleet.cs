using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Capillary.Cli;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;
using Capillary.HubNode.Storage;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Capillary.Tests.Core.Apply;
using Capillary.Tests.HubNode;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using BundleContent = Capillary.HubNode.Publish.BundleContent;

namespace Capillary.Tests.EdgeAgent.Carry;

/// <summary>
/// A real hub, the real command line, and real agent processes whose parent does not exist: all that reaches them comes on a stick.
/// </summary>
internal sealed class StickFleet : IAsyncDisposable
{
    private readonly TempFolder folder = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(3));
    private readonly Dictionary<string, Process> agents = [];
    private readonly Task running;
    private CommitOutcome newest = new CommitOutcome.Unchanged();
    private string? commit;

    public StickFleet(string fleet = "labs")
    {
        HubFolder.Init(folder.Of("hub"), new FleetName(fleet), DateTimeOffset.UtcNow);
        Hub = new Hub(new HubOptions(folder.Of("hub"), new IPEndPoint(IPAddress.Loopback, 0)),
            (taken, _) => Task.FromResult(taken is not null && taken == commit ? new CommitOutcome.Unchanged() : newest), TimeProvider.System,
            NullLoggerFactory.Instance);
        running = Hub.RunAsync(stop.Token);
        Stick = Directory.CreateDirectory(folder.Of("stick")).FullName;
    }

    public Hub Hub { get; }

    /// <summary>What a technician carries.</summary>
    public string Stick { get; }

    public string HomeOf(string site) => folder.Of(site);

    public string RootFile(string site, string path) => Path.Combine(HomeOf(site), "root", path);

    public string Of(string name) => folder.Of(name);

    /// <summary>A commit that gives each site a file with this text and a blob of its own that never changes.</summary>
    public async Task CommitAsync(string id, string text, params string[] sites)
    {
        var contents = sites.ToDictionary(site => new SiteId(site), site => Content(text, site));
        var info = new CommitInfo(id, $"subject of {id}", "Ada <ada@example.org>", DateTimeOffset.UtcNow);
        newest = new CommitOutcome.Compiled(info, new(PolicySet.None, ["eu"],
            contents.ToDictionary(site => site.Key, site => new ReleasedSite(site.Value.Manifest.Digest, new RegionId("eu"))),
            site => contents[site]));
        commit = id;
        await Hub.ApiListening.WaitAsync(stop.Token);
        await Hub.Commits.SyncAsync(stop.Token);
        await UntilAsync($"the lines of {id}", () => sites.All(site =>
            Hub.Cell.Value.Lines.GetValueOrDefault(new SiteId(site))?.Assignment.Bundle == contents[new SiteId(site)].Manifest.Digest));
    }

    /// <summary>Makes a site that has joined, with keys of its own, and a record at the hub. Its parent's address leads nowhere.</summary>
    public void Join(string site, bool hasSealingKey = true)
    {
        var home = new NodeHome(HomeOf(site));
        using var identity = home.LoadKey();
        using var sealing = SealingKey.LoadOrCreate(home.FileOf("sealing.pem"));
        var node = new NodeName(site);
        var version = (Hub.Cell.Value.Records.GetValueOrDefault(node)?.Record.Version ?? 0) + 1;
        var record = new NodeRecord(1, Hub.Fleet, node, NodeKind.Site, new RegionId("eu"), identity.Public,
            hasSealingKey ? sealing.Public : null, RecordState.Active, version);
        var signed = new SignedRecord(record, Hub.Keys.Release.Sign(PayloadTypes.Record, record.ToPayload()));
        Hub.Database.Write(db => RecordTables.AddRecord(db, signed, DateTimeOffset.UtcNow));
        Hub.Cell.Update(state => state with { Records = state.Records.SetItem(node, signed) });
        home.KeepJoined(new(1, Hub.Fleet, node, NodeKind.Site, new("eu"), ["127.0.0.1:1"], version), signed.Envelope,
            Hub.Cell.Value.TrustRoots);
        Directory.CreateDirectory(Path.Combine(home.Folder, "root"));
    }

    public async Task StartAsync(string site)
    {
        // A report of this run, not of one before.
        File.Delete(Path.Combine(HomeOf(site), "report.json"));
        agents[site] = Process.Start(new ProcessStartInfo(Edge, ["run", "--data", HomeOf(site)]) { RedirectStandardError = true })!;
        // Nobody reads the log here; a full pipe would stop the agent.
        agents[site].ErrorDataReceived += (_, _) => { };
        agents[site].BeginErrorReadLine();
        await UntilAsync($"{site} to report", () => File.Exists(Path.Combine(HomeOf(site), "report.json")));
    }

    public async Task EndAsync(string site)
    {
        if (!agents.Remove(site, out var agent)) return;
        agent.Kill();
        await agent.WaitForExitAsync();
        agent.Dispose();
    }

    /// <summary>Runs <c>capillary-edge</c> to its end.</summary>
    public async Task<(int Code, string Output, string Error)> EdgeAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Edge, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(stop.Token), process.StandardError.ReadToEndAsync(stop.Token));
        await process.WaitForExitAsync(stop.Token);
        return (process.ExitCode, await output, await error);
    }

    public Task<(int Code, string Output, string Error)> ImportAsync(string site, string? stick = null, bool isWaiting = true) =>
        EdgeAsync(["import", stick ?? Stick, "--data", HomeOf(site), .. isWaiting ? (string[])["--minutes", "1"] : []]);

    /// <summary>Runs <c>capillary</c> against this hub.</summary>
    public async Task<(int Code, string Output, string Error)> CliAsync(params string[] arguments)
    {
        var root = new RootCommand { SiteCommand.Create(), JournalCommand.Create() };
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandRun.InvokeAsync(root, [.. arguments, "--socket", Path.Combine(folder.Of("hub"), "api.sock")],
            new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>The same, and it must succeed.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var (code, output, error) = await CliAsync([.. arguments, "-o", "json"]);
        Assert.True(code == 0, error);
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    /// <summary>Exports a site; the carry's folder.</summary>
    public async Task<string> ExportAsync(string site, string? to = null, params string[] more) =>
        (await JsonAsync(["site", "export", site, "--to", to ?? Stick, .. more])).GetProperty("path").GetString()!;

    public async Task UntilAsync(string what, Func<bool> holds)
    {
        while (!holds())
        {
            Assert.False(stop.IsCancellationRequested, $"waited for {what}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var site in agents.Keys.ToList()) await EndAsync(site);
        await stop.CancelAsync();
        await running;
        Hub.Dispose();
        folder.Dispose();
        stop.Dispose();
    }

    private static string Edge => Path.Combine(AppContext.BaseDirectory, "capillary-edge");

    private static BundleContent Content(string text, string site)
    {
        var big = new byte[300_000];
        new Random(site[0]).NextBytes(big);
        var artifact = Blob.Of(big);
        var layer = Blob.Of(new TestApp("notice").File("text", "etc/notice", text).Artifact("big", "lib/big", artifact.Digest).Layer().ToBytes());
        var manifest = new BundleManifest([new(MediaTypes.App, layer.Digest, layer.Content.Length, "notice")],
            [new(MediaTypes.Artifact, artifact.Digest, big.Length, "big")]);
        var copy = new ArtifactContent(artifact.Digest, async (into, stop) =>
        {
            await into.WriteAsync(big, stop);
            return null;
        });
        return new([layer], [copy], Blob.Of(manifest.ToBytes()));
    }
}
