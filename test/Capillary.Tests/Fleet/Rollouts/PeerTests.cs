using Xunit;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>What users of comparable systems complain of (PEERS), as scripts.</summary>
public sealed class PeerTests
{
    /// <summary>One offline site held up a rollout for a day (rancher/fleet #594, #206, #192; flightctl).</summary>
    [Fact]
    public void Peers_An_offline_site_neither_blocks_the_wave_nor_uses_up_its_budget_and_gets_the_newest_when_it_is_back()
    {
        var said = RolloutScript.Run("""
            > waves canary everyone
            > policy default concurrent=1
            > release a=v1@1 b=v1@1 c=v1@2
            > plan
            > report a healthy
            > report b healthy
            > plan
            > report c healthy
            > wait 11
            > hear a
            > hear c
            > release a=v2@1 b=v2@1 c=v2@2
            > plan
            > report a healthy
            > plan
            > report c healthy
            > plan
            > release a=v3@1 b=v3@1 c=v3@2
            > plan
            > report a healthy
            > plan
            > report c healthy
            > plan
            # back
            > hear b
            > plan
            """);
        Assert.Contains("Complete: release 3 is at 2 of 3 sites; 1 absent", said, StringComparison.Ordinal);
        var back = said[said.IndexOf("# back", StringComparison.Ordinal)..];
        Assert.Contains("b -> v3 since", back, StringComparison.Ordinal);
        Assert.DoesNotContain("b -> v2", said, StringComparison.Ordinal);
    }

    /// <summary>Production was synced first, on a status of the commit before (argo-cd #29410, #22852, #19771).</summary>
    [Fact]
    public void Peers_A_health_of_the_commit_before_opens_no_wave()
    {
        var said = RolloutScript.Run("""
            > waves canary production
            > release a=v1@1 b=v1@2
            > plan
            > report a healthy
            > report b healthy
            > plan
            > release a=v2@1 b=v2@2
            > plan
            # the canary is healthy, says the report of the commit before, again and again
            > report a healthy 1
            > plan
            > report a healthy 1
            > plan
            """);
        Assert.DoesNotContain("b -> v2", said, StringComparison.Ordinal);
        Assert.EndsWith("b Closed: wave canary waits: site a: it has not accepted since 2 yet (is at 1)\n", said, StringComparison.Ordinal);
    }
}
