using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Observe;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>What a stick brings back is the site's word, and no sign that it lives.</summary>
public sealed class ReceiptTests : IDisposable
{
    private static readonly SiteId A = new("a");
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();

    [Fact]
    public async Task Promise6_A_receipt_of_a_site_that_was_never_heard_of_shows_what_it_ran_and_keeps_it_offline()
    {
        using (var hub = await StartAsync())
        {
            using var key = hub.Enroll("a");
            Assert.Equal(SiteState.Pending, View(hub).State);
            Assert.IsType<ReceiptOutcome.Taken>(await ReceiveAsync(hub, ReportOf(hub, key, 3)));
            Shows(hub);
        }
        // Also after the hub has started anew, and at any later time.
        time.Now += TimeSpan.FromDays(1);
        using (var hub = await StartAsync()) Shows(hub);

        void Shows(TestHub hub)
        {
            var view = View(hub);
            Assert.Equal((SiteState.Offline, TestCommits.BundleOf("1").Text, (long?)null), (view.State, view.Bundle, view.AgeSeconds));
            Assert.Equal(new DateTimeOffset(2026, 11, 20, 8, 0, 0, TimeSpan.Zero), view.CarriedAt);
            Assert.Equal(TestCommits.BundleOf("1"), hub.Hub.Sites.Seen[A].LastHealthy);
        }
    }

    [Fact]
    public async Task Promise6_A_receipt_makes_no_silent_site_fresh()
    {
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        time.Now += TimeSpan.FromSeconds(91);
        Assert.IsType<ReceiptOutcome.Taken>(await ReceiveAsync(hub, ReportOf(hub, key, 2)));
        Assert.Equal((SiteState.Stale, 91L), (View(hub).State, View(hub).AgeSeconds));
        // Nor does it make a parent's word count for longer.
        for (var minute = 0; minute < 30; minute++)
        {
            time.Now += TimeSpan.FromMinutes(1);
            hub.Hub.Sites.HeardOf([A]);
            await ReceiveAsync(hub, ReportOf(hub, key, 3 + minute));
        }
        Assert.Equal(SiteState.Offline, View(hub).State);
    }

    [Fact]
    public async Task A_receipt_that_comes_again_or_is_older_changes_nothing()
    {
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await ReceiveAsync(hub, ReportOf(hub, key, 5));
        var before = View(hub);
        time.Now += TimeSpan.FromHours(1);
        Assert.IsType<ReceiptOutcome.Known>(await ReceiveAsync(hub, ReportOf(hub, key, 5)));
        Assert.IsType<ReceiptOutcome.Known>(await ReceiveAsync(hub, ReportOf(hub, key, 4, ReportPhase.Degraded)));
        Assert.Equal(before, View(hub));
    }

    [Fact]
    public async Task A_receipt_is_believed_only_when_the_site_signed_it()
    {
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        using var other = SigningKey.Create();
        var refused = Assert.IsType<ReceiptOutcome.Refused>(await ReceiveAsync(hub, ReportOf(hub, other, 1)));
        Assert.Contains("not signed", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(SiteState.Pending, View(hub).State);
    }

    [Fact]
    public async Task What_a_receipt_brought_first_counts_as_heard_when_a_link_brings_it()
    {
        using var hub = await StartAsync();
        using var key = hub.Enroll("a");
        await ReceiveAsync(hub, ReportOf(hub, key, 1));
        await hub.ReportAsync("a", key, ReportPhase.Healthy, 1);
        Assert.Equal((SiteState.Healthy, (DateTimeOffset?)null), (View(hub).State, View(hub).CarriedAt));
    }

    [Fact]
    public async Task Promise7_A_receipt_opens_no_gate()
    {
        commits.Commit("c1", ["canary", "everyone"], new() { ["a"] = ("1", 0), ["b"] = ("1", 1) });
        using var hub = await StartAsync(settle: false);
        await hub.Hub.Commits.SyncAsync(CancellationToken.None);
        using var key = hub.Enroll("a");
        hub.Hub.Rollout.Step();
        await ReceiveAsync(hub, ReportOf(hub, key, 1));
        await hub.SettleAsync();
        var canary = hub.Hub.Rollout.Status.Waves[0];
        Assert.Equal((0, 1), (canary.Count(GateVerdict.Met), canary.Count(GateVerdict.Absent)));
    }

    private static SiteView View(TestHub hub) => hub.Hub.Views.Find(A)!.Summary;

    private async Task<TestHub> StartAsync(bool settle = true)
    {
        if (settle) commits.Commit("c1", "a=1");
        var hub = new TestHub(folder.Path, commits, time);
        if (settle) await hub.SettleAsync();
        return hub;
    }

    private Envelope ReportOf(TestHub hub, SigningKey key, long seq, ReportPhase phase = ReportPhase.Healthy)
    {
        var line = hub.Hub.Cell.Value.Lines[A];
        var at = line.Assignment.Since;
        var version = hub.Hub.Cell.Value.Records[new NodeName("a")].Record.Version;
        var report = new Report(1, hub.Hub.Fleet, A, version, seq, time.Now, hub.Hub.Publisher.Generation, at, Digest.Of(line.Line.Leaf),
            line.Assignment.Bundle, at, phase, [new(new AppName("app"), true)], [], "test/1");
        return key.Sign(PayloadTypes.Report, report.ToPayload());
    }

    private static async Task<ReceiptOutcome> ReceiveAsync(TestHub hub, Envelope report)
    {
        using var stop = new CancellationTokenSource();
        var intake = hub.Hub.Sites.RunAsync(stop.Token);
        var outcome = await hub.Hub.Sites.TakeReceiptAsync(report, CancellationToken.None);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => intake);
        return outcome;
    }

    public void Dispose() => folder.Dispose();
}
