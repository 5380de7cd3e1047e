using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The site's address changes under a living session: what is sent to the old one is lost.</summary>
public sealed class NewAddressTests(ITestOutputHelper output) : NetworkTest(output)
{
    private const int FreshFor = 35;

    private protected override FleetPlan Plan(FleetPlan plan) => plan with { HubArguments = ["--fresh-for", $"{FreshFor}"] };

    [NetworkFact]
    public async Task Promise6_NewAddressOfASite_ItDialsAgainAndConverges_AndIsNeverHealthyWhileSilent()
    {
        var (log, old) = (Fleet.LogEnd(Site), Net.AddressOf(Site));
        await Net.MoveAsync(Site, Stop);
        var clock = Stopwatch.StartNew();
        var commit = await CommitNoticeAsync("made at the old address");
        await WaitAsync($"the site to be live from another address than {old}", async () =>
        {
            var row = await RowAsync();
            if (row.AgeSeconds > FreshFor + 1) Assert.NotEqual("healthy", row.State);
            return Fleet.LogSince(Site, log).Contains("is live", StringComparison.Ordinal);
        }, DeadWithin + TimeSpan.FromSeconds(30));
        await ConvergeAsync(commit);
        Say($"converged {clock.Elapsed.TotalSeconds:0.0} s after the address changed");
        Assert.Contains("is down", Fleet.LogSince(Site, log), StringComparison.Ordinal);
        Assert.True(NoticeSays("made at"));
    }
}
