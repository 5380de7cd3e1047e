using System.Diagnostics;
using System.Globalization;

namespace Capillary.EndToEnd.Network;

/// <summary>Kills one region again and again, each time at another point of its life, and starts it anew at once.</summary>
internal sealed class KilledRegions(RunningFleet fleet, Random random, Action<string> say)
{
    // Long enough for its children's back-off to begin anew (ParentLink: 5 s of a live session).
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);
    private readonly Dictionary<string, int> moments = [];

    /// <summary>Kills it so many times.</summary>
    public async Task RunAsync(string region, int times, CancellationToken stop)
    {
        for (var i = 0; i < times; i++)
        {
            var log = fleet.LogEnd(region);
            var sites = fleet.Repository.Sites.Where(site => site.Region == region).ToDictionary(site => site.Name, site => fleet.LogEnd(site.Name));
            var moment = random.Next(20) switch
            {
                < 9 => "while it starts",
                < 12 when await SeenAsync(() => Has(region, log, "link to hub is live"), stop) => "when its link was live",
                < 15 when await SeenAsync(() => Has(region, log, " joined, agent"), stop) => "when a site joined",
                < 18 when await SeenAsync(() => sites.Any(site => Has(site.Key, site.Value, "accepted generation")), stop) => "when a line was accepted",
                >= 18 when await SeenAsync(() => Has(region, log, " joined, agent"), stop) => await SettleAsync(stop),
                _ => "when nothing came for long",
            };
            // A random moment is what is tested here; nothing is waited for.
            await Task.Delay(random.Next(moment == "while it starts" ? 900 : 80), stop);
            await fleet.KillAsync(region);
            fleet.StartRegion(region);
            moments[moment] = moments.GetValueOrDefault(moment) + 1;
        }
        say(string.Create(CultureInfo.InvariantCulture, $"{region}: killed {string.Join(", ", moments.Select(item => $"{item.Value} times {item.Key}"))}"));
    }

    private static async Task<string> SettleAsync(CancellationToken stop)
    {
        // What must pass for the back-off is time itself.
        await Task.Delay(Settled, stop);
        return "when it was settled";
    }

    private bool Has(string node, long from, string text) => fleet.LogSince(node, from).Contains(text, StringComparison.Ordinal);

    private static async Task<bool> SeenAsync(Func<bool> holds, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            if (holds()) return true;
            await Task.Delay(20, stop);
        }
        return false;
    }
}
