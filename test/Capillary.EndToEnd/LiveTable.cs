using Spectre.Console;

namespace Capillary.EndToEnd;

/// <summary>A table of the sites that follows the hub until something holds.</summary>
internal static class LiveTable
{
    public static async Task ShowUntilAsync(RunningFleet fleet, Func<Task<bool>> holds, TimeSpan deadline, CancellationToken stop)
    {
        if (Console.IsOutputRedirected)
        {
            await fleet.WaitAsync("every site to be healthy", holds, deadline, stop);
            return;
        }
        await AnsiConsole.Live(Render([])).StartAsync(async live =>
        {
            await fleet.WaitAsync("every site to be healthy", async () =>
            {
                live.UpdateTarget(Render(await fleet.Api.SitesAsync(stop)));
                return await holds();
            }, deadline, stop);
            live.UpdateTarget(Render(await fleet.Api.SitesAsync(stop)));
        });
    }

    private static Table Render(IReadOnlyList<SiteRow> sites)
    {
        var table = new Table().RoundedBorder().AddColumns("site", "region", "state", "bundle", "age");
        foreach (var site in sites)
        {
            var color = site.State switch { "healthy" => "green", "progressing" => "yellow", "pending" => "grey", _ => "red" };
            table.AddRow(site.Site, site.Region, $"[{color}]{site.State}[/]", site.Bundle is { } bundle ? bundle[..19] : "-", site.AgeSeconds is { } age ? $"{age:0} s" : "-");
        }
        return table;
    }
}
