using Capillary.Core.Bundles;
using Capillary.Core.Reports;
using Capillary.Tests.Core.Trust;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Reports;

/// <summary>Promise 6: status never lies.</summary>
public sealed class SiteStatusTests
{
    private static readonly DateTimeOffset Now = TestFleet.Issued;

    private static readonly SiteFacts Well = new(false, TestReports.Healthy, Now, 7, TestReports.Bundle, 7);

    // Each line spoils one fact more urgent than those of the lines after it.
    private static readonly (SiteState State, Func<SiteFacts, SiteFacts> Spoil)[] MostUrgentFirst =
    [
        (SiteState.Retired, facts => facts with { Retired = true }),
        (SiteState.Revoked, facts => facts with { Revoked = true }),
        (SiteState.Conflict, facts => facts with { Generation = 6 }),
        (SiteState.Offline, facts => facts with { HeardAt = Now.AddMinutes(-11) }),
        (SiteState.Stale, facts => facts with { HeardAt = facts.HeardAt < Now ? facts.HeardAt : Now.AddSeconds(-91) }),
        (SiteState.Degraded, facts => With(facts, report => report with { Conditions = [new("X", Severity.Error, "x")] })),
        (SiteState.Held, facts => With(facts, report => report with { Phase = ReportPhase.Held })),
        (SiteState.Progressing, facts => facts with { DesiredSince = 8 }),
    ];

    [Fact]
    public void The_most_urgent_state_wins()
    {
        for (var first = 0; first < MostUrgentFirst.Length; first++)
        {
            for (var others = 0; others < 1 << (MostUrgentFirst.Length - first - 1); others++)
            {
                var facts = MostUrgentFirst[first].Spoil(Well);
                for (var i = 0; i < MostUrgentFirst.Length - first - 1; i++)
                {
                    if ((others >> i & 1) == 1) facts = MostUrgentFirst[first + 1 + i].Spoil(facts);
                }
                Assert.Equal(MostUrgentFirst[first].State, SiteStatus.Derive(facts, Freshness.Default, Now));
            }
        }
        Assert.Equal(SiteState.Healthy, SiteStatus.Derive(Well, Freshness.Default, Now));
    }

    [Fact]
    public void The_enum_stands_in_the_order_of_the_states() =>
        Assert.Equal("Retired Revoked Conflict Pending Offline Stale Degraded Progressing Held Healthy", string.Join(' ', Enum.GetNames<SiteState>()));

    [Fact]
    public void A_site_never_seen_is_pending_and_a_revoked_one_revoked()
    {
        Assert.Equal(SiteState.Pending, SiteStatus.Derive(Well with { Report = null }, Freshness.Default, Now));
        Assert.Equal(SiteState.Pending, SiteStatus.Derive(Well with { HeardAt = null }, Freshness.Default, Now));
        Assert.Equal(SiteState.Pending, SiteStatus.Derive(new(false, null, null, 0, null, 0), Freshness.Default, Now));
        Assert.Equal(SiteState.Revoked, SiteStatus.Derive(new(true, null, null, 0, null, 0), Freshness.Default, Now));
    }

    [Theory]
    [InlineData(0, SiteState.Healthy)]
    [InlineData(90, SiteState.Healthy)]
    [InlineData(90.001, SiteState.Stale)]
    [InlineData(600, SiteState.Stale)]
    [InlineData(600.001, SiteState.Offline)]
    [InlineData(1e9, SiteState.Offline)]
    public void Promise6_a_silent_site_is_stale_then_offline(double seconds, SiteState expected) =>
        Assert.Equal(expected, SiteStatus.Derive(Well with { HeardAt = Now.AddSeconds(-seconds) }, Freshness.Default, Now));

    [Fact]
    public void Promise6_a_hub_clock_that_was_set_back_makes_nobody_healthy() =>
        Assert.Equal(SiteState.Stale, SiteStatus.Derive(Well with { HeardAt = Now.AddHours(1) }, Freshness.Default, Now));

    [Fact]
    public void Promise6_silent_is_never_healthy() => Prop.ForAll(AnyFacts.ToArbitrary(), facts =>
    {
        var state = SiteStatus.Derive(facts, Freshness.Default, Now);
        var heard = facts.HeardAt is { } at && Now - at <= Freshness.Default.FreshFor;
        return heard || state is SiteState.Revoked or SiteState.Conflict or SiteState.Pending or SiteState.Offline or SiteState.Stale;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Promise6_healthy_means_the_assigned_bundle_by_the_sites_own_word() => Prop.ForAll(AnyFacts.ToArbitrary(), facts =>
        SiteStatus.Derive(facts, Freshness.Default, Now) != SiteState.Healthy || (!facts.Revoked && facts.Report is
        {
            Phase: ReportPhase.Healthy,
        } report && report.Bundle == facts.DesiredBundle && report.BundleSince == facts.DesiredSince && report.Since == facts.DesiredSince
            && facts.DesiredSince > 0 && report.Apps.All(app => app.Healthy))).QuickCheckThrowOnFailure();

    [Fact]
    public void Promise6_a_site_whose_app_is_not_healthy_is_not_healthy()
    {
        var facts = With(Well, report => report with { Apps = [new(new("gateway"), false, "http 503")] });
        Assert.Equal(SiteState.Degraded, SiteStatus.Derive(facts, Freshness.Default, Now));
    }

    [Fact]
    public void A_revert_of_an_older_line_says_nothing_of_the_newest()
    {
        var reverted = With(Well, report => report with { Phase = ReportPhase.Reverted });
        Assert.Equal(SiteState.Degraded, SiteStatus.Derive(reverted, Freshness.Default, Now));
        Assert.Equal(SiteState.Progressing, SiteStatus.Derive(reverted with { DesiredSince = 8, Generation = 8 }, Freshness.Default, Now));
    }

    private static Gen<SiteFacts> AnyFacts =>
        from revoked in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
        from phase in Gen.Elements(Enum.GetValues<ReportPhase>())
        from since in Gen.Choose(0, 3)
        from bundleSince in Gen.Choose(0, 3)
        from desired in Gen.Choose(0, 3)
        from bundle in Gen.Elements<Digest?>(null, TestReports.Bundle)
        from wanted in Gen.Elements<Digest?>(null, TestReports.Bundle)
        from silence in Gen.Elements(0, 60, 90, 91, 599, 601, 100_000)
        from healthy in Gen.Elements(true, true, false)
        from seen in Gen.Frequency((9, Gen.Constant(true)), (1, Gen.Constant(false)))
        let report = TestReports.Healthy with
        {
            Phase = phase, Since = since, BundleSince = bundleSince, Bundle = bundle, Generation = 3, Apps = [new(new("a"), healthy)],
        }
        select new SiteFacts(revoked, seen ? report : null, Now.AddSeconds(-silence), desired, wanted, 3);

    private static SiteFacts With(SiteFacts facts, Func<Report, Report> change) => facts with { Report = change(facts.Report!) };
}
