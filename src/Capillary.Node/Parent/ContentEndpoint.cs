using System.Globalization;
using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Microsoft.AspNetCore.Http;

namespace Capillary.Node.Parent;

/// <summary>Content by the OCI distribution paths, with Range, so that a cut transfer goes on where it was cut.</summary>
internal static class ContentEndpoint
{
    private const string Blobs = $"/v2/{LinkProtocol.Repository}/blobs/";
    private const string Manifests = $"/v2/{LinkProtocol.Repository}/manifests/";

    public static bool TryParse(string path, out Digest digest)
    {
        digest = default;
        var folder = path.StartsWith(Blobs, StringComparison.Ordinal) ? Blobs : path.StartsWith(Manifests, StringComparison.Ordinal)
            ? Manifests : null;
        return folder is not null && Digest.TryParse(path[folder.Length..], out digest);
    }

    public static async Task ServeAsync(HttpContext context, BlobStore blobs, string path, Digest digest)
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
        await content.CopyToAsync(response.Body, context.RequestAborted);
    }

    /// <summary>Of <c>bytes=N-</c>, N; anything else is served from the start, as RFC 9110 allows.</summary>
    private static long RangeStart(string range) =>
        range.StartsWith("bytes=", StringComparison.Ordinal) && range.EndsWith('-')
        && long.TryParse(range.AsSpan(6, range.Length - 7), NumberStyles.None, CultureInfo.InvariantCulture, out var start) ? start : 0;
}
