namespace Capillary.EndToEnd;

/// <summary>What a person may type while the demo stays: cut a site's link, and plug it in again.</summary>
internal sealed class DemoPrompt(RunningFleet fleet, RelayedGround ground)
{
    public const string Usage = "Type here:  cut SITE | plug SITE | sites | quit";

    /// <summary>Reads commands until <paramref name="stop"/> or <c>quit</c>; where nobody can type, it only waits.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (await Task.Run(Console.ReadLine, CancellationToken.None).WaitAsync(stop) is not { } line) break;
            if (line.Trim() == "quit") return;
            try
            {
                await AnswerAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), stop);
            }
            catch (HttpRequestException e)
            {
                Console.WriteLine($"the hub does not answer: {e.Message}");
            }
        }
        await Task.Delay(Timeout.Infinite, stop);
    }

    private async Task AnswerAsync(string[] words, CancellationToken stop)
    {
        switch (words)
        {
            case ["cut", var site] when ground.CableOf(site) is { } cable:
                cable.Cut();
                Console.WriteLine($"""
                    The link of {site} is cut: no byte passes, and nobody is told. It works on; try its page, or edit one of its files.
                    After 45 s both ends give the link up; the hub then shows it as stale, then offline. Commit something: the others get it.
                    """);
                break;
            case ["plug", var site] when ground.CableOf(site) is { } cable:
                cable.Plug();
                Console.WriteLine($"The link of {site} is back; it dials its region within a minute and catches up by itself.");
                break;
            case ["cut" or "plug", var site]:
                Console.WriteLine($"there is no site '{site}'; the sites are {string.Join(", ", fleet.Repository.Sites.Select(item => item.Name))}");
                break;
            case ["sites"]:
                foreach (var row in await fleet.Api.SitesAsync(stop))
                    Console.WriteLine($"{row.Site,-22} {row.State,-12} {row.AgeSeconds,5:0} s  {(ground.CableOf(row.Site)?.IsCut == true ? "link cut" : "")}");
                break;
            case []:
                break;
            default:
                Console.WriteLine(Usage);
                break;
        }
    }
}
