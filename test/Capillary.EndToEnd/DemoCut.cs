using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>The demo's scene of one site whose link is cut: it lives on, the hub says honestly what it does not know, and it comes back.</summary>
internal sealed class DemoCut(RunningFleet fleet, RelayedGround ground, Action<string> say)
{
    // A little more than the shortest the hub takes, so that the scene is short; a hub of your own has 90 s and 10 min.
    private const int FreshFor = 35;
    private const int OfflineAfter = 40;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(150);
    private const string Mark = "(moved) ";
    private readonly Stopwatch clock = new();

    public static IReadOnlyList<string> HubArguments { get; } = ["--fresh-for", $"{FreshFor}", "--offline-after", $"{OfflineAfter}"];

    /// <summary>The site of the scene: the last one, so no canary; null where there is only one.</summary>
    public string? Site => fleet.Repository.Sites.Count > 1 ? fleet.Repository.Sites[^1].Name : null;

    public void Cut()
    {
        if (Site is null) return;
        ground.CableOf(Site)!.Cut();
        clock.Restart();
        say($"the link of {Site} is cut: no byte passes, and nobody is told");
    }

    /// <summary>Part of the commit that is made meanwhile: it changes this site, too.</summary>
    public void Edit()
    {
        if (Site is not null)
            fleet.Repository.Edit(fleet.Repository.Sites[^1].File, text => text.Replace("facility_name: \"", $"facility_name: \"{Mark}"));
    }

    /// <summary>Waits until every site but the one that is cut runs what a commit wants of it.</summary>
    public async Task OthersAsync(string commit, CancellationToken stop)
    {
        await fleet.WaitAsync($"the other sites to be healthy on {commit[..8]}", async () =>
            IsThroughBut(await fleet.Api.GetAsync("status", stop), commit)
            && (await fleet.Api.SitesAsync(stop)).Where(site => site.Site != Site).All(site => site.IsSettled), Deadline, stop);
        if (Site is not null && HasMark()) throw new HarnessException($"{Site} runs a commit that cannot have reached it");
    }

    /// <summary>The site's service answers, and what a hand changed is put back, without any parent.</summary>
    public async Task LivesAsync(CancellationToken stop)
    {
        if (Site is null) return;
        var site = fleet.Repository.Sites[^1];
        if (!await Instrument.IsWellAsync(site, stop)) throw new HarnessException($"the gateway of {Site} does not answer");
        var notice = fleet.RootFile(site.Name, "share/notice.txt");
        var text = await File.ReadAllTextAsync(notice, stop);
        await File.WriteAllTextAsync(notice, "edited by hand", stop);
        var since = Stopwatch.StartNew();
        await fleet.WaitAsync("the edited file to be put back", async () => await File.ReadAllTextAsync(notice, stop) == text, Deadline, stop);
        say($"{Site} works on without its link: its gateway answers, and a file edited by hand was put back after {Seconds(since)} s");
    }

    /// <summary>The hub says what it knows: stale, then offline, each with its age.</summary>
    public async Task IsSilentAsync(CancellationToken stop)
    {
        if (Site is null) return;
        foreach (var state in (string[])["stale", "offline"])
        {
            await fleet.WaitAsync($"the hub to show {Site} as {state}", async () => (await RowAsync(stop)).State == state, Deadline, stop);
            say($"the hub shows {Site} as {state}: its last word is {(await RowAsync(stop)).AgeSeconds:0} s old; the link is cut for {Seconds(clock)} s");
        }
    }

    public async Task PlugAsync(string commit, CancellationToken stop)
    {
        if (Site is null) return;
        ground.CableOf(Site)!.Plug();
        var since = Stopwatch.StartNew();
        say($"the link of {Site} is back");
        await fleet.ConvergeAsync(commit, Deadline, stop);
        if (!HasMark()) throw new HarnessException($"{Site} is said to be healthy, and does not show what was committed meanwhile");
        say($"{Site} has caught up by itself {Seconds(since)} s later: commit {commit[..8]} is healthy on all sites");
    }

    /// <summary>Every wave of the commit's rollout has started, and waits for nobody but the site that is cut.</summary>
    private bool IsThroughBut(JsonElement status, string commit)
    {
        var rollout = status.GetProperty("rollout");
        return status.GetProperty("commit").GetString() == commit
            && rollout.GetProperty("release").GetInt64() == status.GetProperty("release").GetInt64()
            && rollout.GetProperty("waves").EnumerateArray().All(wave => wave.GetProperty("started").GetBoolean()
                && wave.GetProperty("open").EnumerateArray().All(open => open.GetProperty("site").GetString() == Site));
    }

    private bool HasMark() => File.ReadAllText(fleet.RootFile(Site!, "share/notice.txt")).Contains(Mark, StringComparison.Ordinal);

    private async Task<SiteRow> RowAsync(CancellationToken stop) => (await fleet.Api.SitesAsync(stop)).First(row => row.Site == Site);

    private static string Seconds(Stopwatch since) => since.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
}
