using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The power fails, and when it is back there is no network.</summary>
public sealed class PowerCutTests(ITestOutputHelper output) : NetworkTest(output)
{
    private static readonly TimeSpan RepairWithin = TimeSpan.FromSeconds(10);

    [NetworkFact]
    public async Task Promise2_PowerCutAndNoNetwork_TheLastBundleRuns_DriftIsRepaired_AndLaterItConverges()
    {
        await ConvergeAsync(await CommitNoticeAsync("the last one before the night"));
        await Net.CutAsync(Site, Stop);
        await Fleet.CutPowerAsync(Site);
        Assert.False(await IsServingAsync());
        var commit = await CommitNoticeAsync("the one of the night");
        Fleet.StartSite(Site);
        var started = Stopwatch.StartNew();
        await WaitAsync("the gateway to answer again", IsServingAsync);
        Say($"serving {started.Elapsed.TotalSeconds:0.0} s after the start, without any network");

        var notice = Fleet.RootFile(Site, "share/notice.txt");
        var config = Fleet.RootFile(Site, "etc/instrument-gateway.json");
        var text = await File.ReadAllTextAsync(config, Stop);
        await File.WriteAllTextAsync(notice, "edited by hand", Stop);
        File.Delete(config);
        var repaired = await WaitAsync("the drift to be repaired", async () => NoticeSays("the last one before the night")
            && File.Exists(config) && await File.ReadAllTextAsync(config, Stop) == text);
        Assert.InRange(repaired, TimeSpan.Zero, RepairWithin);

        await Net.PlugAsync(Site, Stop);
        var plugged = Stopwatch.StartNew();
        await ConvergeAsync(commit);
        Say($"converged {plugged.Elapsed.TotalSeconds:0.0} s after the cable was back");
        Assert.True(NoticeSays("the one of the night"));
        Assert.True(await IsServingAsync());
    }
}
