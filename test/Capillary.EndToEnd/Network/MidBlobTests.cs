using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The cable is pulled in the middle of a big blob, long enough for both sides to give the connection up.</summary>
public sealed class MidBlobTests(ITestOutputHelper output) : NetworkTest(output)
{
    private const int BlobBytes = 64 << 20;
    private const int MegabitsPerSecond = 64;

    // TCP/IP, TLS and HTTP/2 around it, what was in flight when the cable went, and the rest of the session.
    private const long Overhead = BlobBytes / 12;

    [NetworkFact]
    public async Task CablePulledMidBlob_TheTransferGoesOnWhereItWasCut()
    {
        await Net.SlowAsync(Site, MegabitsPerSecond, Stop);
        var (before, log) = (await Net.ReceivedAsync(Site, Stop), Fleet.LogEnd(Site));
        Repository.AddArtifact(BlobBytes);
        var commit = await Repository.CommitAsync("a big model", Stop);
        await WaitAsync("a third of the blob to be at the site", () => PartialBytes() > BlobBytes / 3);
        await Net.CutAsync(Site, Stop);
        await WaitForLossAsync(Site, log);
        var had = PartialBytes();
        Assert.InRange(had, BlobBytes / 3, BlobBytes - 1);
        Assert.True(await IsServingAsync());
        await Net.PlugAsync(Site, Stop);
        var plugged = Stopwatch.StartNew();
        await ConvergeAsync(commit, TimeSpan.FromMinutes(3));
        var bytes = await Net.ReceivedAsync(Site, Stop) - before;
        Say($"{had >> 20} MiB were there at the cut; {bytes / (double)BlobBytes:0.000} times the blob crossed the wire; "
            + $"converged {plugged.Elapsed.TotalSeconds:0.0} s after the cable was back");
        Assert.Equal(BlobBytes, new FileInfo(Fleet.RootFile(Site, "share/model.bin")).Length);
        Assert.InRange(bytes, BlobBytes, BlobBytes + Overhead);
    }

    /// <summary>The longest file of the site's blob store.</summary>
    private long PartialBytes() => Directory.EnumerateFiles(Path.Combine(Fleet.HomeOf(Site), "blobs"), "*", SearchOption.AllDirectories)
        .Select(file => new FileInfo(file)).Where(file => file.Exists).Max(file => file.Length);
}
