using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Capillary.Node.Parent;

/// <summary>Content by the OCI distribution paths, with Range, so that a cut transfer goes on where it was cut.</summary>
internal static partial class ContentEndpoint
{
    private const int CopyBytes = 32 << 10;

    // A piece that takes longer than this would be slower than 400 bytes a second: the peer reads no more.
    private static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(90);
    private const string Blobs = $"/v2/{LinkProtocol.Repository}/blobs/";
    private const string Manifests = $"/v2/{LinkProtocol.Repository}/manifests/";

    public static bool TryParse(string path, out Digest digest)
    {
        digest = default;
        var folder = path.StartsWith(Blobs, StringComparison.Ordinal) ? Blobs : path.StartsWith(Manifests, StringComparison.Ordinal)
            ? Manifests : null;
        return folder is not null && Digest.TryParse(path[folder.Length..], out digest);
    }

    public static async Task ServeAsync(HttpContext context, BlobStore blobs, string path, Digest digest, TimeProvider time,
        ILogger log)
    {
        var response = context.Response;
        await using var content = blobs.Open(digest);
        if (content is null)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        response.Headers["Docker-Content-Digest"] = digest.Text;
        response.Headers.AcceptRanges = "bytes";
        response.ContentType = path.StartsWith(Manifests, StringComparison.Ordinal) ? MediaTypes.Manifest : "application/octet-stream";
        var start = RangeStart(context.Request.Headers.Range.ToString());
        if (start > content.Length || (start == content.Length && start > 0))
        {
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            response.Headers.ContentRange = $"bytes */{content.Length}";
            return;
        }
        if (start > 0)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {start}-{content.Length - 1}/{content.Length}";
        }
        response.ContentLength = content.Length - start;
        if (context.Request.Method == "HEAD") return;
        content.Seek(start, SeekOrigin.Begin);
        if (await CopyAsync(content, context, time) == digest || start > 0) return;
        // The child finds it out by itself and asks again; by then a parent that has a parent may have fetched it anew.
        Damaged(log, digest.Text);
        blobs.Discard(digest);
    }

    /// <summary>Copies, and tells what was copied: a disk that rots must not feed a child the same bad bytes for ever.</summary>
    private static async Task<Digest> CopyAsync(Stream from, HttpContext context, TimeProvider time)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stalled = new CancellationTokenSource(StalledAfter, time);
        await using var aborting = stalled.Token.Register(context.Abort);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            while (await from.ReadAsync(buffer.AsMemory(0, CopyBytes), context.RequestAborted) is var read and > 0)
            {
                hash.AppendData(buffer, 0, read);
                stalled.CancelAfter(StalledAfter);
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return Digest.FromHash(hash.GetHashAndReset());
    }

    [LoggerMessage(1104, LogLevel.Error, "blob {Blob} is damaged on this disk: its bytes have another digest; it is removed")]
    private static partial void Damaged(ILogger log, string blob);

    /// <summary>Of <c>bytes=N-</c>, N; anything else is served from the start, as RFC 9110 allows.</summary>
    private static long RangeStart(string range) =>
        range.StartsWith("bytes=", StringComparison.Ordinal) && range.EndsWith('-')
        && long.TryParse(range.AsSpan(6, range.Length - 7), NumberStyles.None, CultureInfo.InvariantCulture, out var start) ? start : 0;
}
