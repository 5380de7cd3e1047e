using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The hub is dead; a site that lost everything but its identity has only its region.</summary>
public sealed class HubAwayTests(ITestOutputHelper output) : NetworkTest(output)
{
    private protected override FleetPlan Plan(FleetPlan plan) => plan with { Sites = 2 };

    [NetworkFact]
    public async Task Promise5_HubDead_TheRegionServesAssignmentAndBlobsAlone_NothingNewStarts_AndItGoesOn()
    {
        var other = Repository.Sites[1].Name;
        var since = (await RowAsync()).DesiredBundle;
        await Fleet.KillAsync("hub");
        await Net.CutAsync("hub", Stop);
        var commit = await CommitNoticeAsync("made while the hub is dead");
        await RestartAsync(other);

        // Another's disk was lost but for its identity: it gets its signed assignment and its blobs from the region.
        await Fleet.CutPowerAsync(Site);
        var home = Fleet.HomeOf(Site);
        foreach (var folder in (string[])["blobs", "apply", "root"]) Directory.Delete(Path.Combine(home, folder), recursive: true);
        File.Delete(Path.Combine(home, "accepted.json"));
        Directory.CreateDirectory(Path.Combine(home, "root"));
        var log = Fleet.LogEnd(Site);
        Fleet.StartSite(Site);
        await WaitForLinkAsync(Site, log);
        await WaitAsync("the gateway to answer again", IsServingAsync);
        Assert.Contains(since!, Fleet.LogSince(Site, log), StringComparison.Ordinal);

        // A region that restarts without its hub serves the same.
        await Fleet.KillAsync(Region);
        Fleet.StartRegion(Region);
        await RestartAsync(Site);
        Assert.False(NoticeSays("made while the hub is dead"));
        var answer = await NodeProcess.TryRunAsync(Fleet.Binaries.Capillary, ["status", "--socket", Fleet.Socket], Stop);
        Assert.NotEqual(0, answer.Code);
        Assert.Contains("no hub answers", answer.Errors, StringComparison.Ordinal);

        await Net.PlugAsync("hub", Stop);
        await Fleet.StartHubAsync(Stop);
        await ConvergeAsync(commit, TimeSpan.FromMinutes(2));
        Assert.True(NoticeSays("made while the hub is dead"));
    }

    private async Task RestartAsync(string site)
    {
        await Fleet.KillAsync(site);
        var log = Fleet.LogEnd(site);
        Fleet.StartSite(site);
        await WaitForLinkAsync(site, log);
        await WaitAsync($"{site} to be healthy by itself", () => Fleet.LogSince(site, log).Contains("apply: Healthy", StringComparison.OrdinalIgnoreCase));
    }
}
