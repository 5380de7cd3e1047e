using System.Runtime.CompilerServices;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Xunit;

namespace Capillary.Tests.Core.Apply;

/// <summary>The interlock: what is held is fetched and does not begin, and no hold ends but by its workload or an operator.</summary>
public sealed class HoldTests
{
    private readonly TestBundles bundles = new();
    private readonly Digest first;
    private readonly Digest second;
    private readonly Digest bad;

    public HoldTests()
    {
        first = bundles.Bundle(App("one"));
        second = bundles.Bundle(App("two"));
        bad = bundles.Bundle(App("three").Service("extra", "app", ["/bin/bad"]));
    }

    private static TestApp App(string version) =>
        new TestApp("gateway").File("config", "etc/gateway.conf", version).Service("main", "app", ["/bin/gateway"]);

    [Fact]
    public void What_is_held_is_fetched_and_begins_when_the_last_hold_goes()
    {
        var site = Healthy();
        Hold(site, "run", 3600);
        Assert.Equal((ApplyPhase.Healthy, 0), (site.Status.Phase, site.Status.Conditions.Length));
        Hold(site, "clean", 60);
        Assign(site, new(second, first, 2));
        Assert.Equal((ApplyPhase.Held, first, 2L, second), (site.Status.Phase, site.Status.Bundle, site.Status.Since, site.Status.AttemptedBundle));
        Unhold(site, "run");
        site.Drain();
        Assert.Equal((ApplyPhase.Held, first), (site.Status.Phase, site.Status.Bundle));
        Assert.Equal(["clean"], Held(site));
        Unhold(site, "clean");
        site.Drain();
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        Assert.Equal((second, 2L), (site.Status.Bundle, site.Status.Since));
        Assert.Empty(site.Status.Conditions);
        Golden(site.Transcript);
    }

    [Fact]
    public void While_the_blobs_are_on_their_way_a_held_site_is_fetching_and_waits_for_nothing_else()
    {
        var site = Healthy();
        Hold(site, "run", 3600);
        site.Offline = true;
        Assign(site, new(second, first, 2));
        Assert.Equal(ApplyPhase.Fetching, site.Status.Phase);
        Assert.DoesNotContain(site.Status.Conditions, c => c.Code == ConditionCodes.Held);
        site.Offline = false;
        site.Settle();
        Assert.Equal(ApplyPhase.Held, site.Status.Phase);
    }

    [Fact]
    public void A_first_install_waits_too()
    {
        var site = Site();
        site.Boot();
        Hold(site, "run", 3600);
        Assign(site, new(first, null, 1));
        Assert.Equal((ApplyPhase.Held, (Digest?)null), (site.Status.Phase, site.Status.Bundle));
        Unhold(site, "run");
        site.Settle();
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
    }

    [Fact]
    public void What_is_under_way_is_finished_also_back_to_the_fallback_and_the_next_waits()
    {
        var site = Healthy();
        site.Tell(new ApplyEvent.Assigned(new(bad, first, 2)));
        while (site.State.InFlight is not Step.WriteFile) site.Drain(1);
        site.Tell(new ApplyEvent.Held("run", "run in progress", 3600));
        site.Tell(new ApplyEvent.Assigned(new(second, first, 3)));
        site.Drain(2);
        Assert.True(site.State.IsUnderWay);
        site.Drain();
        Assert.Equal(ApplyPhase.Verifying, site.Status.Phase);
        Assert.Contains("/srv/site/etc/gateway.conf", site.Files.Keys);
        site.Settle();
        // It failed, was reverted, and only then the newest waits.
        Assert.Equal(ApplyPhase.Reverted, site.State.Phase);
        Assert.Equal((ApplyPhase.Held, first, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
        Unhold(site, "run");
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
    }

    [Fact]
    public void A_step_that_fails_while_held_is_tried_again_and_not_given_up_for_the_newer_assignment()
    {
        var site = Healthy();
        var fails = 1;
        site.Fault = step => step is Step.StartService && fails-- > 0 ? new(ConditionCodes.ApplyFailed, "", "busy", false) : null;
        site.Tell(new ApplyEvent.Assigned(new(second, first, 2)));
        while (site.State.InFlight is not Step.Stage) site.Drain(1);
        site.Tell(new ApplyEvent.Held("run", "run in progress", 3600));
        // Its blobs are here before the step fails.
        site.Tell(new ApplyEvent.Assigned(new(bad, first, 3)));
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second), (site.State.Phase, site.Status.Bundle));
        Assert.Equal(ApplyPhase.Held, site.Status.Phase);
    }

    [Fact]
    public void Drift_is_repaired_while_held()
    {
        var site = Healthy();
        Hold(site, "run", 3600);
        Assign(site, new(second, first, 2));
        site.Files.Remove("/srv/site/etc/gateway.conf");
        site.Settle();
        Assert.Contains("/srv/site/etc/gateway.conf", site.Files.Keys);
        Assert.Equal((ApplyPhase.Held, first), (site.Status.Phase, site.Status.Bundle));
    }

    [Fact]
    public void The_same_name_again_replaces_reason_and_max_and_keeps_its_since()
    {
        var site = Healthy();
        Hold(site, "run", 60);
        var since = Assert.Single(site.State.Holds).Since;
        site.Now += TimeSpan.FromSeconds(59);
        site.Tell(new ApplyEvent.Held("run", "another run", 120));
        site.Drain();
        Assert.Equal(new Hold("run", "another run", 120, since), Assert.Single(site.State.Holds));
        site.Now += TimeSpan.FromSeconds(61);
        site.Tell(new ApplyEvent.Tick());
        site.Drain();
        var overdue = Assert.Single(site.Status.Conditions);
        Assert.Equal((ConditionCodes.HoldOverdue, ConditionSeverity.Warning, "run"), (overdue.Code, overdue.Severity, overdue.Subject));
        // A longer max takes the word back.
        site.Tell(new ApplyEvent.Held("run", "another run", 3600));
        site.Drain();
        Assert.Empty(site.Status.Conditions);
    }

    [Fact]
    public void A_hold_past_its_max_stands_and_is_told_with_its_age()
    {
        var site = Healthy();
        Hold(site, "run", 60);
        Assign(site, new(second, first, 2));
        Assert.Equal((ApplyPhase.Held, first), (site.Status.Phase, site.Status.Bundle));
        var overdue = Assert.Single(site.Status.Conditions, c => c.Code == ConditionCodes.HoldOverdue);
        Assert.StartsWith("hold 'run' stands for 1 h, past its max of 1 min (since 1970-01-01 ", overdue.Text, StringComparison.Ordinal);
        Assert.EndsWith(": run in progress", overdue.Text, StringComparison.Ordinal);
        // The text of a condition that is told each second must not change each second.
        var at = site.Status;
        site.Now += TimeSpan.FromSeconds(1);
        site.Tell(new ApplyEvent.Tick());
        site.Drain();
        Assert.True(at.SameAs(site.Status));
        Assert.Equal(ConditionSeverity.Info, Assert.Single(site.Status.Conditions, c => c.Code == ConditionCodes.Held).Severity);
    }

    [Fact]
    public void An_operator_overrides_what_is_past_its_max_and_nothing_else()
    {
        var site = Healthy();
        Hold(site, "old", 60);
        Assign(site, new(second, first, 2));
        Hold(site, "young", 24 * 3600);
        Assert.Contains(site.Status.Conditions, c => c is { Code: ConditionCodes.HoldOverdue, Subject: "old" });
        Assign(site, new(second, first, 3) { OverHold = true });
        Assert.Equal((ApplyPhase.Held, first, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
        Assert.Equal(["young"], Held(site));
        Unhold(site, "young");
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
    }

    [Fact]
    public void An_override_begins_at_once_when_all_that_stands_is_past_its_max()
    {
        var site = Healthy();
        Hold(site, "run", 60);
        Assign(site, new(second, first, 2));
        site.Tell(new ApplyEvent.Assigned(new(second, first, 3) { OverHold = true }));
        site.Drain();
        Assert.Equal((ApplyPhase.Healthy, second, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
        Assert.Empty(site.State.Holds);
        // It was for the holds of then: the next run is not its matter.
        Hold(site, "run", 60);
        Assign(site, new(first, second, 4));
        Assert.Equal((ApplyPhase.Held, second), (site.Status.Phase, site.Status.Bundle));
    }

    [Fact]
    public void Where_the_clock_was_set_back_while_the_agent_was_away_a_hold_counts_anew_and_stands()
    {
        var site = Healthy();
        site.Now += TimeSpan.FromDays(3650);
        Hold(site, "run", 3600);
        site.Now = DateTimeOffset.UnixEpoch;
        site.Boot();
        site.Drain();
        Assert.Equal(DateTimeOffset.UnixEpoch, Assert.Single(site.State.Holds).Since);
        Assign(site, new(second, first, 2) { OverHold = true });
        Assert.Equal((ApplyPhase.Held, first), (site.Status.Phase, site.Status.Bundle));
    }

    [Theory]
    [InlineData("UPPER", "why", 3600, "'UPPER' is no name")]
    [InlineData("run", "", 3600, "the reason is missing")]
    [InlineData("run", "  ", 3600, "the reason is missing")]
    [InlineData("run", "two\nlines", 3600, "a control character or a line break")]
    [InlineData("run", "red \u001b[31m", 3600, "a control character or a line break")]
    [InlineData("run", "why", 59, "expected 60 to 86400")]
    [InlineData("run", "why", 86401, "expected 60 to 86400")]
    [InlineData("run", null, 3600, "the reason has 201 characters, at most 200")]
    public void What_is_no_hold_is_refused_and_changes_nothing(string name, string? reason, int max, string why)
    {
        var asked = new ApplyEvent.Held(name, reason ?? new string('x', 201), max);
        Assert.Contains(why, Capillary.Core.Apply.Hold.Refusal([], asked), StringComparison.Ordinal);
        var decision = ApplyMachine.Next(ApplyState.Initial, asked, DateTimeOffset.UnixEpoch);
        Assert.Empty(decision.State.Holds);
        Assert.False(decision.Persist);
    }

    [Fact]
    public void No_more_than_sixteen_stand_and_each_of_them_may_still_be_said_again()
    {
        var site = Healthy();
        for (var i = 0; i < 17; i++) Hold(site, $"h{i}", 3600);
        Assert.Equal(16, site.State.Holds.Length);
        Assert.Contains("16 holds stand already (h0, h1,", Capillary.Core.Apply.Hold.Refusal(site.State.Holds, new("h16", "why", 60)), StringComparison.Ordinal);
        Assert.Null(Capillary.Core.Apply.Hold.Refusal(site.State.Holds, new("h15", "why", 60)));
        Assign(site, new(second, first, 2));
        Assert.Equal(16, Held(site).Count());
    }

    [Fact]
    public void A_state_of_before_there_were_holds_has_none()
    {
        var json = JsonSerializer.SerializeToNode(ApplyState.Initial, ApplyJson.Default.ApplyState)!.AsObject();
        Assert.True(json.Remove("holds") && json.Remove("listsDue"));
        var state = json.Deserialize(ApplyJson.Default.ApplyState)!;
        Assert.Empty(ApplyMachine.Next(state, new ApplyEvent.Restarted(), DateTimeOffset.UnixEpoch).State.Holds);
        Assert.Empty(state.ListsDue);
    }

    /// <summary>Power is lost at every durable write and every action; whoever got no answer says it again.</summary>
    [Fact]
    public void Promise2_a_hold_that_was_answered_stands_over_every_crash_and_the_end_is_as_without()
    {
        var expected = Play([]);
        for (var k = 0; k < expected.Points; k++) Assert.Equal(expected.End, Play([k]).End);
        var random = new Random(11);
        for (var run = 0; run < 200; run++)
            Assert.Equal(expected.End, Play([random.Next(expected.Points), random.Next(expected.Points)]).End);
    }

    private (string End, int Points) Play(int[] crashes)
    {
        var (site, left) = (Site(), new Queue<int>(crashes));
        Alive(() => site.Tell(new ApplyEvent.Assigned(new(first, null, 1))));
        Assert.Equal(first, site.Status.Bundle);
        Alive(() => site.Tell(new ApplyEvent.Held("run", "run in progress", 60)));
        Alive(() => site.Tell(new ApplyEvent.Assigned(new(second, first, 2))));
        var loads = site.Loads.Count(bundle => bundle == second);
        Alive(() => site.Tell(new ApplyEvent.Held("young", "another", 24 * 3600)));
        Alive(() => site.Tell(new ApplyEvent.Assigned(new(second, first, 3) { OverHold = true })));
        Assert.Equal((0, first, ApplyPhase.Held, 3L), (loads, site.Status.Bundle!.Value, site.Status.Phase, site.Status.Since));
        Assert.Equal(0, site.Loads.Count(bundle => bundle == second));
        Assert.Equal(["young"], site.State.Holds.Select(hold => hold.Name));
        Alive(() => site.Tell(new ApplyEvent.Unheld("young")));
        var end = $"{site.Status.Phase} {site.Status.Bundle} {site.Status.Since} {string.Join(' ', site.Files)} "
            + string.Join(' ', site.Services.Keys.Concat(site.Status.Conditions.Select(c => c.Code)).Concat(site.State.Holds.Select(h => h.Name)));
        Assert.StartsWith($"{ApplyPhase.Healthy} {second} 3", end, StringComparison.Ordinal);
        return (end, site.Points);

        void Alive(Action tell) => ApplyCrashTests.Alive(site, left, () =>
        {
            site.Boot();
            tell();
            site.Settle();
        });
    }

    /// <summary>Whatever happens in whatever order: an attempt begins only where nothing is held, and each hold was said and not taken back.</summary>
    [Fact]
    public void Nothing_ever_begins_while_a_hold_stands()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var site = Site();
            site.Boot();
            var since = 0L;
            for (var turn = 0; turn < 60; turn++)
            {
                switch (random.Next(7))
                {
                    case 0: site.Tell(new ApplyEvent.Held($"h{random.Next(3)}", "why", random.Next(60, 7200))); break;
                    case 1: site.Tell(new ApplyEvent.Unheld($"h{random.Next(3)}")); break;
                    case 2:
                        Digest[] some = [first, second, bad];
                        site.Tell(new ApplyEvent.Assigned(new(some[random.Next(3)], first, ++since) { OverHold = random.Next(4) == 0 }));
                        break;
                    case 3: site.Now += TimeSpan.FromMinutes(random.Next(30)); site.Tell(new ApplyEvent.Tick()); break;
                    case 4: site.Offline = random.Next(2) == 0; break;
                    case 5 when random.Next(5) == 0: site.Boot(); break;
                }
                for (var events = random.Next(4); events > 0; events--)
                {
                    var before = site.State;
                    site.Drain(1);
                    var after = site.State;
                    if (after.Attempt?.Since > (before.Attempt?.Since ?? 0)) Assert.True(after.Holds.IsEmpty, $"seed {seed}, turn {turn}");
                }
            }
            foreach (var name in (string[])["h0", "h1", "h2"]) site.Tell(new ApplyEvent.Unheld(name));
            site.Offline = false;
            site.Settle();
            Assert.False(site.State.Pending, $"seed {seed}: what was put off never began");
        }
    }

    private FakeSite Site() => new(bundles, service => service.Object.Command[0] != "/bin/bad");

    private FakeSite Healthy()
    {
        var site = Site();
        site.Boot();
        Assign(site, new(first, null, 1));
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        return site;
    }

    private static void Assign(FakeSite site, DesiredBundle desired)
    {
        site.Tell(new ApplyEvent.Assigned(desired));
        site.Settle();
    }

    private static void Hold(FakeSite site, string name, int max)
    {
        site.Tell(new ApplyEvent.Held(name, "run in progress", max));
        site.Drain();
    }

    private static void Unhold(FakeSite site, string name) => site.Tell(new ApplyEvent.Unheld(name));

    private static IEnumerable<string> Held(FakeSite site) =>
        site.Status.Conditions.Where(c => c.Code == ConditionCodes.Held).Select(c => c.Subject);

    private static void Golden(string text, [CallerMemberName] string name = "", [CallerFilePath] string here = "") =>
        GoldenFile.CheckText(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "Golden", $"{name}.txt"), text);
}
