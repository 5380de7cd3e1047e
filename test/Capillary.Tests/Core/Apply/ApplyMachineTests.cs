using System.Runtime.CompilerServices;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Xunit;

namespace Capillary.Tests.Core.Apply;

public sealed class ApplyMachineTests
{
    private readonly TestBundles bundles = new();
    private readonly Digest first;
    private readonly Digest second;
    private readonly Digest bad;

    public ApplyMachineTests()
    {
        first = bundles.Bundle(App("one"), new TestApp("old").File("x", "old/x.txt", "x").Service("s", "app", ["/bin/s"]));
        second = bundles.Bundle(App("two"), new TestApp("new").File("y", "new/deep/y.txt", "y").File("z", "z.txt", "z"));
        bad = bundles.Bundle(App("three").Service("extra", "app", ["/bin/bad"]), new TestApp("new").File("y", "new/deep/y.txt", "y3"));
    }

    private static TestApp App(string version) =>
        new TestApp("gateway").File("config", "etc/gateway.conf", version).Service("main", "app", ["/bin/gateway"]);

    private FakeSite Site() => new(bundles, service => service.Object.Command[0] != "/bin/bad");

    [Fact]
    public void First_install_then_update_then_nothing_left_of_the_first()
    {
        var site = Site();
        site.Boot();
        Assign(site, first, null, 1);
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        Assign(site, second, first, 2);
        Assert.Equal((ApplyPhase.Healthy, second, 2L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
        Assert.Equal(["/srv/site/etc/gateway.conf", "/srv/site/new/deep/y.txt", "/srv/site/z.txt"], site.Files.Keys.Order());
        Assert.Equal(["gateway/main"], site.Services.Keys);
        Assert.DoesNotContain("/srv/site/old", site.Folders);
        Golden(site.Transcript);
    }

    [Fact]
    public void Promise4_a_bundle_that_is_not_healthy_in_time_is_reverted_and_its_since_is_not_tried_again()
    {
        var site = Healthy(first);
        Assign(site, bad, first, 2);
        Assert.Equal((ApplyPhase.Reverted, first), (site.Status.Phase, site.Status.Bundle));
        Assert.Equal((2L, bad), (site.Status.Since, site.Status.AttemptedBundle));
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.Reverted && c.Text.Contains("does not answer"));
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.HealthCheckFailed && c.Subject == "gateway");
        Golden(site.Transcript);
        var loads = site.Loads.Count(b => b == bad);
        Assign(site, bad, first, 2);
        site.Boot();
        site.Settle();
        Assign(site, bad, first, 2);
        Assert.Equal(loads, site.Loads.Count(b => b == bad));
        Assert.Equal(ApplyPhase.Reverted, site.Status.Phase);
        Assign(site, bad, first, 3);
        Assert.True(site.Loads.Count(b => b == bad) > loads, "a greater since is a retry");
    }

    [Fact]
    public void Promise4_without_a_fallback_the_site_stops_degraded_and_stays_so_over_restarts()
    {
        var site = Site();
        site.Boot();
        Assign(site, bad, null, 1);
        Assert.Equal(ApplyPhase.Degraded, site.Status.Phase);
        site.Boot();
        site.Settle();
        Assert.Equal(ApplyPhase.Degraded, site.Status.Phase);
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.HealthCheckFailed);
        Assign(site, first, null, 2);
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        Assert.Empty(site.Status.Conditions);
    }

    [Fact]
    public void A_first_install_that_is_healthy_late_is_healthy()
    {
        var site = Site();
        site.Boot();
        Assign(site, bad, null, 1);
        Assert.Equal(ApplyPhase.Degraded, site.Status.Phase);
        site.Tell(new ApplyEvent.HealthChanged([.. site.Status.Apps.Select(app => app with { State = HealthState.Healthy, Reason = null })]));
        site.Drain();
        Assert.Equal((ApplyPhase.Healthy, bad), (site.Status.Phase, site.Status.Bundle));
        Assert.DoesNotContain(site.Status.Conditions, c => c.Code == ConditionCodes.HealthCheckFailed);
    }

    [Fact]
    public void Promise4_a_fallback_that_fails_too_stops_the_site()
    {
        var site = Healthy(first);
        site.Fault = step => step is Step.StartService ? new("ApplyFailed", "gateway/main", "no such program", true) : null;
        Assign(site, second, first, 2);
        Assert.Equal(ApplyPhase.Degraded, site.Status.Phase);
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.RevertFailed);
        Assert.Null(site.Status.Bundle);
    }

    [Fact]
    public void Nothing_starts_until_the_blobs_are_here_and_the_old_bundle_keeps_its_repairs()
    {
        var site = Healthy(first);
        site.Offline = true;
        Assign(site, second, first, 2);
        Assert.Equal((ApplyPhase.Fetching, first), (site.Status.Phase, site.Status.Bundle));
        site.Files.Remove("/srv/site/old/x.txt");
        site.Settle();
        Assert.Contains("/srv/site/old/x.txt", site.Files.Keys);
        site.Offline = false;
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second), (site.Status.Phase, site.Status.Bundle));
    }

    [Fact]
    public void A_newer_assignment_waits_for_the_step_in_flight_then_takes_over()
    {
        var site = Healthy(first);
        site.Tell(new ApplyEvent.Assigned(new(bad, first, 2)));
        while (site.State.InFlight is not Step.WriteFile) site.Drain(1);
        var step = site.State.InFlight;
        site.Tell(new ApplyEvent.Assigned(new(second, first, 3)));
        site.Tell(new ApplyEvent.BlobsReady(3));
        Assert.Same(step, site.State.InFlight);
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second, 3L), (site.Status.Phase, site.Status.Bundle, site.Status.Since));
    }

    [Fact]
    public void A_full_disk_leaves_the_old_state_and_is_tried_until_there_is_space()
    {
        var site = Healthy(first);
        site.Fault = step => step is Step.Stage ? new("DiskFull", "/srv/site", "8 KiB short", false) : null;
        Assign(site, second, first, 2);
        Assert.Equal((ApplyPhase.Applying, first), (site.Status.Phase, site.Status.Bundle));
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.DiskFull);
        Assert.Equal(["gateway/main", "old/s"], site.Services.Keys.Order());
        site.Fault = _ => null;
        site.Settle();
        Assert.Equal((ApplyPhase.Healthy, second), (site.Status.Phase, site.Status.Bundle));
        Assert.Empty(site.Status.Conditions);
    }

    [Fact]
    public void A_step_that_fails_thrice_ends_the_attempt()
    {
        var site = Healthy(first);
        var tries = 0;
        site.Fault = step => step is Step.WriteFile { File.Name: "z" } && ++tries > 0
            ? new("ApplyFailed", "z", "input/output error", false)
            : null;
        Assign(site, second, first, 2);
        Assert.Equal(ApplyMachine.MaxTries, tries);
        Assert.Equal((ApplyPhase.Reverted, first), (site.Status.Phase, site.Status.Bundle));
    }

    [Fact]
    public void Drift_is_repaired_shown_and_forgotten_after_a_while()
    {
        var site = Healthy(first);
        var starts = site.Starts;
        site.Files["/srv/site/etc/gateway.conf"] = Digest.Of("by hand"u8);
        var drift = new Drift(site.State.Owned.Find("File:/srv/site/etc/gateway.conf")!, "edited");
        site.Tell(new ApplyEvent.DriftFound([drift]));
        site.Drain();
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.DriftRepaired && c.Subject == "/srv/site/etc/gateway.conf");
        Assert.Equal((ApplyPhase.Healthy, first), (site.Status.Phase, site.Status.Bundle));
        Assert.Equal(starts, site.Starts);
        site.Settle();
        Assert.Empty(site.Status.Conditions);
    }

    [Fact]
    public void An_app_that_falls_ill_later_is_told_and_not_reverted()
    {
        var site = Healthy(first);
        site.Tell(new ApplyEvent.HealthChanged([new("gateway", HealthState.Unhealthy, "refused"), new("old", HealthState.Healthy, null)]));
        site.Drain();
        Assert.Equal((ApplyPhase.Unhealthy, first), (site.Status.Phase, site.Status.Bundle));
        Assert.Contains(site.Status.Conditions, c => c.Code == ConditionCodes.HealthCheckFailed && c.Text == "refused");
        site.Tell(new ApplyEvent.HealthChanged([new("gateway", HealthState.Healthy, null), new("old", HealthState.Healthy, null)]));
        site.Drain();
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        Assert.Empty(site.Status.Conditions);
    }

    [Fact]
    public void Foreign_files_come_back_and_strangers_are_never_touched()
    {
        var site = Site();
        var (foreign, stranger) = (Digest.Of("foreign"u8), Digest.Of("stranger"u8));
        site.Files["/srv/site/z.txt"] = foreign;
        site.Files["/srv/site/mine.txt"] = stranger;
        site.Boot();
        Assign(site, second, null, 1);
        Assert.NotEqual(foreign, site.Files["/srv/site/z.txt"]);
        Assign(site, bundles.Bundle(), second, 2);
        Assert.Equal(foreign, site.Files["/srv/site/z.txt"]);
        Assert.Equal(stranger, site.Files["/srv/site/mine.txt"]);
        Assert.Equal(2, site.Files.Count);
        Assert.Empty(site.Folders);
    }

    private FakeSite Healthy(Digest bundle)
    {
        var site = Site();
        site.Boot();
        Assign(site, bundle, null, 1);
        Assert.Equal(ApplyPhase.Healthy, site.Status.Phase);
        return site;
    }

    private static void Assign(FakeSite site, Digest bundle, Digest? fallback, long since)
    {
        site.Tell(new ApplyEvent.Assigned(new DesiredBundle(bundle, fallback, since)));
        site.Settle();
    }

    private static void Golden(string text, [CallerMemberName] string name = "", [CallerFilePath] string here = "")
    {
        var file = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "Golden", $"{name}.txt");
        GoldenFile.CheckText(file, text);
    }
}
