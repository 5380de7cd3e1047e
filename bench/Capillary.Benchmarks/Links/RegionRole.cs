using System.Net;
using Capillary.RegionNode;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Links;

/// <summary>A real region in a process of its own.</summary>
internal static class RegionRole
{
    public static async Task RunAsync(string home, int port, CancellationTokenSource stop)
    {
        var region = new Region(new RegionOptions(home, new IPEndPoint(IPAddress.Loopback, port)), TimeProvider.System,
            NullLoggerFactory.Instance);
        var running = region.RunAsync(stop.Token);
        if (await Task.WhenAny(region.Listening, running) == running) await running;
        Role.Say(new { port = (await region.Listening).Port });
        await Role.AnswerAsync(_ => Task.FromResult(Role.Memory()));
        await stop.CancelAsync();
        await running;
    }
}
