using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A tier is gone for a while: what is below goes on, and what was decided meanwhile arrives.</summary>
public sealed class OutageTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private const string Region = "eu-central";

    [Fact]
    public async Task Promise2_RegionStopped_ItsSitesRunOn_AndTheCommitArrivesWhenItIsBack()
    {
        var process = GatewayProcess(Poct);
        await Fleet.StopAsync(Region);
        var first = await AgeAsync(Poct);
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        var commit = await Repository.CommitAsync("made while a region is away", Stop);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await WaitAsync("the site's age to grow", async () => await AgeAsync(Poct) >= first + 3);
        Say($"age {first} s, then {await AgeAsync(Poct)} s after {clock.Elapsed.TotalSeconds:0.0} s");
        var row = (await RowsAsync())[Poct];
        Assert.NotEqual(commit, row.GetProperty("commit").GetString());
        Assert.Contains("preliminary", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
        Assert.True(await Instrument.IsWellAsync(SiteNamed(Poct), Stop));
        await Instrument.SendAsync(Fleet, SiteNamed(Poct), Stop);
        Assert.False(await Fleet.IsConvergedAsync(commit, Stop));
        Fleet.StartRegion(Region);
        await Fleet.ConvergeAsync(commit, Deadline, Stop);
        Assert.Equal(process, GatewayProcess(Poct));
        Assert.Contains("provisional", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promise5_HubStopped_TheRegionServesARestartedSite()
    {
        var commit = await Repository.HeadAsync(Stop);
        var log = LogEnd(Poct);
        await Fleet.StopAsync("hub");
        await Fleet.StopAsync(Poct);
        // What the site lost while it was away, it gets from its region: the hub is not there to ask.
        Directory.Delete(Path.Combine(Fleet.HomeOf(Poct), "blobs"), recursive: true);
        File.Delete(RootFile(Poct, "share/notice.txt"));
        Fleet.StartSite(Poct);
        await WaitAsync("the site to be live with its region", () =>
            LogSince(Poct, log).Contains($"link to {Region} is live", StringComparison.Ordinal));
        await WaitAsync("the site to be whole again", () => File.Exists(RootFile(Poct, "share/notice.txt")));
        Assert.True(await Instrument.IsWellAsync(SiteNamed(Poct), Stop));
        await Fleet.StartHubAsync(Stop);
        await Fleet.ConvergeAsync(commit, Deadline, Stop);
        Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        await CommitAndConvergeAsync("after the hub is back");
    }

    private async Task<long> AgeAsync(string site) => (await RowsAsync())[site].GetProperty("ageSeconds").GetInt64();
}
