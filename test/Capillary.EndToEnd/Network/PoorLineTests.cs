using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>A line that loses three packets of ten, in each direction.</summary>
public sealed class PoorLineTests(ITestOutputHelper output) : NetworkTest(output)
{
    [NetworkFact]
    public async Task ThirtyPercentLoss_TheSiteLinksAndConverges()
    {
        await Fleet.StopAsync(Site);
        var log = Fleet.LogEnd(Site);
        await Net.LoseAsync(Site, 30, Stop);
        Fleet.StartSite(Site);
        await WaitForLinkAsync(Site, log, TimeSpan.FromMinutes(2));
        var clock = Stopwatch.StartNew();
        await ConvergeAsync(await CommitNoticeAsync("over a poor line"), TimeSpan.FromMinutes(3));
        Say($"converged {clock.Elapsed.TotalSeconds:0.0} s after the commit");
        Assert.True(NoticeSays("over a poor line"));
    }
}
