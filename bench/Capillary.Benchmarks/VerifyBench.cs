using System.Diagnostics;
using System.Globalization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Sim;

namespace Capillary.Benchmarks;

/// <summary>What a site does with an offered line: one ECDSA verification, one audit path, one parse.</summary>
internal static class VerifyBench
{
    private const int Sites = 10_000;
    private const int Runs = 2_000;

    public static async IAsyncEnumerable<Row> Run()
    {
        var authority = new Authority();
        var bundle = Digest.Of([1]);
        var changes = Enumerable.Range(0, Sites).ToDictionary(i => new SiteId($"site-{i.ToString("d5", CultureInfo.InvariantCulture)}"),
            _ => (new RegionId("eu"), bundle, (Digest?)null));
        var state = authority.Publish(changes, 1, DateTimeOffset.UnixEpoch);
        var site = new SiteId("site-04711");
        var offered = state.Lines[site];
        var times = new List<double>(Runs);
        for (var i = 0; i < Runs; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var checkpoint = VerifiedCheckpoint.Verify(offered.Checkpoint.Envelope, authority.Root);
            if (Acceptance.Accept(AcceptedLine.None, site, checkpoint, offered.Line) is not AcceptResult.Accepted) throw new InvalidOperationException("refused");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        await Task.CompletedTask;
        yield return new Row("verify checkpoint and proof", Benchmark.Median(times), "ms", 1);
    }
}
