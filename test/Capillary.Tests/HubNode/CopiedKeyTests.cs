using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Signs of copied keys at the hub.</summary>
public sealed class CopiedKeyTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();
    private TestHub hub;

    public CopiedKeyTests()
    {
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits, time);
        hub.SettleAsync().GetAwaiter().GetResult();
    }

    private void Restart()
    {
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, time);
    }

    private SiteDetail SiteA() => hub.Hub.Views.Find(new SiteId("a"))!;

    private int Journaled() => hub.Hub.Database.Read(db => JournalTable.List(db, long.MaxValue, 100)).Count(entry => entry.Action == "key.copied");

    private void See(string node, SigningKey key, long count, string by = "hub") => hub.Hub.Copies.Take(
        [new CloneSighting(new NodeName(node), key.Public.Id, CloneSign.TwoSessions, count, time.Now)], new NodeName(by));

    [Fact]
    public async Task A_sign_is_shown_kept_and_changes_no_state()
    {
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        See("a", key, 1);
        See("a", key, 1, "eu");
        Assert.Equal((true, SiteState.Healthy), (SiteA().Summary.KeyCopied, SiteA().Summary.State));
        var condition = Assert.Single(SiteA().Conditions);
        Assert.Equal((CopiedKeys.KeyCopied, Severity.Warning), (condition.Code, condition.Severity));
        Assert.Contains("site replace a", condition.Text);
        Assert.Contains(hub.Hub.Conditions.All, item => item.Code == HubConditions.KeyCopied);
        Assert.Equal(2, SiteA().Key!.Copies.Count);
        // What is said again is no new sign.
        See("a", key, 1);
        Assert.Equal((1L, 2), (SiteA().Key!.Copies[0].Count, Journaled()));
        time.Now += TimeSpan.FromMinutes(2);
        See("a", key, 2);
        Assert.Equal((2L, 2), (SiteA().Key!.Copies.Single(copy => copy.SeenBy == "hub").Count, Journaled()));
        Restart();
        Assert.Equal(2, SiteA().Key!.Copies.Count);
        Assert.True(SiteA().Summary.KeyCopied);
    }

    [Fact]
    public void It_is_over_when_the_site_has_a_new_identity_or_it_was_not_seen_for_long()
    {
        using var key = hub.Enroll("a");
        See("a", key, 1);
        using var fresh = hub.Enroll("a");
        Assert.False(SiteA().Summary.KeyCopied);
        Assert.DoesNotContain(hub.Hub.Conditions.All, item => item.Code == HubConditions.KeyCopied);
        See("a", fresh, 1);
        time.Now += CopiedKeys.StandsFor + TimeSpan.FromSeconds(1);
        hub.Hub.Copies.Look();
        Assert.False(SiteA().Summary.KeyCopied);
        Assert.DoesNotContain(hub.Hub.Conditions.All, item => item.Code == HubConditions.KeyCopied);
    }

    [Fact]
    public async Task Two_reports_of_one_number_are_a_sign_the_same_report_twice_is_none()
    {
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 5);
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 5);
        Assert.False(SiteA().Summary.KeyCopied);
        await hub.ReportAsync("a", key, ReportPhase.Progressing, 4);
        Assert.False(SiteA().Summary.KeyCopied);
        Restart();
        await hub.ReportAsync("a", key, ReportPhase.Degraded, 5);
        Assert.Equal(CloneSign.TwoReports, Assert.Single(SiteA().Key!.Copies).Sign);
    }

    [Fact]
    public void There_is_an_end_to_what_is_kept_of_one_node()
    {
        using var key = hub.Enroll("a");
        for (var i = 0; i < 20; i++)
        {
            time.Now += TimeSpan.FromMinutes(1);
            See("a", key, 1, $"region-{i}");
        }
        Assert.Equal(8, SiteA().Key!.Copies.Count);
        Assert.Equal(8, hub.Hub.Database.Read(SightingTable.All).Count);
        Assert.Equal("region-12", SiteA().Key!.Copies[0].SeenBy);
    }

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }
}
