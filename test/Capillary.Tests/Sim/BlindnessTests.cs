using Capillary.Sim;
using Xunit;

namespace Capillary.Tests.Sim;

/// <summary>Each rule broken on purpose is caught by the rule's own check: the simulator cannot pass by being blind.</summary>
public sealed class BlindnessTests
{
    [Theory]
    [InlineData(nameof(Mutation.SiteSkipsAcceptance), 4, 20, "promise 1")]
    [InlineData(nameof(Mutation.SiteActsBeforeKeeping), 1, 20, "promise 1")]
    [InlineData(nameof(Mutation.SiteAppliesBeforeBlobs), 1, 20, "promise 4")]
    [InlineData(nameof(Mutation.SiteKeepsNoApplyState), 1, 20, "promise 4")]
    [InlineData(nameof(Mutation.SiteForgetsReverts), 3, 20, "promise 4")]
    [InlineData(nameof(Mutation.PlannerIgnoresWaves), 3, 20, "promise 7")]
    [InlineData(nameof(Mutation.HubTrustsSilence), 2, 20, "promise 6")]
    [InlineData(nameof(Mutation.HubTakesRelayedReportsForLife), 107, 25, "promise 6")]
    [InlineData(nameof(Mutation.HubForgetsItsLastPlan), 4, 20, "generations")]
    [InlineData(nameof(Mutation.SiteForgetsReportNumbers), 144, 25, "convergence")]
    [InlineData(nameof(Mutation.RegionKeepsGenerationOverDamage), 217, 12, "mirror", 6)]
    [InlineData(nameof(Mutation.ParentAcceptsOldKey), 3, 20, "one key")]
    [InlineData(nameof(Mutation.ParentKeepsRevokedSessions), 2, 20, "one key")]
    [InlineData(nameof(Mutation.RegionOffersRootTooEarly), 3, 20, "trust root")]
    [InlineData(nameof(Mutation.HubRotatesRootFirst), 3, 20, "trust root")]
    [InlineData(nameof(Mutation.SitePromotesBeforeRecord), 1, 20, "identity")]
    [InlineData(nameof(Mutation.HubTakesHoles), 3, 20, "promise 3")]
    public void A_broken_rule_is_caught(string mutation, ulong seed, int minutes, string rule, int sites = 12)
    {
        var broken = Enum.Parse<Mutation>(mutation);
        var outcome = new World(new Options(seed, Sites: sites, Minutes: minutes, Broken: broken)).Run();
        Assert.StartsWith($"{rule}:", outcome.Failure);
    }
}
