using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InstrumentGateway.Configuration;
using InstrumentGateway.Intake;

namespace InstrumentGateway.Web;

/// <summary>The HTTP side. It only reads, so there is nothing to log in to; the default address is the machine itself.</summary>
internal sealed class GatewayPages(
    GatewayConfig config, GatewayHealth health, IReadOnlyList<ListenerTally> tallies, ResultBoard board, TimeProvider time)
{
    public Task HandleAsync(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            headers.Allow = "GET, HEAD";
            return JsonAsync(http, 405, new ErrorView("only GET and HEAD"), WebJson.Default.ErrorView);
        }

        return http.Request.Path.Value switch
        {
            "/" => TextAsync(http, "text/html; charset=utf-8", Html()),
            "/healthz" => HealthAsync(http),
            "/api/results" => ResultsAsync(http),
            "/metrics" => TextAsync(http, "text/plain; version=0.0.4; charset=utf-8", Metrics.Text(health.View(), tallies)),
            _ => JsonAsync(http, 404, new ErrorView("there are /, /healthz, /api/results and /metrics"), WebJson.Default.ErrorView),
        };
    }

    private string Html() => Page.Html(health.View(), config.Facility.Oid, board.Newest(Page.Shown), time.GetUtcNow());

    private Task HealthAsync(HttpContext http)
    {
        var view = health.View();
        return JsonAsync(http, view.Reason is null ? 200 : 503, view, WebJson.Default.HealthView);
    }

    private Task ResultsAsync(HttpContext http)
    {
        var limit = Page.Shown;
        return http.Request.Query.TryGetValue("limit", out var given)
            && (!int.TryParse(given, out limit) || limit is < 1 or > ResultBoard.Capacity)
            ? JsonAsync(http, 400, new ErrorView($"limit must be from 1 to {ResultBoard.Capacity}"), WebJson.Default.ErrorView)
            : JsonAsync(http, 200, new ResultsView(board.Newest(limit)), WebJson.Default.ResultsView);
    }

    private static Task JsonAsync<T>(HttpContext http, int status, T value, JsonTypeInfo<T> type)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(http.Response.Body, value, type, http.RequestAborted);
    }

    private static Task TextAsync(HttpContext http, string type, string text)
    {
        http.Response.ContentType = type;
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}
