using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A fleet whose sites come, move and go; its regions have addresses.</summary>
public sealed class LifeFleet : IAsyncLifetime
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"capillary-life-{Environment.ProcessId}");

    internal RunningFleet Fleet { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Fleet = await RunningFleet.StartAsync(folder, 6, _ => { }, CancellationToken.None);
        foreach (var region in Fleet.Regions)
            Fleet.Repository.Edit($"regions/{region}.yaml", text => text.Replace("spec:\n", $"spec:\n  addresses: [\"{Fleet.AddressOf(region)}\"]\n"));
        var commit = await Fleet.Repository.CommitAsync("regions have addresses", CancellationToken.None);
        await Fleet.ConvergeAsync(commit, TimeSpan.FromSeconds(240), CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await Fleet.DisposeAsync();
        if (Environment.GetEnvironmentVariable("CAPILLARY_KEEP") is null) Directory.Delete(folder, recursive: true);
        else Console.WriteLine($"the work folder is kept: {folder}");
    }
}

/// <summary>Revoke, retire, replace and move, each with real processes and somebody away in the middle.</summary>
public sealed partial class SiteLifeTests(LifeFleet life, ITestOutputHelper output) : IClassFixture<LifeFleet>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private static CancellationToken Stop => CancellationToken.None;

    private RunningFleet Fleet => life.Fleet;

    private FleetRepository Repository => Fleet.Repository;

    [Fact]
    public async Task RetiredSite_ThatIsAwayMeanwhile_RemovesWhatWeOwn_ThenIsRevoked()
    {
        const string Site = "lyon-poct-2";
        await HealthyAsync(Site);
        Assert.Contains("remove sites/eu-central/lyon-poct-2.yaml first", (await TryAsync("site", "retire", Site)).Errors, StringComparison.Ordinal);
        await Fleet.StopAsync(Site);
        File.Delete(Path.Combine(Repository.Folder, Repository.Sites.First(site => site.Name == Site).File));
        await Repository.CommitAsync("a site is closed", Stop);
        await WaitAsync("the site to be orphaned", async () => (await RowAsync(Site)).GetProperty("orphaned").GetBoolean());
        output.WriteLine(await CliAsync("site", "retire", Site, "--reason", "closed"));
        await Fleet.KillAsync("hub");
        await Fleet.StartHubAsync(Stop);
        Assert.Equal("retiring", (await RowAsync(Site)).GetProperty("life").GetString());
        Assert.True(File.Exists(Path.Combine(Fleet.HomeOf(Site), "root", "share/notice.txt")));
        Fleet.StartSite(Site);
        await WaitAsync("the site to be retired", async () => await StateAsync(Site) == "retired");
        Assert.False(File.Exists(Path.Combine(Fleet.HomeOf(Site), "root", "share/notice.txt")));
        Assert.Contains("retired already", (await TryAsync("site", "retire", Site)).Errors, StringComparison.Ordinal);
        await CountsAddUpAsync();
        await Fleet.StopAsync(Site);
    }

    [Fact]
    public async Task Promise5_RevokedSite_IsRefusedByItsRegionAlone_AlsoAfterTheRegionsRestart()
    {
        const string Site = "albany-poct-3";
        const string Region = "us-east";
        await HealthyAsync(Site);
        await Fleet.StopAsync(Site);
        output.WriteLine(await CliAsync("site", "revoke", Site, "--reason", "stolen"));
        Assert.Equal("revoked", await StateAsync(Site));
        await WaitAsync("the region to hold the record", () => Task.FromResult(RegionHolds(Region, Site, "revoked")));
        await Fleet.KillAsync("hub");
        foreach (var restart in (bool[])[false, true])
        {
            if (restart)
            {
                await Fleet.KillAsync(Region);
                Fleet.StartRegion(Region);
            }
            var log = LogEnd(Region);
            Fleet.StartSite(Site);
            await WaitAsync("the region to refuse it", () => Task.FromResult(
                LogSince(Region, log).Contains($"'{Site}' was revoked", StringComparison.Ordinal)));
            await Fleet.StopAsync(Site);
        }
        await Fleet.StartHubAsync(Stop);
        await CountsAddUpAsync();
    }

    [Fact]
    public async Task MovedSite_ThatIsAwayMeanwhile_IsToldByItsOldRegion_AndDialsTheNewOne()
    {
        const string Site = "freiburg-lab-1";
        await HealthyAsync(Site);
        Assert.Contains("does not declare", (await TryAsync("site", "move", Site, "--region", "us-east")).Errors, StringComparison.Ordinal);
        await Fleet.StopAsync(Site);
        var file = Repository.Sites.First(site => site.Name == Site).File;
        File.Move(Path.Combine(Repository.Folder, file), Path.Combine(Repository.Folder, file.Replace("eu-central", "us-east")));
        await Repository.CommitAsync("a site changes its region", Stop);
        await WaitAsync("the move to be pending", async () => (await RowAsync(Site)).GetProperty("movePending").GetString() == "us-east");
        output.WriteLine(await CliAsync("site", "move", Site, "--region", "us-east"));
        var log = LogEnd("eu-central");
        Fleet.StartSite(Site);
        await WaitAsync("the old region to tell it", () => Task.FromResult(
            LogSince("eu-central", log).Contains($"'{Site}' was moved to region 'us-east'", StringComparison.Ordinal)));
        // Also through a power cut: what it was told is durable.
        await Fleet.KillAsync(Site);
        Fleet.StartSite(Site);
        await HealthyAsync(Site);
        var row = await RowAsync(Site);
        Assert.Equal(("us-east", JsonValueKind.Null), (row.GetProperty("region").GetString(), row.GetProperty("movePending").ValueKind));
        await CountsAddUpAsync();
    }

    [Fact]
    public async Task ReplacedHardware_IsRefused_AndTheNewOneRuns()
    {
        const string Site = "boston-lab-1";
        await HealthyAsync(Site);
        var version = (await Fleet.Api.GetAsync($"sites/{Site}", Stop)).GetProperty("recordVersion").GetInt64();
        await Fleet.StopAsync(Site);
        using (var gateway = Process.GetProcessById(GatewayProcess(Site))) gateway.Kill();
        var old = Fleet.HomeOf(Site) + "-old";
        Directory.Move(Fleet.HomeOf(Site), old);
        var file = Path.Combine(Fleet.Folder, $"{Site}-new.join");
        output.WriteLine(await CliAsync("site", "replace", Site, "--out", file));
        await Fleet.JoinSiteAsync(Repository.Sites.First(site => site.Name == Site), file, Stop);
        Fleet.StartSite(Site);
        await HealthyAsync(Site);
        var detail = await Fleet.Api.GetAsync($"sites/{Site}", Stop);
        Assert.Equal((version + 1, JsonValueKind.Null), (detail.GetProperty("recordVersion").GetInt64(), detail.GetProperty("fallback").ValueKind));
        var log = LogEnd("us-east");
        await using var copy = NodeProcess.Start("old", Path.Combine(Fleet.Folder, "logs", "old.log"), Fleet.Binaries.Edge, ["run", "--data", old]);
        await WaitAsync("the old disk to be refused", () => Task.FromResult(
            LogSince("us-east", log).Contains("refused: not-enrolled", StringComparison.Ordinal)));
        await HealthyAsync(Site);
        Assert.DoesNotContain("\"phase\":\"reverted\"", (await Fleet.Api.GetAsync($"sites/{Site}", Stop)).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RegionWithTwoNodes_OneIsKilled_ItsSitesGoOnAtTheOther()
    {
        const string Region = "us-east", Second = "us-east-2", Site = "boston-lab-1";
        var file = Path.Combine(Fleet.Folder, $"{Second}.join");
        output.WriteLine(await CliAsync("region", "enroll", Region, "--node", Second, "--parent", Fleet.AddressOf("hub"), "--out", file));
        await NodeProcess.RunAsync(Fleet.Binaries.Capillary, ["region", "join", file, "--data", Fleet.HomeOf(Second)], Stop);
        Fleet.StartRegion(Second);
        Repository.Edit($"regions/{Region}.yaml", text =>
            text.Replace($"[\"{Fleet.AddressOf(Region)}\"]", $"[\"{Fleet.AddressOf(Region)}\", \"{Fleet.AddressOf(Second)}\"]"));
        await Repository.CommitAsync("a second node", Stop);
        // The site learns the addresses from its record, and dials the second node only when the first is gone.
        await WaitAsync("the site to know both", () => Task.FromResult(
            Encoding.UTF8.GetString(Payload().Match(File.ReadAllText(Path.Combine(Fleet.HomeOf(Site), "record.json"))) is { Success: true } found
                ? Convert.FromBase64String(found.Groups[1].Value.Replace("\\u002B", "+")) : []).Contains(Fleet.AddressOf(Second), StringComparison.Ordinal)));
        await Fleet.KillAsync(Region);
        await WaitAsync("the site to be live at the second node", () => Task.FromResult(
            LogSince(Site, 0).Contains($"link to {Second} is live", StringComparison.Ordinal)));
        Repository.Edit("fleet.yaml", text => text.Replace("result_retention_days: 30", "result_retention_days: 33"));
        var commit = await Repository.CommitAsync("while a node is gone", Stop);
        await WaitAsync("the fleet to run what was committed meanwhile", async () =>
            await Fleet.Api.GetAsync("status", Stop) is var status && status.GetProperty("commit").GetString() == commit
            && status.GetProperty("rollout") is var rollout && rollout.GetProperty("release").GetInt64() == status.GetProperty("release").GetInt64()
            && rollout.GetProperty("phase").GetString() == "complete" && await StateAsync(Site) == "healthy");
        Fleet.StartRegion(Region);
        await CountsAddUpAsync();
        await Fleet.StopAsync(Second);
    }

    /// <summary>Promise 6: whoever adds up gets the same number everywhere.</summary>
    private async Task CountsAddUpAsync()
    {
        var status = await Fleet.Api.GetAsync("status", Stop);
        var regions = await Fleet.Api.GetAsync("regions", Stop);
        var states = status.GetProperty("states").EnumerateObject().Sum(state => state.Value.GetInt32());
        Assert.Equal(status.GetProperty("sites").GetInt32(), states);
        Assert.Equal(states, regions.EnumerateArray().Sum(region => region.GetProperty("sites").GetInt32()));
    }

    private bool RegionHolds(string region, string site, string text)
    {
        var payloads = Directory.EnumerateFiles(Fleet.HomeOf(region), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file).Contains(site, StringComparison.Ordinal)).Select(File.ReadAllText);
        return payloads.Any(json => Payload().Match(json) is { Success: true } found && System.Text.Encoding.UTF8
            .GetString(Convert.FromBase64String(found.Groups[1].Value.Replace("\\u002B", "+"))).Contains(text, StringComparison.OrdinalIgnoreCase));
    }

    private int GatewayProcess(string site)
    {
        var record = File.ReadAllBytes(Path.Combine(Fleet.HomeOf(site), "apply", "services", "instrument-gateway.gateway.json"));
        using var json = JsonDocument.Parse(record);
        return json.RootElement.GetProperty("pid").GetInt32();
    }

    private long LogEnd(string node) => new FileInfo(Fleet.LogOf(node)).Length;

    private string LogSince(string node, long from)
    {
        using var file = new FileStream(Fleet.LogOf(node), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = from;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    private Task<string> CliAsync(params string[] arguments) => Fleet.CapillaryAsync(Stop, [.. arguments, "--socket", Fleet.Socket]);

    private Task<(int Code, string Output, string Errors)> TryAsync(params string[] arguments) =>
        NodeProcess.TryRunAsync(Fleet.Binaries.Capillary, [.. arguments, "--socket", Fleet.Socket], Stop);

    private async Task<Dictionary<string, JsonElement>> RowsAsync() =>
        (await Fleet.Api.GetAsync("sites", Stop)).EnumerateArray().ToDictionary(row => row.GetProperty("site").GetString()!);

    private async Task<JsonElement> RowAsync(string site) => (await RowsAsync())[site];

    private async Task<string> StateAsync(string site) => (await RowAsync(site)).GetProperty("state").GetString()!;

    private Task HealthyAsync(string site) => WaitAsync($"{site} to be healthy", async () => await StateAsync(site) == "healthy");

    private Task WaitAsync(string what, Func<Task<bool>> holds) => Fleet.WaitAsync(what, holds, Deadline, Stop);

    [GeneratedRegex(@"""payload"":""([^""]*)""")]
    private static partial Regex Payload();
}
