using System.Diagnostics;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>What a site does with a bundle that fails, with hands that meddle, and with an app that leaves.</summary>
public sealed class ApplyTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private const string Template = "apps/instrument-gateway/templates/gateway.yaml";
    private static readonly TimeSpan RepairWithin = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Promise4_UnhealthyBundle_IsRevertedAtTheCanary_AndNoOtherSiteStarts()
    {
        var before = await RowsAsync();
        Repository.Edit(Template, text => text.Replace("etc/instrument-gateway.json]", "etc/no-such-file.json]"));
        Repository.Edit("apps/instrument-gateway/app.yaml", text => text.Replace("deadlineSeconds: 60", "deadlineSeconds: 3"));
        var commit = await Repository.CommitAsync("a gateway that cannot start", Stop);
        await WaitAsync("the canary to revert", async () => (await SiteAsync(Canary)).GetProperty("phase").GetString() == "reverted");
        await WaitAsync("the rollout to halt", async () => (await RolloutAsync()).GetProperty("phase").GetString() == "halted");

        var canary = (await RowsAsync())[Canary];
        Assert.Equal("degraded", canary.GetProperty("state").GetString());
        Assert.Equal(before[Canary].GetProperty("bundle").GetString(), canary.GetProperty("bundle").GetString());
        Assert.Equal(commit, canary.GetProperty("desired").GetProperty("commit").GetString());
        var reverted = Assert.Single(await ConditionsAsync(Canary), condition => condition.Code == "Reverted");
        Say(reverted.Text);
        Assert.Contains("was not healthy within 3 s", reverted.Text, StringComparison.Ordinal);
        Assert.True(await Instrument.IsWellAsync(SiteNamed(Canary), Stop));

        var rollout = await RolloutAsync();
        Say(rollout.GetProperty("reason").GetString()!);
        Assert.Contains(Canary, rollout.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.False(rollout.GetProperty("waves")[1].GetProperty("started").GetBoolean());
        foreach (var (site, row) in (await RowsAsync()).Where(item => item.Key != Canary))
            Assert.Equal(before[site].GetProperty("desired").ToString(), row.GetProperty("desired").ToString());

        Repository.Edit(Template, text => text.Replace("etc/no-such-file.json]", "etc/instrument-gateway.json]"));
        await CommitAndConvergeAsync("the gateway can start again");
    }

    [Fact]
    public async Task Promise4_PortTaken_IsReverted_AndTheOldGatewayRuns()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        var site = SiteNamed(Poct);
        var results = await Instrument.ResultsAsync(site, Stop);
        Repository.Edit(site.File, text => text.Replace($"mllp_port: {site.MllpPort}", $"mllp_port: {port}"));
        Repository.Edit("apps/instrument-gateway/app.yaml", text => text.Replace("deadlineSeconds: 60", "deadlineSeconds: 4"));
        await Repository.CommitAsync("a port that somebody has", Stop);
        await WaitAsync("the site to revert", async () => (await SiteAsync(Poct)).GetProperty("phase").GetString() == "reverted");
        foreach (var (code, text) in await ConditionsAsync(Poct)) Say($"{code}: {text}");
        Assert.True(await Instrument.IsWellAsync(site, Stop));
        Assert.True(await Instrument.ResultsAsync(site, Stop) >= results);
        await Instrument.SendAsync(Fleet, site, Stop);
    }

    [Fact]
    public async Task Drift_IsRepairedAndReported_AndForeignFilesAreNotTouched()
    {
        var (edited, deleted) = (RootFile(Poct, "share/notice.txt"), RootFile(Poct, "etc/instrument-gateway.json"));
        var (was, config) = (await File.ReadAllTextAsync(edited), await File.ReadAllTextAsync(deleted));
        var foreign = RootFile(Poct, "share/of-the-staff.txt");
        await File.WriteAllTextAsync(foreign, "ours");
        await File.WriteAllTextAsync(edited, "edited by hand");
        File.Delete(deleted);
        var process = GatewayProcess(Poct);
        using (var gateway = Process.GetProcessById(process)) gateway.Kill();
        var since = Stopwatch.StartNew();
        await WaitAsync("the drift to be repaired", async () => File.Exists(deleted) && await File.ReadAllTextAsync(edited) == was
            && await File.ReadAllTextAsync(deleted) == config && GatewayProcess(Poct) != process
            && await Instrument.IsWellAsync(SiteNamed(Poct), Stop));
        Say($"repaired after {since.Elapsed.TotalSeconds:0.0} s");
        Assert.InRange(since.Elapsed, TimeSpan.Zero, RepairWithin);
        await WaitAsync("the repairs to be reported", async () =>
            (await ConditionsAsync(Poct)).Count(item => item.Code == "DriftRepaired") >= 3);
        foreach (var (code, text) in await ConditionsAsync(Poct)) Say($"{code}: {text}");
        Assert.Equal("ours", await File.ReadAllTextAsync(foreign));
        await Fleet.ConvergeAsync(await Repository.HeadAsync(Stop), Deadline, Stop);
        File.Delete(foreign);
    }

    [Fact]
    public async Task AppThatLeavesASite_TakesItsFilesAndService_AndNothingElse()
    {
        var site = SiteNamed(Poct);
        await Instrument.SendAsync(Fleet, site, Stop);
        var process = GatewayProcess(Poct);
        var kept = RootFile(Poct, "data/instrument-gateway");
        var data = Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        Repository.Edit("apps/instrument-gateway/app.yaml", text =>
            text.Replace("    selector: {}", "    selector:\n      matchLabels:\n        setting: laboratory"));
        await CommitAndConvergeAsync("gateways at laboratories only");
        Assert.False(IsRunning(process));
        Assert.False(File.Exists(RootFile(Poct, "bin/instrument-gateway")));
        Assert.False(File.Exists(RootFile(Poct, "etc/instrument-gateway.json")));
        Assert.True(File.Exists(RootFile(Poct, "share/notice.txt")));
        Assert.Equal(data, Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
        Assert.True(IsRunning(GatewayProcess(Canary)));
        var apps = (await SiteAsync(Poct)).GetProperty("apps").EnumerateArray().Select(app => app.GetProperty("name").GetString());
        Assert.Equal(["site-notice", "time-sync"], apps.Order(StringComparer.Ordinal));
        await Repository.ReturnToAsync("HEAD~1", Stop);
        await Fleet.ConvergeAsync(await Repository.HeadAsync(Stop), Deadline, Stop);
        Assert.True(await Instrument.ResultsAsync(site, Stop) > 0);
    }

    private async Task<JsonElement> RolloutAsync() => (await StatusAsync()).GetProperty("rollout");
}
