using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Capillary.HubNode.Api;

/// <summary>One call that may go on.</summary>
/// <param name="Context">The request.</param>
/// <param name="Actor">Who calls, for the journal.</param>
/// <param name="Name">The <c>{name}</c> of the path; empty when it has none.</param>
internal sealed record ApiCall(HttpContext Context, string Actor, string Name)
{
    /// <summary>The caller's role.</summary>
    public required string Role { get; init; }

    /// <summary>The body may be so long, before it is read.</summary>
    public void AllowBody(long bytes) => Context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = bytes;

    /// <summary>The body; a default value when there is none.</summary>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    public async Task<T?> BodyAsync<T>(CancellationToken stop) where T : class
    {
        using var body = new StreamReader(Context.Request.Body, Encoding.UTF8);
        var text = await body.ReadToEndAsync(stop);
        return text.Length == 0 ? null : JsonSerializer.Deserialize<T>(text, ApiJson.Options);
    }
}

/// <summary>A path and what stands there.</summary>
/// <param name="Method">GET or POST.</param>
/// <param name="Path">With at most one <c>{name}</c> segment.</param>
/// <param name="Needs">What the caller must be allowed.</param>
/// <param name="Serve">Answers.</param>
internal sealed record ApiRoute(string Method, string Path, Permission Needs, Func<ApiCall, CancellationToken, Task<ApiAnswer>> Serve)
{
    private const int MostNameLength = 63;

    /// <summary>The path's name (empty without one) when it is this route's; else null.</summary>
    public string? Matches(string path)
    {
        var place = Path.IndexOf("{name}", StringComparison.Ordinal);
        if (place < 0) return path == Path ? "" : null;
        var tail = Path[(place + "{name}".Length)..];
        if (!path.StartsWith(Path[..place], StringComparison.Ordinal) || !path.EndsWith(tail, StringComparison.Ordinal)) return null;
        var length = path.Length - place - tail.Length;
        if (length is < 1 or > MostNameLength) return null;
        var name = path.Substring(place, length);
        return name.Contains('/') ? null : name;
    }
}

/// <summary>An answer: JSON, a problem, plain text, or a stream.</summary>
internal sealed record ApiAnswer(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    private Func<Stream, CancellationToken, Task>? Source { get; init; }

    /// <summary>What <paramref name="source"/> writes. When it throws the answer ends without its end, which the caller sees.</summary>
    public static ApiAnswer Stream(string contentType, Func<Stream, CancellationToken, Task> source) =>
        new(StatusCodes.Status200OK, contentType, default) { Source = source };

    public static ApiAnswer Ok<T>(T value) => new(StatusCodes.Status200OK, "application/json",
        JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options));

    public static ApiAnswer Text(string text) => new(StatusCodes.Status200OK, "text/plain; version=0.0.4; charset=utf-8",
        Encoding.UTF8.GetBytes(text));

    /// <summary>RFC 9457 problem details.</summary>
    public static ApiAnswer Fail(int status, string code, string detail, string? hint) => new(status, "application/problem+json",
        JsonSerializer.SerializeToUtf8Bytes(new Problem($"urn:capillary:problem:{code}", code, status, detail, hint), ApiJson.Options));

    public async Task WriteAsync(HttpContext context, CancellationToken stop)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = ContentType;
        context.Response.Headers.CacheControl = "no-store";
        if (Source is not null)
        {
            await Source(context.Response.Body, stop);
            return;
        }
        context.Response.ContentLength = Body.Length;
        await context.Response.Body.WriteAsync(Body, stop);
    }
}
