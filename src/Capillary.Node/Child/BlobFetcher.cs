using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Links;

namespace Capillary.Node.Child;

/// <summary>Brings bundles from the parent into this node's store; a cut transfer goes on where it was cut.</summary>
/// <param name="link">Where they come from.</param>
/// <param name="blobs">Where they go.</param>
/// <param name="limits">What they may take of the network; null: all. One fetcher per link, so that they are shared by all.</param>
/// <param name="time">The clock of the limits; null: the system's.</param>
public sealed class BlobFetcher(ParentLink link, BlobStore blobs, LinkLimits? limits = null, TimeProvider? time = null)
{
    // Wide enough to hide a round trip, narrow enough to keep memory and the parent's queue small.
    private const int AtOnce = 4;

    private const int HelloTries = 20;
    private static readonly TimeSpan HelloPause = TimeSpan.FromMilliseconds(100);

    // What a node needs beside blobs to go on: its journal, its reports, the lines of its sites.
    private const long SpaceMargin = 2 << 20;

    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly TokenBucket? rate =
        limits?.MaxBytesPerSecond is { } most ? new TokenBucket(most, time ?? TimeProvider.System) : null;

    // Bundles share blobs: each comes once, and who waits for it finds it there. A few locks serve all digests.
    private readonly SemaphoreSlim[] turns = [.. Enumerable.Range(0, 256).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Fetches the manifest of <paramref name="bundle"/> and every blob it names that is not here.</summary>
    public async Task<FetchOutcome> FetchBundleAsync(Digest bundle, CancellationToken stop)
    {
        if (await FetchAsync("manifests", bundle, BundleManifest.MaxBytes, stop) is not FetchOutcome.Complete and var failed) return failed;
        BundleManifest manifest;
        try
        {
            manifest = BundleManifest.Parse(blobs.ReadAll(bundle));
        }
        catch (BundleFormatException e)
        {
            if (!blobs.IsWhole(bundle)) blobs.Discard(bundle);
            return new FetchOutcome.Bad(bundle, e.Message);
        }
        var missing = manifest.Blobs.Where(blob => !blobs.Has(blob.Digest)).DistinctBy(blob => blob.Digest).ToList();
        FetchOutcome? problem = null;
        FetchOutcome? waiting = null;
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop },
            async (blob, token) =>
        {
            if (problem is not null) return;
            var outcome = await FetchAsync("blobs", blob.Digest, blob.Size, token);
            // A big blob that waits holds up no small one.
            if (outcome is FetchOutcome.Waiting) waiting = outcome;
            else if (outcome is not FetchOutcome.Complete) problem = outcome;
        });
        return problem ?? waiting ?? new FetchOutcome.Complete();
    }

    /// <summary>True when the bundle's manifest and all its blobs are here.</summary>
    public static bool IsComplete(BlobStore blobs, Digest bundle)
    {
        if (!blobs.Has(bundle)) return false;
        try
        {
            return BundleManifest.Parse(blobs.ReadAll(bundle)).Blobs.All(blob => blobs.Has(blob.Digest));
        }
        catch (BundleFormatException)
        {
            return false;
        }
    }

    private async Task<FetchOutcome> FetchAsync(string kind, Digest digest, long mostBytes, CancellationToken stop)
    {
        if (blobs.Has(digest)) return new FetchOutcome.Complete();
        var turn = turns[digest.ToHash()[0]];
        await turn.WaitAsync(stop);
        try
        {
            return blobs.Has(digest) ? new FetchOutcome.Complete() : await FetchInTurnAsync(kind, digest, mostBytes, stop);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<FetchOutcome> FetchInTurnAsync(string kind, Digest digest, long mostBytes, CancellationToken stop)
    {
        var size = kind == "blobs" ? mostBytes : 0;
        if (size > 0 && TooBig(digest, size) is { } full) return full;
        if (QuietFor(digest, size) is { } quiet) return quiet;
        if (link.Live is not { } connection) return new FetchOutcome.Unavailable("no live link to the parent");
        try
        {
            return await TransferAsync(connection, $"/v2/{LinkProtocol.Repository}/{kind}/{digest}", digest, mostBytes, size, stop);
        }
        catch (HttpRequestException e)
        {
            return new FetchOutcome.Unavailable(e.Message);
        }
        catch (IOException e) when (IsDiskFull(e))
        {
            return new FetchOutcome.DiskFull(e.Message);
        }
        catch (IOException e)
        {
            return new FetchOutcome.Unavailable(e.Message);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new FetchOutcome.Unavailable("the transfer was cut");
        }
    }

    /// <summary>
    /// Asked before the transfer: to learn it from the last write would cost the transfer again at each retry, and fill the disk meanwhile.
    /// </summary>
    private FetchOutcome.DiskFull? TooBig(Digest digest, long size)
    {
        var missing = size - Math.Min(size, blobs.PartialLength(digest));
        if (blobs.FreeBytes() is var free && free >= missing + SpaceMargin) return null;
        return new($"blob {digest} needs {missing >> 10} KiB and a margin of {SpaceMargin >> 10} KiB, and {free >> 10} KiB are free");
    }

    /// <summary>A blob of this size may not be moved now; asked before the transfer and at each piece of it.</summary>
    private FetchOutcome.Waiting? QuietFor(Digest digest, long size)
    {
        if (limits?.QuietHours is not { } quiet || size < quiet.BigBytes) return null;
        if (quiet.QuietUntil(time.GetUtcNow(), time.LocalTimeZone) is not { } until) return null;
        var local = TimeZoneInfo.ConvertTime(until, time.LocalTimeZone);
        return new($"blob {digest} of {size >> 10} KiB waits for the end of the quiet hours at {local:HH\\:mm}", until);
    }

    private async Task<FetchOutcome> TransferAsync(LinkConnection connection, string path, Digest digest, long mostBytes, long size,
        CancellationToken stop)
    {
        var have = blobs.PartialLength(digest);
        if (have > mostBytes) have = 0;
        using var response = await AskAsync(connection, path, have, stop);
        if (response.StatusCode == HttpStatusCode.NotFound) return new FetchOutcome.Unavailable($"the parent does not have {digest} yet");
        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable))
            return new FetchOutcome.Unavailable($"the parent answered {(int)response.StatusCode} for {digest}");
        if (response.StatusCode == HttpStatusCode.OK) have = 0;
        if (response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            await using var file = blobs.OpenPartial(digest, have);
            if (await CopyAsync(body, file, digest, mostBytes - have, size, stop) is { } ended) return ended;
        }
        return blobs.Commit(digest) ? new FetchOutcome.Complete() : new FetchOutcome.Bad(digest, "the bytes differ from the digest");
    }

    /// <summary>A link is live when the hello is sent; until the parent has read it, it serves nothing and says 401.</summary>
    private async Task<HttpResponseMessage> AskAsync(LinkConnection connection, string path, long offset, CancellationToken stop)
    {
        for (var left = HelloTries; ; left--)
        {
            var response = await connection.GetAsync(path, offset, stop);
            if (response.StatusCode != HttpStatusCode.Unauthorized || left == 0) return response;
            response.Dispose();
            await Task.Delay(HelloPause, time, stop);
        }
    }

    /// <summary>Null when all was copied; what is written by then stays, and the next transfer goes on behind it.</summary>
    private async Task<FetchOutcome?> CopyAsync(Stream from, FileStream to, Digest digest, long most, long size, CancellationToken stop)
    {
        var buffer = new byte[rate?.Piece ?? 64 << 10];
        while (await from.ReadAsync(buffer, stop) is var read and > 0)
        {
            if ((most -= read) < 0) return new FetchOutcome.Bad(digest, "longer than its manifest says");
            await to.WriteAsync(buffer.AsMemory(0, read), stop);
            if (QuietFor(digest, size) is { } quiet && most > 0) return quiet;
            if (rate is not null) await rate.TakeAsync(read, stop);
        }
        return null;
    }

    // ENOSPC and EDQUOT as .NET gives them on Linux.
    private static bool IsDiskFull(IOException e) => (e.HResult & 0xFFFF) is 28 or 122;
}
