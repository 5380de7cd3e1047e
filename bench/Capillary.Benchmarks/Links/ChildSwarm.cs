using System.Diagnostics;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Benchmarks.Links;

/// <summary>Many children in one process, each with its own key, connection and session: the real link, no agent behind it.</summary>
internal sealed class ChildSwarm
{
    /// <summary>Environment variable that names another host than this one to dial.</summary>
    public const string HostVariable = "CAPILLARY_BENCH_HOST";

    private readonly long started = Stopwatch.GetTimestamp();
    private readonly List<ParentLink> links = [];
    private readonly List<(SigningKey Key, Outbox Outbox)> sites = [];
    private readonly FleetName fleet;
    private readonly double?[] liveAt;
    private readonly int[] downs;
    private readonly bool obeys;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, AcceptedLine> accepted = new();
    private string? problem;

    private ChildSwarm(string folder, int[] ports, int count, bool obeys)
    {
        this.obeys = obeys;
        (liveAt, downs) = (new double?[count], new int[count]);
        var root = Envelope.Parse(File.ReadAllBytes(SimulatedRegion.TrustRoot(folder)));
        fleet = TrustRoot.Parse(root).Fleet;
        for (var index = 0; index < count; index++) links.Add(NewLink(folder, ports[index % ports.Length], index, root));
    }

    /// <param name="folder">Where their keys are.</param>
    /// <param name="ports">Where they dial, by turns.</param>
    /// <param name="count">How many.</param>
    /// <param name="obeys">Each says at once that it is healthy on every line that it accepts.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task RunAsync(string folder, string ports, int count, bool obeys, CancellationTokenSource stop)
    {
        // Signing and parsing on many links at once is work, not waiting; the pool must not take seconds to notice.
        ThreadPool.SetMinThreads(8, 8);
        var swarm = new ChildSwarm(folder, [.. ports.Split(',').Select(int.Parse)], count, obeys);
        var running = swarm.links.Select(link => Task.Run(() => link.RunAsync(stop.Token))).ToList();
        await Role.AnswerAsync(swarm.AnswerAsync);
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }

    /// <summary>What 50 checks of one site say; each turn is the other way round for 45 of them.</summary>
    public static IReadOnlyList<Condition> Conditions(int turn) =>
        [.. Enumerable.Range(0, 50).Select(check => new Condition($"Check{check}", check < 45 && turn % 2 == 1 ? Severity.Warning
            : Severity.Info, check < 45 && turn % 2 == 1 ? "the instrument does not answer" : "the instrument answers"))];

    private void Report(int turn) => Parallel.For(0, sites.Count, index =>
    {
        var site = new SiteId(SimulatedRegion.Name(index).Value);
        var report = new Core.Reports.Report(1, fleet, site, 1, turn + 1, DateTimeOffset.UtcNow, 0, 0, null, null, 0, ReportPhase.Idle, [],
            Conditions(turn), "bench/1");
        sites[index].Outbox.Put(site, sites[index].Key.Sign(PayloadTypes.Report, report.ToPayload()));
    });

    private ParentLink NewLink(string folder, int port, int index, Envelope root)
    {
        var (key, outbox) = (SimulatedRegion.SiteKey(folder, index), new Outbox());
        sites.Add((key, outbox));
        var handlers = new ChildHandlers(() => new ChildHello(0, null, "bench/1", $"boot-{index}"), (_, _) => { },
            (checkpoint, lines, _) => Obey(index, checkpoint, lines), (_, _, _) => { }, () => [], status => Note(index, status));
        var options = new ParentLinkOptions(SimulatedRegion.Name(index), [new DnsEndPoint(Environment.GetEnvironmentVariable(HostVariable) ?? "127.0.0.1", port)]);
        return new ParentLink(options, new LinkKeys(key), TrustState.Begin(root), handlers, outbox, TimeProvider.System,
            NullLogger<ParentLink>.Instance);
    }

    /// <summary>As an agent whose apply takes no time: verified, then told.</summary>
    private void Obey(int index, VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> lines)
    {
        if (!obeys) return;
        var site = new SiteId(SimulatedRegion.Name(index).Value);
        foreach (var line in lines)
        {
            if (Acceptance.Accept(accepted.GetValueOrDefault(index, AcceptedLine.None), site, checkpoint, line) is not AcceptResult.Accepted taken)
                continue;
            accepted[index] = taken.State;
            var assignment = taken.Assignment;
            var report = new Core.Reports.Report(1, fleet, site, 1, checkpoint.Checkpoint.Generation, DateTimeOffset.UtcNow,
                checkpoint.Checkpoint.Generation, assignment.Since, Digest.Of(line.Leaf), assignment.Bundle, assignment.Since,
                ReportPhase.Healthy, [], [], "bench/1");
            sites[index].Outbox.Put(site, sites[index].Key.Sign(PayloadTypes.Report, report.ToPayload()));
        }
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

    /// <summary>`now`; `report N`: every site says turn N; `wait T`: when all are live since T or later, and when each became so.</summary>
    private async Task<object> AnswerAsync(string question)
    {
        var words = question.Split(' ');
        if (words[0] == "now")
        {
            lock (liveAt) return new { now = Stopwatch.GetElapsedTime(started).TotalSeconds, live = liveAt.Count(at => at is not null) };
        }
        if (words[0] == "report")
        {
            Report(int.Parse(words[1]));
            return new { sites = sites.Count };
        }
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
