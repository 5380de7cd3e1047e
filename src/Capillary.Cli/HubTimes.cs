using System.CommandLine;
using Capillary.Core.Reports;

namespace Capillary.Cli;

/// <summary>The times of <c>capillary hub run</c>: when a silent site is stale and offline, and how long a started hub waits.</summary>
internal sealed class HubTimes
{
    private readonly Option<int> freshFor = new("--fresh-for")
    {
        Description = "A site that was silent for longer is stale, in seconds, 1 to 86400.",
        DefaultValueFactory = _ => (int)Core.Reports.Freshness.Default.FreshFor.TotalSeconds,
    };

    private readonly Option<int> offlineAfter = new("--offline-after")
    {
        Description = "A site that was silent for longer is offline, in seconds, up to 604800; not less than --fresh-for.",
        DefaultValueFactory = _ => (int)Core.Reports.Freshness.Default.OfflineAfter.TotalSeconds,
    };

    private readonly Option<int> settle = new("--settle")
    {
        Description = "How long a started hub waits for its regions to tell what they hold before it publishes, in seconds, 0 to 600. It goes "
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
        if (parsed.GetValue(freshFor) is < 1 or > 86_400) return "--fresh-for is 1 to 86400 seconds";
        if (parsed.GetValue(offlineAfter) > 604_800 || parsed.GetValue(offlineAfter) < parsed.GetValue(freshFor))
            return "--offline-after is up to 604800 seconds, and not less than --fresh-for";
        return parsed.GetValue(settle) is < 0 or > 600 ? "--settle is 0 to 600 seconds" : null;
    }

    public Freshness Freshness(ParseResult parsed) =>
        new(TimeSpan.FromSeconds(parsed.GetValue(freshFor)), TimeSpan.FromSeconds(parsed.GetValue(offlineAfter)));

    public TimeSpan Settle(ParseResult parsed) => TimeSpan.FromSeconds(parsed.GetValue(settle));
}
