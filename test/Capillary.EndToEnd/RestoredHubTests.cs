using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A hub whose folder comes from an old backup, in a fleet of its own: what it says of itself is compared in full.</summary>
public sealed partial class RestoredHubTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Region = "eu-central";
    private const string First = "basel-lab-1";
    private const string Late = "basel-lab-9";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"capillary-e2e-restored-{Environment.ProcessId}-{Guid.NewGuid():N}");
    private RunningFleet fleet = null!;
    private bool done;

    private static CancellationToken Stop => CancellationToken.None;

    public async Task InitializeAsync()
    {
        fleet = await RunningFleet.StartAsync(folder, 1, output.WriteLine, Stop);
        fleet.Repository.Edit($"regions/{Region}.yaml", text => text.Replace("spec:\n", $"spec:\n  addresses: [\"{fleet.AddressOf(Region)}\"]\n"));
        await fleet.ConvergeAsync(await fleet.Repository.CommitAsync("the region has an address", Stop), Deadline, Stop);
    }

    public async Task DisposeAsync()
    {
        await fleet.DisposeAsync();
        if (done) Directory.Delete(folder, recursive: true);
        else output.WriteLine($"the work folder is kept: {folder}");
    }

    [Fact]
    public async Task RestoredHub_ShowsTheConflict_AndGoesOnAboveIt_WithTheSiteThatWasEnrolledAfterTheBackup()
    {
        await BackUpAsync();
        await AddSiteAsync(Late);
        await HealthyAsync(Late);
        await RestoreAsync();
        await WaitAsync("the hub to know that it is behind", async () => (await ConditionsAsync()).ContainsKey("HubBehind"));
        var status = await fleet.Api.GetAsync("status", Stop);
        Assert.Equal("paused", status.GetProperty("rollout").GetProperty("phase").GetString());
        var shown = await CliAsync("hub", "resume");
        output.WriteLine(shown);
        Assert.Contains("do it with: capillary hub resume --yes", shown, StringComparison.Ordinal);
        output.WriteLine(await CliAsync("hub", "resume", "--yes"));
        foreach (var site in (string[])[Late, First]) await HealthyAsync(site);
        Assert.Empty(await ConditionsAsync());
        Assert.Contains("hub.resume", await CliAsync("journal", "list"), StringComparison.Ordinal);
        done = true;
    }

    /// <summary>Its region believes nothing that it signs, until the root keys have signed what follows the root that it lacks.</summary>
    [Fact]
    public async Task HubFromBeforeARotation_IsNamed_AndTheRootKeyBringsItBack()
    {
        var rootKey = Path.Combine(fleet.HomeOf("hub"), "keys", "root.pem");
        await BackUpAsync();
        await CliAsync("trust", "rotate", "--release", "--beacon", "--sign", rootKey);
        await AddSiteAsync(Late);
        await HealthyAsync(Late);
        await WaitAsync("every site to hold the second trust root", () => Task.FromResult(AllHold(2)));
        await RestoreAsync();
        await WaitAsync("the hub to say what it lacks", async () => (await ConditionsAsync()).ContainsKey("TrustRootBehind"));
        var text = (await ConditionsAsync())["TrustRootBehind"];
        output.WriteLine(text);
        Assert.Contains($"this hub has trust root version 1, and nodes hold a newer one: {Region} (version 2)", text, StringComparison.Ordinal);
        Assert.Contains("TrustRootBehind", await CliAsync("status"), StringComparison.Ordinal);
        Assert.Contains("hub.root-behind", await CliAsync("journal", "list"), StringComparison.Ordinal);

        await ReadyAsync();
        output.WriteLine(await CliAsync("trust", "rotate", "--after", RootFile(Region, 2), "--sign", rootKey));
        await WaitAsync("the region to show what it holds", async () => (await ConditionsAsync()).ContainsKey("HubBehind"));
        output.WriteLine(await CliAsync("hub", "resume", "--yes"));
        await WaitAsync("every site to hold the third trust root", () => Task.FromResult(AllHold(3)));
        fleet.Repository.Edit(fleet.Repository.Sites[0].File, text => Facility().Replace(text, "facility_name: \"found again\""));
        var commit = await fleet.Repository.CommitAsync("after the recovery", Stop);
        await WaitAsync("the site to run what was committed since", async () => await fleet.Api.SitesAsync(Stop) is { Count: 2 } rows
            && rows.All(row => row.IsSettled) && rows.Any(row => row.Commit == commit));
        Assert.Empty(await ConditionsAsync());
        done = true;
    }

    private string RootFile(string node, int version) => Path.Combine(fleet.HomeOf(node), "trust", $"root-{version:d8}.json");

    private bool AllHold(int version) => ((string[])[Region, First, Late]).All(node => File.Exists(RootFile(node, version)));

    private string Backup => fleet.HomeOf("hub") + "-backup";

    private async Task BackUpAsync()
    {
        await fleet.StopAsync("hub");
        await NodeProcess.RunAsync("cp", ["-a", fleet.HomeOf("hub"), Backup], Stop);
        await fleet.StartHubAsync(Stop);
        await ReadyAsync();
    }

    /// <summary>A started hub signs nothing before its regions have told what they hold, or the time for that is over.</summary>
    private Task ReadyAsync() => WaitAsync("the hub to sign again", async () =>
        (await fleet.Api.GetAsync("hub/restore", Stop)).GetProperty("state").GetString() == "ready");

    private async Task RestoreAsync()
    {
        await fleet.KillAsync("hub");
        Directory.Delete(fleet.HomeOf("hub"), recursive: true);
        Directory.Move(Backup, fleet.HomeOf("hub"));
        await fleet.StartHubAsync(Stop);
    }

    private async Task AddSiteAsync(string name)
    {
        var model = fleet.Repository.Sites.First(site => site.Name == First);
        var text = await File.ReadAllTextAsync(Path.Combine(fleet.Repository.Folder, model.File));
        text = Port().Replace(text.Replace($"name: {model.Name}\n", $"name: {name}\n"), match => $"{match.Groups[1].Value}{FleetRepository.FreePort()}");
        var site = model with { Name = name, File = model.File.Replace(model.Name, name) };
        await File.WriteAllTextAsync(Path.Combine(fleet.Repository.Folder, site.File), text);
        await fleet.Repository.CommitAsync("one more site", Stop);
        await WaitAsync("the site to be declared", async () => (await fleet.Api.SitesAsync(Stop)).Any(row => row.Site == name));
        var file = Path.Combine(fleet.Folder, $"{name}.join");
        await CliAsync("site", "enroll", name, "--out", file);
        await fleet.JoinSiteAsync(site, file, Stop);
        fleet.StartSite(name);
    }

    private async Task<Dictionary<string, string>> ConditionsAsync() =>
        (await fleet.Api.GetAsync("status", Stop)).GetProperty("conditions").EnumerateArray()
            .ToDictionary(item => item.GetProperty("code").GetString()!, item => item.GetProperty("text").GetString()!);

    private Task HealthyAsync(string site) => WaitAsync($"{site} to be healthy", async () =>
        (await fleet.Api.SitesAsync(Stop)).FirstOrDefault(row => row.Site == site)?.State == "healthy");

    private Task<string> CliAsync(params string[] arguments) => fleet.CapillaryAsync(Stop, [.. arguments, "--socket", fleet.Socket]);

    private Task WaitAsync(string what, Func<Task<bool>> holds) => fleet.WaitAsync(what, holds, Deadline, Stop);

    [GeneratedRegex("facility_name: \".*\"")]
    private static partial Regex Facility();

    [GeneratedRegex(@"((?:mllp|http)_port: )\d+")]
    private static partial Regex Port();
}
