using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>kill -9 of every tier at random moments of an apply.</summary>
public sealed class CrashTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    private const int Rounds = 3;
    private const int LongestWait = 1500;

    [Fact]
    public async Task Promise2_AgentKilled_ServicesRunOn_AreAdopted_AndKeepTheirResults()
    {
        var site = SiteNamed(Poct);
        await Instrument.SendAsync(Fleet, site, Stop);
        var (process, results, log) = (GatewayProcess(Poct), await Instrument.ResultsAsync(site, Stop), LogEnd(Poct));
        await Fleet.KillAsync(Poct);
        Assert.True(IsRunning(process));
        await Instrument.SendAsync(Fleet, site, Stop);
        Fleet.StartSite(Poct);
        await WaitAsync("the service to be adopted", () =>
            LogSince(Poct, log).Contains($"process {process} adopted", StringComparison.Ordinal));
        await Fleet.ConvergeAsync(await Repository.HeadAsync(Stop), Deadline, Stop);
        Assert.Equal(process, GatewayProcess(Poct));
        Assert.True(await Instrument.ResultsAsync(site, Stop) > results);
        Assert.DoesNotContain("started as process", LogSince(Poct, log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promise2_KilledAtRandomMoments_EverythingConverges()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CAPILLARY_SEED"), out var given) ? given : Environment.TickCount;
        Say($"CAPILLARY_SEED={seed}");
        var random = new Random(seed);
        string[] nodes = ["hub", .. Fleet.Regions, .. Repository.Sites.Select(site => site.Name)];
        var site = SiteNamed(Poct);
        await Instrument.SendAsync(Fleet, site, Stop);
        var results = await Instrument.ResultsAsync(site, Stop);
        for (var round = 0; round < Rounds; round++)
        {
            var number = 40 + round;
            Repository.Edit("fleet.yaml", text => Regex.Replace(text, @"result_retention_days: \d+", $"result_retention_days: {number}"));
            Repository.Edit(site.File, text => Regex.Replace(text, @"emergency ward \d+", $"emergency ward {number}"));
            var commit = await Repository.CommitAsync($"round {round}", Stop);
            var victims = nodes.OrderBy(_ => random.Next()).Take(random.Next(1, 4)).ToList();
            foreach (var victim in victims)
            {
                // A random moment is what is tested here; nothing is waited for.
                await Task.Delay(random.Next(LongestWait));
                await Fleet.KillAsync(victim);
            }
            foreach (var victim in victims.OrderBy(_ => random.Next())) await Fleet.StartAsync(victim, Stop);
            var clock = System.Diagnostics.Stopwatch.StartNew();
            await Fleet.ConvergeAsync(commit, TimeSpan.FromSeconds(60), Stop);
            Say($"round {round}: killed {string.Join(", ", victims)}; converged {clock.Elapsed.TotalSeconds:0.0} s later");
            var notice = await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt"));
            Assert.Contains($"emergency ward {number}", notice, StringComparison.Ordinal);
        }
        Assert.True(await Instrument.ResultsAsync(site, Stop) >= results);
        Assert.True((await CliJsonAsync("journal", "list")).GetProperty("intact").GetBoolean());
    }
}
