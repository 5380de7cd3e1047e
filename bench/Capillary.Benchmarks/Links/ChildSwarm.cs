using System.Diagnostics;
using System.Net;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Links;

/// <summary>Many children in one process, each with its own key, connection and session: the real link, no agent behind it.</summary>
internal sealed class ChildSwarm
{
    private readonly long started = Stopwatch.GetTimestamp();
    private readonly List<ParentLink> links = [];
    private readonly double?[] liveAt;
    private readonly int[] downs;
    private string? problem;

    private ChildSwarm(string folder, int port, int count)
    {
        (liveAt, downs) = (new double?[count], new int[count]);
        var root = Envelope.Parse(File.ReadAllBytes(SimulatedRegion.TrustRoot(folder)));
        for (var index = 0; index < count; index++) links.Add(NewLink(folder, port, index, root));
    }

    public static async Task RunAsync(string folder, int port, int count, CancellationTokenSource stop)
    {
        // Signing and parsing on many links at once is work, not waiting; the pool must not take seconds to notice.
        ThreadPool.SetMinThreads(8, 8);
        var swarm = new ChildSwarm(folder, port, count);
        var running = swarm.links.Select(link => Task.Run(() => link.RunAsync(stop.Token))).ToList();
        await Role.AnswerAsync(swarm.AnswerAsync);
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }

    private ParentLink NewLink(string folder, int port, int index, Envelope root)
    {
        var key = SimulatedRegion.SiteKey(folder, index);
        var handlers = new ChildHandlers(() => new ChildHello(0, null, "bench/1"), (_, _) => { }, (_, _, _) => { }, (_, _) => { },
            () => [], status => Note(index, status));
        var options = new ParentLinkOptions(SimulatedRegion.Name(index), [new DnsEndPoint("127.0.0.1", port)]);
        return new ParentLink(options, key, TrustState.Begin(root), handlers, new Outbox(), TimeProvider.System,
            NullLogger<ParentLink>.Instance);
    }

    private void Note(int index, LinkStatus status)
    {
        lock (liveAt)
        {
            liveAt[index] = status.IsLive ? Stopwatch.GetElapsedTime(started).TotalSeconds : null;
            if (status.IsLive) return;
            downs[index]++;
            problem = status.Problem;
        }
    }

    /// <summary>`live`: how many are; `wait N`: when all have been down at least N times and are live, and when each became so.</summary>
    private async Task<object> AnswerAsync(string question)
    {
        var words = question.Split(' ');
        if (words[0] == "now") return new { now = Stopwatch.GetElapsedTime(started).TotalSeconds };
        var (floor, giveUp) = (double.Parse(words[1]), Stopwatch.StartNew());
        while (giveUp.Elapsed < TimeSpan.FromMinutes(3))
        {
            lock (liveAt)
            {
                if (liveAt.All(at => at >= floor)) break;
            }
            await Task.Delay(20);
        }
        lock (liveAt)
        {
            var at = liveAt.Where(at => at >= floor).Select(at => at!.Value).Order().ToArray();
            return new { at, tries = downs.Sum(), problem };
        }
    }
}
