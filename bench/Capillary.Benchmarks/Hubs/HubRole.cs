using System.Diagnostics;
using System.Net;
using Capillary.Benchmarks.Links;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode;
using Capillary.HubNode.Rollout;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Hubs;

/// <summary>A real hub in a process of its own; its commits come when the benchmark says so.</summary>
internal static class HubRole
{
    /// <summary>How many sites the API would show with exactly the conditions of this turn.</summary>
    private static int Flipped(Hub hub, int sites, int turn)
    {
        var expected = ChildSwarm.Conditions(turn);
        var seen = Enumerable.Range(0, sites).Count(index => hub.Sites.Seen.GetValueOrDefault(BulkFleet.Site(index))?.Report is { } report
            && report.Conditions.SequenceEqual(expected));
        // The whole answer is made only when it can be right.
        return seen < sites ? seen
            : Enumerable.Range(0, sites).Count(index => hub.Views.Find(BulkFleet.Site(index))!.Conditions.SequenceEqual(expected));
    }

    /// <param name="folder">The hub's data folder.</param>
    /// <param name="sites">How many sites the fleet has.</param>
    /// <param name="commit">The first commit.</param>
    /// <param name="isWhole">Each commit changes every site, and goes out in waves; else the first one only, and at once.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task RunAsync(string folder, int sites, int commit, bool isWhole, CancellationTokenSource stop)
    {
        var newest = commit;
        Hub? started = null;
        // What a compile would make of a commit is there at once: a compile has a budget of its own.
        Task<CommitOutcome> Look(string? taken, CancellationToken _)
        {
            var release = started?.Releases.Newest;
            return Task.FromResult((taken ?? release?.Commit.Id) == BulkFleet.Id(newest) ? new CommitOutcome.Unchanged()
                : isWhole ? BulkFleet.Whole(sites, newest)
                : release is null ? BulkFleet.Commit(sites, newest) : BulkFleet.Next(release.Sites, newest));
        }
        var begun = Stopwatch.GetTimestamp();
        using var hub = new Hub(new HubOptions(folder, new IPEndPoint(IPAddress.Loopback, 0)), Look, TimeProvider.System,
            NullLoggerFactory.Instance);
        started = hub;
        var opened = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        var running = hub.RunAsync(stop.Token);
        if (await Task.WhenAny(hub.Listening, running) == running) await running;
        Role.Say(new { port = (await hub.Listening).Port, opened });
        await Role.AnswerAsync(question =>
        {
            // Not with the memory: to measure that the hub stands still for more than a second.
            if (question == "commit") return Task.FromResult<object>(new { commit = ++newest });
            if (question == "rollout")
            {
                var status = hub.Rollout.Status;
                var met = status.Waves.Sum(wave => wave.Count(GateVerdict.Met));
                return Task.FromResult<object>(new { release = status.Release, phase = status.Phase.ToString(), met });
            }
            if (question.StartsWith("flipped ", StringComparison.Ordinal))
                return Task.FromResult<object>(new { sites = Flipped(hub, sites, int.Parse(question.Split(' ')[1])) });
            return Task.FromResult(Role.Memory());
        });
        await stop.CancelAsync();
        await running;
    }
}
