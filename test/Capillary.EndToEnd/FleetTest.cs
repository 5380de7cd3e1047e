using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>What every test of the shared fleet begins with: the fleet, converged, and a few ways to ask it.</summary>
[Collection(SharedFleet.Name)]
public abstract class FleetTest(SharedFleet shared, ITestOutputHelper output) : IAsyncLifetime
{
    private protected const string Canary = "basel-lab-1";
    private protected const string Poct = "lyon-poct-2";
    private protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(45);

    private protected static CancellationToken Stop => CancellationToken.None;

    private protected SharedFleet Shared => shared;

    private protected RunningFleet Fleet { get; private set; } = null!;

    private protected FleetRepository Repository => Fleet.Repository;

    public async Task InitializeAsync() => Fleet = await shared.ReadyAsync();

    public virtual Task DisposeAsync() => Task.CompletedTask;

    private protected void Say(string text) => output.WriteLine(text);

    private protected DemoSite SiteNamed(string site) => Repository.Sites.First(item => item.Name == site);

    /// <summary>Runs the command line against this hub.</summary>
    private protected Task<string> CliAsync(params string[] arguments) =>
        Fleet.CapillaryAsync(Stop, [.. arguments, "--socket", Fleet.Socket]);

    private protected async Task<JsonElement> CliJsonAsync(params string[] arguments) =>
        JsonDocument.Parse(await CliAsync([.. arguments, "-o", "json"])).RootElement.Clone();

    private protected Task<JsonElement> StatusAsync() => Fleet.Api.GetAsync("status", Stop);

    private protected Task<JsonElement> SiteAsync(string site) => Fleet.Api.GetAsync($"sites/{site}", Stop);

    /// <summary>Every site's line of the listing, by name.</summary>
    private protected async Task<Dictionary<string, JsonElement>> RowsAsync() =>
        (await Fleet.Api.GetAsync("sites", Stop)).EnumerateArray().ToDictionary(row => row.GetProperty("site").GetString()!);

    /// <summary>What sites run and are to run, without what changes by itself.</summary>
    private protected async Task<string> PictureAsync() => string.Join('\n', (await RowsAsync()).Values.Select(row =>
        $"{row.GetProperty("site")} {row.GetProperty("since")} {row.GetProperty("bundle")} {row.GetProperty("desired")}"));

    private protected Task WaitAsync(string what, Func<Task<bool>> holds) => Fleet.WaitAsync(what, holds, Deadline, Stop);

    private protected Task WaitAsync(string what, Func<bool> holds) => WaitAsync(what, () => Task.FromResult(holds()));

    private protected async Task<string> CommitAndConvergeAsync(string message)
    {
        var commit = await Repository.CommitAsync(message, Stop);
        await Fleet.ConvergeAsync(commit, Deadline, Stop);
        return commit;
    }

    /// <summary>A file below the root of a site.</summary>
    private protected string RootFile(string site, string path) => Fleet.RootFile(site, path);

    /// <summary>The process of a site's gateway, as the agent's own record has it.</summary>
    private protected int GatewayProcess(string site) => Fleet.ServiceProcess(site, "instrument-gateway.gateway");

    /// <summary>A process whose parent was killed may stay as a zombie where nobody reaps; it does not run.</summary>
    private protected static bool IsRunning(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The log of a node from a place on, so that a test sees only what it caused.</summary>
    private protected string LogSince(string node, long from) => Fleet.LogSince(node, from);

    private protected long LogEnd(string node) => Fleet.LogEnd(node);

    /// <summary>The codes and texts of what a site's last report says.</summary>
    private protected async Task<IReadOnlyList<(string Code, string Text)>> ConditionsAsync(string site) =>
        [.. (await SiteAsync(site)).GetProperty("conditions").EnumerateArray()
            .Select(item => (item.GetProperty("code").GetString()!, item.GetProperty("text").GetString()!))];

    /// <summary>The codes of what is wrong with the hub.</summary>
    private protected async Task<IReadOnlyList<(string Code, string Text)>> HubConditionsAsync() =>
        [.. (await StatusAsync()).GetProperty("conditions").EnumerateArray()
            .Select(item => (item.GetProperty("code").GetString()!, item.GetProperty("text").GetString()!))];
}
