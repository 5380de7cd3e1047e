using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>A hospital's firewall: outgoing 443, and nothing else in either direction.</summary>
public sealed class OutgoingOnlyTests(ITestOutputHelper output) : NetworkTest(output)
{
    [NetworkFact]
    public async Task OnlyOutgoing443_IsEnoughToJoinConvergeAndReport_AndNothingElseIsTried()
    {
        Assert.True(await Net.PacketsAsync("sent", Site, Stop) > 0);
        await ConvergeAsync(await CommitNoticeAsync("behind a firewall"));
        Assert.True(NoticeSays("behind a firewall"));
        Assert.Equal(0, await Net.PacketsAsync("refused", Site, Stop));

        // The firewall is really there: neither way passes but the one.
        Assert.NotEqual(0, await Net.TryInAsync(Site, Stop, "curl", "-s", "-m", "1", $"http://{Net.AddressOf("hub")}:80"));
        Assert.NotEqual(0, await Net.TryInAsync(Region, Stop, "curl", "-s", "-m", "1", $"http://{Net.AddressOf(Site)}:{First.HttpPort}/healthz"));
        Assert.True(await Net.PacketsAsync("refused", Site, Stop) > 0);
        Assert.True(await Net.PacketsAsync("inbound", Site, Stop) > 0);
        Assert.True(await IsServingAsync());
    }
}
