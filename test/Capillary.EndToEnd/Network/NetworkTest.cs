using System.Diagnostics;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>A fleet with a network of its own: one hub, one region, one site or more, every one in its namespace, converged.</summary>
[Trait("needs", "network")]
public abstract class NetworkTest(ITestOutputHelper output) : IAsyncLifetime
{
    private protected const string Region = "eu-central";
    private protected const string Site = "basel-lab-1";
    private protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    /// <summary>A link is dead after 45 s; a tick, a busy machine.</summary>
    private protected static readonly TimeSpan DeadWithin = TimeSpan.FromSeconds(45 + 10);
    private readonly CancellationTokenSource limit = new(TimeSpan.FromMinutes(15));
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-net-").FullName;
    private bool failed;

    private protected CancellationToken Stop => limit.Token;

    private protected TestNetwork Net { get; } = new();

    private protected RunningFleet Fleet { get; private set; } = null!;

    private protected FleetRepository Repository => Fleet.Repository;

    private protected DemoSite First => Repository.Sites[0];

    private protected virtual FleetPlan Plan(FleetPlan plan) => plan;

    public async Task InitializeAsync()
    {
        try
        {
            Fleet = await RunningFleet.StartAsync(Plan(new FleetPlan(Binaries.Find(), folder, 1) { Ground = Net }), Say, Stop);
            await ConvergeAsync(await Repository.HeadAsync(Stop));
        }
        catch
        {
            failed = true;
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (Fleet is not null) await Fleet.DisposeAsync();
        await Net.DisposeAsync();
        limit.Dispose();
        if (!failed && Environment.GetEnvironmentVariable("CAPILLARY_KEEP") is null) Directory.Delete(folder, recursive: true);
        else Console.WriteLine($"the work folder is kept: {folder}");
    }

    private protected void Say(string text) => output.WriteLine($"[{DateTime.UtcNow:HH:mm:ss.f}] {text}");

    private protected Task WaitAsync(string what, Func<bool> holds, TimeSpan? deadline = null) =>
        WaitAsync(what, () => Task.FromResult(holds()), deadline);

    /// <summary>Waits on a level; how long it took.</summary>
    private protected async Task<TimeSpan> WaitAsync(string what, Func<Task<bool>> holds, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            await Fleet.WaitAsync(what, holds, deadline ?? Deadline, Stop);
        }
        catch (HarnessException)
        {
            failed = true;
            foreach (var log in Directory.EnumerateFiles(Path.Combine(folder, "logs")))
                output.WriteLine($"{log}:\n{string.Join('\n', File.ReadLines(log).TakeLast(12))}");
            throw;
        }
        Say($"{what}: {clock.Elapsed.TotalSeconds:0.0} s");
        return clock.Elapsed;
    }

    private protected Task<TimeSpan> ConvergeAsync(string commit, TimeSpan? deadline = null) =>
        WaitAsync($"every site to be healthy on {commit[..8]}", () => Fleet.IsConvergedAsync(commit, Stop), deadline);

    /// <summary>Commits another notice for the first site; the commit's id.</summary>
    private protected async Task<string> CommitNoticeAsync(string notice)
    {
        Repository.Edit(First.File, text => System.Text.RegularExpressions.Regex.Replace(text, "facility_name: \".*\"", $"facility_name: \"{notice}\""));
        return await Repository.CommitAsync(notice, Stop);
    }

    private protected bool NoticeSays(string text)
    {
        var file = Fleet.RootFile(Site, "share/notice.txt");
        return File.Exists(file) && File.ReadAllText(file).Contains(text, StringComparison.Ordinal);
    }

    private protected async Task<SiteRow> RowAsync() => (await Fleet.Api.SitesAsync(Stop)).First(row => row.Site == Site);

    private protected async Task<string> StateAsync() => (await RowAsync()).State;

    private protected Task<JsonElement> StatusAsync() => Fleet.Api.GetAsync("status", Stop);

    /// <summary>Whether the gateway at the site answers and is well, asked from the site itself.</summary>
    private protected async Task<bool> IsServingAsync() =>
        await Net.TryInAsync(Site, Stop, "curl", "-sf", "-m", "2", "-o", "/dev/null", $"http://127.0.0.1:{First.HttpPort}/healthz") == 0;

    private protected Task WaitForLinkAsync(string node, long log, TimeSpan? deadline = null) =>
        WaitAsync($"the link of {node} to be live", () => Fleet.LogSince(node, log).Contains("is live", StringComparison.Ordinal), deadline);

    private protected Task WaitForLossAsync(string node, long log, TimeSpan? deadline = null) =>
        WaitAsync($"{node} to know that its link is down", () => Fleet.LogSince(node, log).Contains("is down", StringComparison.Ordinal),
            deadline ?? DeadWithin);
}
