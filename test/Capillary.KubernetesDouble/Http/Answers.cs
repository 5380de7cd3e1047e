using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble.Http;

/// <summary>Writes answers.</summary>
internal static class Answers
{
    public static async Task WriteAsync(HttpContext http, int code, ReadOnlyMemory<byte> json, string type = "application/json")
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = type;
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    }

    public static Task WriteAsync(HttpContext http, ApiError error)
    {
        if (error.RetryAfter is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString();
        return WriteAsync(http, error.Code, error.ToJson().Utf8());
    }

    /// <summary>What is behind no API: the plain text of Go's own server.</summary>
    public static async Task NotFoundAsync(HttpContext http)
    {
        http.Response.StatusCode = 404;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync("404 page not found\n", http.RequestAborted);
    }
}
