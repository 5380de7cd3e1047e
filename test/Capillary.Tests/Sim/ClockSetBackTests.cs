using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Sim;
using Xunit;

namespace Capillary.Tests.Sim;

/// <summary>
/// Found by the simulator (12 sites, 25 minutes, seed 106): a site whose clock was set back never missed its silent parent.
/// </summary>
public sealed class ClockSetBackTests
{
    private static readonly DateTimeOffset Now = new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Before = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ChildSession session;

    public ClockSetBackTests()
    {
        var authority = new Authority();
        var trust = TrustState.Begin(authority.TrustRoots[0]);
        session = new ChildSession(new NodeName("site"), trust, authority.HubKey.Public.Id, () => new ChildHello(0, null, "", "boot"));
        Assert.Single(session.Start(Now));
        session.OnFrame(new Frame.TrustAnswer([], authority.HubRecord.Envelope, null), Now);
    }

    [Fact]
    public void A_dead_link_is_noticed_by_a_clock_that_was_set_back()
    {
        for (var second = 0; second <= LinkProtocol.DeadAfter.TotalSeconds + 1; second++)
        {
            if (session.OnTick(Before.AddSeconds(second)).OfType<ChildOutput.Fail>().Any()) return;
        }
        Assert.Fail("the silence was not noticed");
    }

    [Fact]
    public void Heartbeats_go_on_when_the_clock_was_set_back()
    {
        Assert.Contains(session.OnTick(Before), output => output is ChildOutput.Send { Frame: Frame.Beat });
        Assert.Empty(session.OnTick(Before.AddSeconds(1)));
    }
}
