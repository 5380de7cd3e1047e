using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Orphaned, revoked, retired, replaced, moved; with a hub that is stopped in the middle.</summary>
public sealed class SiteLifeTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private TestHub hub;
    private SigningKey key;

    public SiteLifeTests()
    {
        commits.Terms["eu"] = new(["eu.example.org:443"], false, false);
        commits.Terms["us"] = new(["us.example.org:443"], false, false);
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits);
        hub.SettleAsync().GetAwaiter().GetResult();
        key = hub.Enroll("a");
    }

    private NodeRecord Record => hub.Hub.Cell.Value.Records[new NodeName("a")].Record;

    private Assignment Line => hub.Hub.Cell.Value.Lines[new SiteId("a")].Assignment;

    private Capillary.HubNode.Observe.SiteView View => hub.Hub.Views.Find(new SiteId("a"))!.Summary;

    [Fact]
    public async Task A_sites_record_names_its_regions_addresses_and_changes_with_them()
    {
        Assert.Equal(["eu.example.org:443"], Record.Parents!);
        commits.Terms["eu"] = new(["eu1.example.org:443", "eu2.example.org:443"], false, false);
        commits.Commit("c2", "a=1", "b=1");
        await hub.SettleAsync();
        Assert.False(hub.Hub.Life.Step());
        Assert.Equal(["eu1.example.org:443", "eu2.example.org:443"], Record.Parents!);
        var version = Record.Version;
        hub.Hub.Life.Step();
        Assert.Equal(version, Record.Version);
    }

    [Fact]
    public void A_revoked_site_is_revoked_everywhere_and_its_join_codes_are_gone()
    {
        using var fresh = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, fresh);
        var code = joiner.MakeCode();
        Done(hub.Hub.Life.Revoke(new NodeName("a"), NodeKind.Site, "stolen", "anna"));
        Assert.Equal((RecordState.Revoked, 2L), (Record.State, Record.Version));
        Assert.Equal(SiteState.Revoked, View.State);
        Assert.Contains(key.Public.Id, Beacon().Revocations);
        Assert.Contains("does not know", joiner.Join(code).Error!);
        Refused("revoked already", hub.Hub.Life.Revoke(new NodeName("a"), NodeKind.Site, "stolen", "anna"));
        Assert.Contains("stolen", Journal());
    }

    [Fact]
    public async Task A_site_tries_again_what_it_gave_up_when_it_is_asked_to_and_keeps_its_way_back()
    {
        var first = Line.Bundle;
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 1));
        Refused("did not say that it gave up", hub.Hub.Life.Retry(new SiteId("a"), "anna"));
        commits.Commit("c2", "a=2", "b=1");
        await hub.SettleAsync();
        var failed = Line;
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Reverted, 2));
        await hub.SettleAsync();
        Assert.Equal(failed, Line);
        Done(hub.Hub.Life.Retry(new SiteId("a"), "anna"));
        Restart();
        await hub.SettleAsync();
        Assert.Equal((failed.Bundle, first), (Line.Bundle, Line.Fallback));
        Assert.True(Line.Since > failed.Since);
        // Done once, and once only.
        hub.Hub.Life.Step();
        var again = Line;
        await hub.SettleAsync();
        Assert.Equal(again, Line);
        Assert.Empty(hub.Hub.Life.Wishes);
        Assert.Contains("site.retry", Journal());
        Refused("did not say that it gave up", hub.Hub.Life.Retry(new SiteId("a"), "anna"));
    }

    [Fact]
    public async Task A_held_site_is_shown_with_why_and_only_a_hold_past_its_max_is_overridden_once_with_a_reason()
    {
        const string Text = "hold 'run' since 2026-11-20 08:00 UTC (max 1 h): run in progress";
        var (held, overdue) = (new Condition("Held", Severity.Info, Text), new Condition("HoldOverdue", Severity.Warning, $"past: {Text}"));
        var first = Line.Bundle;
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 1));
        commits.Commit("c2", "a=2", "b=1");
        await hub.SettleAsync();
        var before = Line;
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Held, 2, null, null, held));
        Assert.Equal((SiteState.Held, Text, false), (View.State, View.Held, View.HoldOverdue));
        hub.Hub.Rollout.Step();
        Assert.Contains(Text, hub.Hub.Rollout.Status.Reason, StringComparison.Ordinal);
        Assert.Equal(RolloutPhase.Rolling, hub.Hub.Rollout.Status.Phase);
        Refused("reports no hold that is past its max (HoldOverdue) on its line of generation 2",
            hub.Hub.Life.OverrideHold(new SiteId("a"), "the lab does not answer", "anna"));
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Held, 3, null, null, held, overdue));
        Assert.True(View.HoldOverdue);
        Done(hub.Hub.Life.OverrideHold(new SiteId("a"), "the lab does not answer", "anna"));
        Assert.Equal("overriding", View.Life);
        Refused("has a change under way: override-hold", hub.Hub.Life.Retry(new SiteId("a"), "anna"));
        Restart();
        await hub.SettleAsync();
        Assert.Equal((before.Bundle, first, Assignment.OverHoldMode), (Line.Bundle, Line.Fallback, Line.Mode));
        Assert.True(Line.Since > before.Since);
        hub.Hub.Life.Step();
        var again = Line;
        await hub.SettleAsync();
        Assert.Equal(again, Line);
        Assert.Empty(hub.Hub.Life.Wishes);
        var entry = Assert.Single(Journal().Split('\n'), line => line.Contains("site.override-hold", StringComparison.Ordinal));
        Assert.StartsWith("anna site.override-hold", entry, StringComparison.Ordinal);
        Assert.Contains("the lab does not answer", entry, StringComparison.Ordinal);
        Assert.Contains("run in progress", entry, StringComparison.Ordinal);
        // What comes after it is as usual again.
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 4));
        commits.Commit("c3", "a=3", "b=1");
        await hub.SettleAsync();
        Assert.Equal(Assignment.ApplyMode, Line.Mode);
    }

    [Fact]
    public async Task A_retired_site_empties_itself_first_though_the_hub_restarts_meanwhile()
    {
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 1));
        Refused("declares", hub.Hub.Life.Retire(new SiteId("a"), true, "closed", "anna"));
        commits.Commit("c2", "b=1");
        await hub.SettleAsync();
        Assert.True(View.Orphaned);
        Done(hub.Hub.Life.Retire(new SiteId("a"), false, "closed", "anna"));
        Restart();
        await hub.SettleAsync();
        Assert.Equal((SiteLife.Nothing.Digest, (Digest?)null), (Line.Bundle, Line.Fallback));
        Assert.Equal("retiring", View.Life);
        // Healthy on the line before proves nothing.
        hub.Hub.Life.Step();
        Assert.Equal(RecordState.Active, Record.State);
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 2));
        hub.Hub.Life.Step();
        Assert.Equal((SiteState.Retired, false, RecordState.Revoked), (View.State, View.Orphaned, Record.State));
        Restart();
        Assert.Equal(SiteState.Retired, View.State);
        Refused("retired already", hub.Hub.Life.Retire(new SiteId("a"), false, "closed", "anna"));
    }

    [Fact]
    public async Task A_site_that_is_held_while_it_is_to_be_retired_is_not_overridden_and_what_helps_is_said()
    {
        commits.Commit("c2", "b=1");
        await hub.SettleAsync();
        Done(hub.Hub.Life.Retire(new SiteId("a"), false, "closed", "anna"));
        await hub.SettleAsync();
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Held, 1, null, null, new Condition("HoldOverdue", Severity.Warning, "past")));
        var refused = Assert.IsType<LifeOutcome.Refused>(hub.Hub.Life.OverrideHold(new SiteId("a"), "why", "anna"));
        Assert.Equal(("'a' has a change under way: retire",
            "at the site: capillary-edge unhold; or without it: capillary site retire a --force"), (refused.Reason, refused.Hint));
    }

    [Fact]
    public async Task A_retirement_is_called_off_and_the_site_runs_what_it_ran()
    {
        var before = Line.Bundle;
        commits.Commit("c2", "b=1");
        await hub.SettleAsync();
        Refused("not being retired", hub.Hub.Life.CancelRetire(new SiteId("a"), "anna"));
        Done(hub.Hub.Life.Retire(new SiteId("a"), false, "closed", "anna"));
        await hub.SettleAsync();
        Done(hub.Hub.Life.CancelRetire(new SiteId("a"), "anna"));
        Restart();
        await hub.SettleAsync();
        Assert.Equal((before, 3L), (Line.Bundle, Line.Since));
        hub.Hub.Life.Step();
        Assert.Null(View.Life);
        Assert.Equal(RecordState.Active, Record.State);
    }

    [Fact]
    public async Task A_site_that_is_declared_again_is_no_longer_retired()
    {
        commits.Commit("c2", "b=1");
        await hub.SettleAsync();
        Done(hub.Hub.Life.Retire(new SiteId("a"), false, "closed", "anna"));
        await hub.SettleAsync();
        commits.Commit("c3", "a=2", "b=1");
        await hub.SettleAsync();
        hub.Hub.Life.Step();
        await hub.SettleAsync();
        Assert.Equal(TestCommits.BundleOf("2"), Line.Bundle);
        Assert.Null(View.Life);
    }

    [Fact]
    public async Task By_force_a_site_is_retired_without_a_word_of_it()
    {
        commits.Commit("c2", "b=1");
        await hub.SettleAsync();
        Done(hub.Hub.Life.Retire(new SiteId("a"), true, "burnt down", "anna"));
        Assert.Equal((SiteState.Retired, RecordState.Revoked), (View.State, Record.State));
        commits.Commit("c3", "a=2", "b=1");
        await hub.SettleAsync();
        using var fresh = hub.Enroll("a");
        Assert.NotEqual(SiteState.Retired, View.State);
    }

    [Fact]
    public async Task New_hardware_gets_a_line_without_the_old_ones_fallback_and_the_old_key_is_revoked()
    {
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 1));
        commits.Commit("c2", "a=2", "b=1");
        await hub.SettleAsync();
        Assert.Equal(TestCommits.BundleOf("1"), Line.Fallback);
        Done(hub.Hub.Life.Replace(new SiteId("a"), false, "anna"));
        Assert.Equal(RecordState.Active, Record.State);
        using var fresh = hub.Enroll("a");
        Assert.Equal((RecordState.Active, (string?)null), (Record.State, Record.Previous));
        Assert.Contains(key.Public.Id, Beacon().Revocations);
        Restart();
        await hub.SettleAsync();
        Assert.Equal((TestCommits.BundleOf("2"), (Digest?)null, 3L), (Line.Bundle, Line.Fallback, Line.Since));
        hub.Hub.Life.Step();
        Assert.Null(View.Life);
        Assert.Contains("replaced by record version 2", hub.Hub.Enrollment.WhyUnknown(new NodeName("a"), key.Public.Id));
    }

    [Fact]
    public void With_now_the_old_hardware_ends_before_the_new_one_comes()
    {
        Done(hub.Hub.Life.Replace(new SiteId("a"), true, "anna"));
        Assert.Equal(RecordState.Revoked, Record.State);
        using var fresh = hub.Enroll("a");
        Assert.Equal((RecordState.Active, 3L), (Record.State, Record.Version));
        Refused("no hardware", hub.Hub.Life.Replace(new SiteId("b"), true, "anna"));
    }

    [Fact]
    public async Task A_site_is_moved_where_its_file_stands_and_nowhere_else()
    {
        Refused("does not declare 'a' in region 'us'", hub.Hub.Life.Move(new SiteId("a"), new RegionId("us"), "anna"));
        commits.Regions["a"] = "us";
        commits.Commit("c2", "a=1", "b=1");
        await hub.SettleAsync();
        hub.Hub.Life.Step();
        Assert.Equal(("eu", "us"), (View.Region, View.MovePending));
        var (since, generation) = (Line.Since, hub.Hub.Publisher.Generation);
        Done(hub.Hub.Life.Move(new SiteId("a"), new RegionId("us"), "anna"));
        Assert.Equal((new RegionId("us"), new RegionId("eu")), (Record.Region!.Value, Assert.Single(Record.MovedFrom!)));
        Assert.Equal(["us.example.org:443"], Record.Parents!);
        var line = hub.Hub.Cell.Value.Lines[new SiteId("a")];
        Assert.Equal((new RegionId("us"), since, generation + 1), (line.Region, line.Assignment.Since, line.ProvenAt));
        Restart();
        Assert.Equal(("us", (string?)null), (View.Region, View.MovePending));
    }

    [Fact]
    public async Task Promise2_every_region_that_an_absent_site_may_dial_tells_it_of_its_newest_move()
    {
        commits.Terms["apac"] = new(["apac.example.org:443"], false, false);
        await MoveAsync("us");
        await MoveAsync("apac");
        // It may hold the record of eu still, or that of us if a region told it and could not tell more.
        Assert.Equal(["eu", "us"], Record.MovedFrom!.Select(region => region.Value));
        Restart();
        await hub.SettleAsync();
        foreach (var region in (string[])["eu", "us", "apac"])
        {
            var node = Record with { Node = new(region), Kind = NodeKind.Region, Region = new(region), MovedFrom = null };
            Assert.Contains(hub.Hub.Cell.Value.RecordsFor(node), item => item.Record == Record);
        }
        await MoveAsync("eu");
        Assert.Equal(["us", "apac"], Record.MovedFrom!.Select(region => region.Value));
    }

    [Fact]
    public async Task A_region_that_a_site_has_left_for_certain_tells_it_no_more()
    {
        commits.Terms["apac"] = new(["apac.example.org:443"], false, false);
        await MoveAsync("us");
        // Its word at a generation that only nodes of us could bring it.
        Assert.Null(await hub.ReportAsync("a", key, ReportPhase.Healthy, 1));
        Restart();
        await hub.SettleAsync();
        await MoveAsync("apac");
        Assert.Equal(["us"], Record.MovedFrom!.Select(region => region.Value));
    }

    private async Task MoveAsync(string region)
    {
        commits.Regions["a"] = region;
        commits.Commit($"to {region} from {Record.Region}", "a=1", "b=1");
        await hub.SettleAsync();
        Done(hub.Hub.Life.Move(new SiteId("a"), new RegionId(region), "anna"));
    }

    [Fact]
    public async Task By_policy_the_hub_moves_it_itself()
    {
        commits.Terms["us"] = new(["us.example.org:443"], false, AutomaticMoves: true);
        commits.Regions["a"] = "us";
        commits.Commit("c2", "a=1", "b=1");
        await hub.SettleAsync();
        hub.Hub.Life.Step();
        Assert.Equal(new RegionId("us"), Record.Region);
    }

    private void Restart()
    {
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, hub.Time);
    }

    private Beacon Beacon() => Capillary.Core.Trust.Beacon.Verify(hub.Hub.Cell.Value.Beacon!,
        Capillary.HubNode.HubStart.NewestRoot(hub.Hub.Cell.Value.TrustRoots));

    private string Journal() => string.Join('\n', hub.Hub.Database.Read(db => JournalTable.List(db, long.MaxValue, 50)).Select(entry =>
        $"{entry.Actor} {entry.Action} {entry.After}"));

    private static void Done(LifeOutcome outcome) => Assert.IsType<LifeOutcome.Done>(outcome);

    private static void Refused(string why, LifeOutcome outcome) =>
        Assert.Contains(why, Assert.IsType<LifeOutcome.Refused>(outcome).Reason, StringComparison.Ordinal);

    public void Dispose()
    {
        key.Dispose();
        hub.Dispose();
        folder.Dispose();
    }
}
