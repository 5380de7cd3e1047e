using System.Diagnostics;
using System.Net;
using Capillary.Benchmarks.Links;
using Capillary.HubNode;
using Capillary.HubNode.Rollout;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Hubs;

/// <summary>A real hub in a process of its own; its commits come when the benchmark says so.</summary>
internal static class HubRole
{
    public static async Task RunAsync(string folder, int sites, int commit, CancellationTokenSource stop)
    {
        var newest = commit;
        Task<CommitOutcome> Look(string? taken, CancellationToken _) => Task.FromResult(
            taken == BulkFleet.Id(newest) ? new CommitOutcome.Unchanged() : BulkFleet.Commit(sites, newest));
        var begun = Stopwatch.GetTimestamp();
        using var hub = new Hub(new HubOptions(folder, new IPEndPoint(IPAddress.Loopback, 0)), Look, TimeProvider.System,
            NullLoggerFactory.Instance);
        var opened = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        var running = hub.RunAsync(stop.Token);
        if (await Task.WhenAny(hub.Listening, running) == running) await running;
        Role.Say(new { port = (await hub.Listening).Port, opened });
        await Role.AnswerAsync(question =>
        {
            if (question == "commit") newest++;
            return Task.FromResult(Role.Memory());
        });
        await stop.CancelAsync();
        await running;
    }
}
