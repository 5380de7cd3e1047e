using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

public sealed class ReportTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();

    [Fact]
    public async Task An_acknowledged_report_survives_the_hub()
    {
        commits.Commit("c1", "a=1");
        SigningKey key;
        using (var hub = await StartAsync())
        {
            key = hub.Enroll("a");
            Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 5));
            Assert.Equal(SiteState.Healthy, State(hub, "a"));
        }
        using (key)
        using (var hub = await StartAsync())
        {
            Assert.Equal(SiteState.Healthy, State(hub, "a"));
            Assert.Equal(TestCommits.BundleOf("1"), hub.Hub.Sites.Seen[new SiteId("a")].LastHealthy);
            // An older one is acknowledged and changes nothing.
            Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Degraded, 4));
            Assert.Equal(SiteState.Healthy, State(hub, "a"));
        }
    }

    [Fact]
    public async Task Promise6_A_silent_site_is_stale_then_offline_whatever_it_said_before()
    {
        commits.Commit("c1", "a=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        Assert.Equal(SiteState.Pending, State(hub, "a"));
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        time.Now += TimeSpan.FromSeconds(91);
        Assert.Equal(SiteState.Stale, State(hub, "a"));
        time.Now += TimeSpan.FromMinutes(9);
        Assert.Equal(SiteState.Offline, State(hub, "a"));
        hub.Hub.Sites.HeardOf([new SiteId("a")]);
        Assert.Equal(SiteState.Healthy, State(hub, "a"));
        Assert.Equal(0, hub.Hub.Views.Find(new SiteId("a"))!.Summary.AgeSeconds);
    }

    [Fact]
    public async Task Promise6_A_parents_word_alone_keeps_no_site_healthy_for_long()
    {
        commits.Commit("c1", "a=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        for (var minute = 0; minute < 30; minute++)
        {
            time.Now += TimeSpan.FromMinutes(1);
            hub.Hub.Sites.HeardOf([new SiteId("a")]);
        }
        Assert.Equal(SiteState.Offline, State(hub, "a"));
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 2);
        Assert.Equal(SiteState.Healthy, State(hub, "a"));
    }

    [Fact]
    public async Task Promise7_The_second_wave_starts_when_the_first_is_healthy_on_its_line()
    {
        commits.Commit("c1", ["canary", "everyone"], new() { ["a"] = ("1", 0), ["b"] = ("1", 1) });
        using var hub = await StartAsync(settle: false);
        await hub.Hub.Commits.SyncAsync(CancellationToken.None);
        using var key = hub.Enroll("a");
        hub.Hub.Sites.HeardOf([new SiteId("a")]);
        await hub.SettleAsync();
        Assert.False(hub.Hub.Cell.Value.Lines.ContainsKey(new SiteId("b")));
        await hub.ReportAsync("a", key, ReportPhase.Reverted, 1);
        await hub.SettleAsync();
        Assert.Equal(RolloutPhase.Halted, hub.Hub.Rollout.Status.Phase);
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 2);
        await hub.SettleAsync();
        Assert.Equal(2, hub.Hub.Cell.Value.Lines[new SiteId("b")].Assignment.Since);
    }

    [Fact]
    public async Task A_line_falls_back_to_the_last_healthy_bundle()
    {
        commits.Commit("c1", "a=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        commits.Commit("c2", "a=2");
        await hub.SettleAsync();
        Assert.Equal(TestCommits.BundleOf("1"), hub.Hub.Cell.Value.Lines[new SiteId("a")].Assignment.Fallback);
        await hub.ReportAsync("a", key, ReportPhase.Degraded, 2);
        commits.Commit("c3", "a=3");
        await hub.SettleAsync();
        Assert.Equal(TestCommits.BundleOf("1"), hub.Hub.Cell.Value.Lines[new SiteId("a")].Assignment.Fallback);
    }

    [Fact]
    public async Task A_report_is_believed_only_from_its_site_or_its_region()
    {
        commits.Commit("c1", "a=1", "b=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        using var other = hub.Enroll("b");
        Assert.Contains("not signed", (await hub.ReportAsync("a", other, ReportPhase.Healthy, 1))!);
        var envelope = key.Sign(PayloadTypes.Report, "{}"u8.ToArray());
        Assert.Contains("no site", (await hub.Hub.Sites.TakeAsync(envelope, Record(hub, "a"), CancellationToken.None))!);
        var stranger = Record(hub, "a") with { Node = new NodeName("us"), Kind = NodeKind.Region, Region = new RegionId("us") };
        var report = key.Sign(PayloadTypes.Report, """{"site":"a"}"""u8.ToArray());
        Assert.Contains("may not report", (await hub.Hub.Sites.TakeAsync(report, stranger, CancellationToken.None))!);
    }

    [Fact]
    public async Task Promise6_A_relayed_report_may_be_old_and_proves_no_life()
    {
        commits.Commit("c1", "a=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        time.Now += TimeSpan.FromSeconds(91);
        var region = Record(hub, "a") with { Node = new NodeName("eu"), Kind = NodeKind.Region };
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 2, from: region));
        Assert.Equal(2, hub.Hub.Sites.Seen[new SiteId("a")].Report!.Seq);
        Assert.Equal(SiteState.Stale, State(hub, "a"));
    }

    [Fact]
    public async Task A_line_that_something_withholds_shows()
    {
        commits.Commit("c1", "a=1");
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        commits.Commit("c2", "a=2");
        await hub.SettleAsync();
        Assert.False(hub.Hub.Views.Find(new SiteId("a"))!.Summary.Unacknowledged);
        time.Now += TimeSpan.FromMinutes(5);
        hub.Hub.Sites.HeardOf([new SiteId("a")]);
        Assert.True(hub.Hub.Views.Find(new SiteId("a"))!.Summary.Unacknowledged);
    }

    private async Task<TestHub> StartAsync(bool settle = true)
    {
        var hub = new TestHub(folder.Path, commits, time);
        if (settle) await hub.SettleAsync();
        return hub;
    }

    private static SiteState State(TestHub hub, string site) => hub.Hub.Views.Find(new SiteId(site))!.Summary.State;

    private static NodeRecord Record(TestHub hub, string node) => hub.Hub.Cell.Value.Records[new NodeName(node)].Record;

    public void Dispose() => folder.Dispose();
}
