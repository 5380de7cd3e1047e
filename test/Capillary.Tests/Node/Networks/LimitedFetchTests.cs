using System.Net;
using Capillary.Node.Child;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Networks;

/// <summary>Real transfers under a rate and in quiet hours.</summary>
public sealed class LimitedFetchTests : IAsyncLifetime
{
    private readonly LinkBench bench = new();
    private IPEndPoint parent = null!;

    public async Task InitializeAsync() => parent = await bench.ServeAsync();

    public async Task DisposeAsync() => await bench.DisposeAsync();

    [Fact]
    public async Task All_blobs_of_a_link_share_its_rate_on_the_wire()
    {
        const int Rate = 400_000;
        await using var wire = new Relay(parent);
        var link = bench.Run(bench.To(wire.At) with { Limits = new LinkLimits(Rate) });
        await link.WhenLiveAsync(bench.Stop);
        var (bundle, _) = bench.Bundle(300_000, 300_000, 300_000, 300_000);
        // Of each transfer its window of 65,536 bytes is on its way, and a piece of 12,500 is read and not yet paid for; the rest is framing.
        const int Ahead = 4 * 85_000;
        var (begun, before) = (TimeProvider.System.GetTimestamp(), wire.Down);
        var fetching = new BlobFetcher(link, bench.SiteBlobs, new LinkLimits(Rate)).FetchBundleAsync(bundle, bench.Stop);
        await bench.Eventually(() =>
        {
            var down = wire.Down - before;
            var elapsed = TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
            // An eighth of a second's worth may be saved up.
            Assert.True(down < (Rate * (0.125 + elapsed)) + Ahead, $"{down} bytes after {elapsed:0.00} s");
            return fetching.IsCompleted;
        });
        Assert.IsType<FetchOutcome.Complete>(await fetching);
        Assert.True(TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task In_quiet_hours_small_blobs_come_and_big_ones_wait()
    {
        var clock = new HandClock();
        var fetcher = await FetcherAsync(clock, "11:00-13:00");
        var (bundle, artifacts) = bench.Bundle(200_000, 10_000, 300_000, 20_000);
        var waiting = Assert.IsType<FetchOutcome.Waiting>(await fetcher.FetchBundleAsync(bundle, bench.Stop));
        Assert.Equal(new DateTimeOffset(2026, 11, 20, 13, 0, 0, TimeSpan.Zero), waiting.Until);
        Assert.Contains("waits for the end of the quiet hours at 13:00", waiting.Reason, StringComparison.Ordinal);
        Assert.Equal([false, true, false, true], artifacts.Select(blob => bench.SiteBlobs.Has(blob.Digest)));

        clock.Advance(TimeSpan.FromHours(1));
        Assert.IsType<FetchOutcome.Complete>(await fetcher.FetchBundleAsync(bundle, bench.Stop));
    }

    [Fact]
    public async Task A_big_blob_under_way_stops_when_quiet_hours_begin_and_goes_on_after_them()
    {
        const int Size = 4 << 20;
        var clock = new HandClock();
        await using var wire = new Relay(parent);
        var quiet = new LinkLimits(1_000_000, QuietHours.Parse("12:01-13:00", "test") with { BigBytes = 1 << 20 });
        // Under a rate the window is 65,536 bytes; without one a whole MiB of the first transfer may still be on its way when it ends.
        var link = bench.Run(bench.To(wire.At) with { Limits = quiet });
        await link.WhenLiveAsync(bench.Stop);
        var (bundle, artifacts) = bench.Bundle(Size);
        long Have() => bench.SiteBlobs.PartialLength(artifacts[0].Digest);
        // The bucket's clock is the same: a little comes, then all waits for it.
        var fetching = new BlobFetcher(link, bench.SiteBlobs, quiet, clock).FetchBundleAsync(bundle, bench.Stop);
        await bench.Eventually(() => Have() > 100_000);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.IsType<FetchOutcome.Waiting>(await fetching.WaitAsync(bench.Stop));
        var have = Have();
        Assert.InRange(have, 100_000, Size / 2);

        var before = wire.Down;
        clock.Advance(TimeSpan.FromHours(1));
        Assert.IsType<FetchOutcome.Complete>(await new BlobFetcher(link, bench.SiteBlobs, null, clock).FetchBundleAsync(bundle, bench.Stop));
        Assert.InRange(wire.Down - before, Size - have, (Size - have) * 1.05 + 128_000);
    }

    private async Task<BlobFetcher> FetcherAsync(HandClock clock, string hours)
    {
        var link = bench.Run(bench.To(parent));
        await link.WhenLiveAsync(bench.Stop);
        return new BlobFetcher(link, bench.SiteBlobs, new LinkLimits(null, QuietHours.Parse(hours, "test") with { BigBytes = 100_000 }), clock);
    }
}
