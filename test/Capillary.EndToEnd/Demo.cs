using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>The demo: a newcomer watches a Git commit reach its sites. With --once it checks itself and says `demo: ok`.</summary>
internal sealed class Demo
{
    private const string Template = "apps/instrument-gateway/templates/gateway.json.j2";
    private static readonly TimeSpan FirstDeadline = TimeSpan.FromMinutes(3);
    private readonly DemoOptions options;
    private readonly Stopwatch clock;
    private readonly RunningFleet fleet;
    private readonly RelayedGround ground;
    private readonly DemoCut cut;
    private readonly DemoCluster? cluster;

    private Demo(DemoOptions options, RunningFleet fleet, RelayedGround ground, DemoCluster? cluster, Stopwatch clock)
    {
        (this.options, this.fleet, this.ground, this.cluster, this.clock) = (options, fleet, ground, cluster, clock);
        cut = new DemoCut(fleet, ground, text => Say(clock, text));
    }

    public static async Task<int> RunAsync(DemoOptions options, CancellationToken stop)
    {
        var folder = options.Folder ?? Path.Combine(Path.GetTempPath(), $"capillary-demo-{Environment.ProcessId}");
        var clock = Stopwatch.StartNew();
        try
        {
            await using var ground = new RelayedGround();
            var plan = new FleetPlan(Binaries.Find(), folder, options.Sites) { Ground = ground, HubArguments = DemoCut.HubArguments };
            await using var fleet = await RunningFleet.StartAsync(plan, text => Say(clock, text), stop);
            await using var cluster = options.Kubeconfig is { } file ? new DemoCluster(fleet, file, text => Say(clock, text)) : null;
            if (cluster is not null) await cluster.PrepareAsync(stop);
            var demo = new Demo(options, fleet, ground, cluster, clock);
            await demo.StepsAsync(stop);
            if (!options.Once) return await demo.StayAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.WriteLine("stopped; every process of the demo has ended");
            if (!options.Keep && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            return options.Once ? 1 : 0;
        }
        catch (Exception e) when (e is HarnessException or FileNotFoundException or HttpRequestException)
        {
            Console.Error.WriteLine($"demo: failed: {e.Message}");
            Console.Error.WriteLine($"the work folder is kept: {folder}");
            return 1;
        }
        if (!options.Keep) Directory.Delete(folder, recursive: true);
        Console.WriteLine("demo: ok");
        return 0;
    }

    private async Task StepsAsync(CancellationToken stop)
    {
        var first = (await fleet.Repository.GitAsync(stop, "rev-parse", "HEAD")).Trim();
        if (options.Once) await fleet.ConvergeAsync(first, FirstDeadline, stop);
        else await LiveTable.ShowUntilAsync(fleet, () => fleet.IsConvergedAsync(first, stop), FirstDeadline, stop);
        Say(clock, $"commit {first[..8]} is healthy on all {fleet.Repository.Sites.Count} sites");
        await SendMessageAsync(fleet.Repository.Sites[0], stop);
        if (!options.Once)
        {
            if (cluster is not null) await cluster.ShowAsync(stop);
            return;
        }
        cut.Cut();
        var commit = await ChangeAsync(stop);
        await cut.LivesAsync(stop);
        await BreakAsync(stop);
        await cut.IsSilentAsync(stop);
        await cut.PlugAsync(commit, stop);
        if (cluster is null) return;
        fleet.Repository.Edit(Template, text => text.Replace("vars.htp_port", "vars.http_port"));
        await cluster.ShowAsync(stop);
        await cluster.RetireAsync(stop);
    }

    private async Task SendMessageAsync(DemoSite site, CancellationToken stop)
    {
        var sent = await Instrument.SendAsync(fleet, site, stop);
        Say(clock, $"HL7 message {sent.Sample} from {sent.Sender} is acknowledged and stored at {site.Name}");
    }

    /// <summary>One commit: another port for one site's gateway, another value for one group.</summary>
    private async Task<string> ChangeAsync(CancellationToken stop)
    {
        var site = fleet.Repository.MoveToFreePorts(fleet.Repository.Sites[0]);
        fleet.Repository.Edit("groups/point-of-care.yaml", text => text.Replace("preliminary", "provisional"));
        cut.Edit();
        var commit = await fleet.Repository.CommitAsync("another port for one gateway, another notice for a group", stop);
        var since = Stopwatch.StartNew();
        await cut.OthersAsync(commit, stop);
        Say(clock, $"commit {commit[..8]} is healthy on the other sites {since.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s after it was made");
        await SendMessageAsync(site, stop);
        foreach (var other in fleet.Repository.Sites.Where(item => item.Name != cut.Site && File.ReadAllText(Path.Combine(fleet.Repository.Folder, item.File)).Contains("point-of-care", StringComparison.Ordinal)))
        {
            var notice = await File.ReadAllTextAsync(Path.Combine(fleet.HomeOf(other.Name), "root", "share", "notice.txt"), stop);
            if (!notice.Contains("provisional", StringComparison.Ordinal)) throw new HarnessException($"{other.Name} does not show the group's new notice");
        }
        Say(clock, "the gateway answers on its new port, and the group's sites show their new notice");
        return commit;
    }

    /// <summary>A commit that does not compile changes nothing and is shown with its diagnostics.</summary>
    private async Task BreakAsync(CancellationToken stop)
    {
        var before = await SnapshotAsync(stop);
        fleet.Repository.Edit(Template, text => text.Replace("vars.http_port", "vars.htp_port"));
        var commit = await fleet.Repository.CommitAsync("a template with a typing error", stop);
        JsonElement failed = default;
        await fleet.WaitAsync("the hub to show the broken commit", async () =>
        {
            var status = await fleet.Api.GetAsync("status", stop);
            return status.TryGetProperty("lastFailedCommit", out failed) && failed.ValueKind == JsonValueKind.Object && failed.GetProperty("commit").GetString() == commit;
        }, TimeSpan.FromSeconds(30), stop);
        foreach (var line in DiagnosticsOf(failed)) Console.WriteLine($"         {line}");
        if (!DiagnosticsOf(failed).Any(line => line.Contains("gateway.json.j2", StringComparison.Ordinal))) throw new HarnessException("the diagnostics do not name the broken template");
        if (await SnapshotAsync(stop) != before) throw new HarnessException("a broken commit changed what sites should run");
        Say(clock, $"commit {commit[..8]} does not compile; its diagnostics are shown and nothing changed");
    }

    private async Task<string> SnapshotAsync(CancellationToken stop) =>
        string.Join("\n", (await fleet.Api.SitesAsync(stop)).OrderBy(site => site.Site, StringComparer.Ordinal)
            .Select(site => $"{site.Site} {(site.Site == cut.Site ? "cut" : site.State)} {site.Bundle} {site.DesiredBundle} {site.DesiredCommit}"));

    private static IEnumerable<string> DiagnosticsOf(JsonElement failed) =>
        failed.GetProperty("diagnostics").EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
            : $"{item.GetProperty("file").GetString()}:{item.GetProperty("line")}:{item.GetProperty("column")}: {item.GetProperty("message").GetString()}");

    private async Task<int> StayAsync(CancellationToken stop)
    {
        var site = fleet.Repository.Sites[0];
        Console.WriteLine($"""

            The fleet runs in {fleet.Folder}. Try, in another terminal:
              export CAPILLARY_SOCKET={fleet.Socket} PATH={Path.GetDirectoryName(fleet.Binaries.Capillary)}:{Path.GetDirectoryName(fleet.Binaries.Edge)}:$PATH
              capillary site list                      what every site runs, and its age
              capillary status --watch                 the same, live
              cd {fleet.Repository.Folder}
              edit a variable in {site.File}, commit, and watch it arrive
              capillary fleet preview --against HEAD   before you commit: which sites change, and how
              break a template there and commit        the hub shows the diagnostics, and nothing changes
              rm {fleet.HomeOf(site.Name)}/root/etc/*
                                                       the site puts it back within 10 s
              open http://127.0.0.1:{site.HttpPort}/           the gateway's last results
              kill {fleet.ProcessOf(site.Region),-36}stop region {site.Region}: its sites go stale here, and run on there
              capillary-edge status --data {fleet.HomeOf(site.Name)}
                                                       what a site last said of itself
            {DemoPrompt.Usage}
              cut {cut.Site ?? site.Name} cuts that site's link: watch it live without one; 'plug' brings it back
            Ctrl-C ends every process of the demo.

            """);
        if (cluster is not null) Console.WriteLine(cluster.Hint);
        await new DemoPrompt(fleet, ground).RunAsync(stop);
        if (cluster is not null) await cluster.RetireAsync(stop);
        return 0;
    }

    private static void Say(Stopwatch clock, string text) =>
        Console.WriteLine($"[{clock.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture),5} s] {text}");
}
