using System.CommandLine;
using Capillary.Core.Reports;

namespace Capillary.Cli;

/// <summary>The times of <c>capillary hub run</c>: when a silent site is stale and offline, and how long a started hub waits.</summary>
internal sealed class HubTimes
{
    // One heartbeat of a region and its way here: less would show well sites as stale between two of them.
    private const int LeastFresh = 35;
    private const int MostOffline = 30 * 24 * 3600;

    private readonly Option<int> freshFor = new("--fresh-for")
    {
        Description = $"From when a silent site is stale, in seconds, {LeastFresh} to {MostOffline}.",
        DefaultValueFactory = _ => (int)Core.Reports.Freshness.Default.FreshFor.TotalSeconds,
    };

    private readonly Option<int> offlineAfter = new("--offline-after")
    {
        Description = $"From when a silent site is offline, in seconds, more than --fresh-for, at most {MostOffline}.",
        DefaultValueFactory = _ => (int)Core.Reports.Freshness.Default.OfflineAfter.TotalSeconds,
    };

    private readonly Option<int> settle = new("--settle")
    {
        Description = "How long a started hub waits for its regions to tell what they hold before it publishes, in seconds, 0 to 600. It "
            + "goes "
            + "on as soon as all have told.",
        DefaultValueFactory = _ => 10,
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[freshFor, offlineAfter, settle]) command.Options.Add(option);
    }

    /// <summary>What is wrong with what was given; null: nothing.</summary>
    public string? Problem(ParseResult parsed)
    {
        if (parsed.GetValue(freshFor) is < LeastFresh or > MostOffline)
            return $"--fresh-for is {LeastFresh} to {MostOffline} seconds: a site that is well is heard of every 30 s";
        if (parsed.GetValue(offlineAfter) > MostOffline || parsed.GetValue(offlineAfter) <= parsed.GetValue(freshFor))
            return $"--offline-after is more than --fresh-for, and at most {MostOffline} seconds";
        return parsed.GetValue(settle) is < 0 or > 600 ? "--settle is 0 to 600 seconds" : null;
    }

    public Freshness Freshness(ParseResult parsed) =>
        new(TimeSpan.FromSeconds(parsed.GetValue(freshFor)), TimeSpan.FromSeconds(parsed.GetValue(offlineAfter)));

    public TimeSpan Settle(ParseResult parsed) => TimeSpan.FromSeconds(parsed.GetValue(settle));
}
