using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>
/// A small dynamic client of the Kubernetes API: whatever kinds a cluster serves, as JSON. It waits when the API server asks for it (429
/// and 503 with Retry-After, as API priority and fairness does), and knows whether the server answers at all.
/// </summary>
internal sealed class KubeClient : IDisposable
{
    private const int MaxTries = 6;
    private const int MostAtOnce = 16;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private static readonly MediaTypeHeaderValue ApplyPatch = new("application/apply-patch+yaml");
    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private readonly KubeConnection connection;
    private readonly TimeProvider time;
    private readonly HttpClient http;
    private readonly SemaphoreSlim slots = new(MostAtOnce);
    private volatile string? unreachable;
    private long requests;

    public KubeClient(KubeConnection connection, TimeProvider time)
    {
        (this.connection, this.time) = (connection, time);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(15),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            SslOptions = Ssl(connection),
        };
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Why the API server does not answer; null while it does.</summary>
    public string? Unreachable => unreachable;

    /// <summary>Requests sent, watches included; for tests and figures.</summary>
    public long Requests => Interlocked.Read(ref requests);

    /// <summary>An answer's JSON; dispose it.</summary>
    /// <exception cref="KubeException">The API server refused.</exception>
    /// <exception cref="KubeUnreachableException">It does not answer.</exception>
    public Task<JsonDocument> GetAsync(string path, CancellationToken stop) => SendAsync(HttpMethod.Get, path, null, null, stop);

    /// <summary>Server-side apply.</summary>
    /// <param name="path">Of the object.</param>
    /// <param name="body">The fields that are ours from now on.</param>
    /// <param name="force">Take fields of other managers over.</param>
    /// <param name="dryRun">Only say what would come of it.</param>
    /// <param name="stop">Ends it.</param>
    public Task<JsonDocument> ApplyAsync(string path, byte[] body, bool force, bool dryRun, CancellationToken stop)
    {
        var query = $"?fieldManager={Core.Apply.Kubernetes.FieldOwners.Manager}&fieldValidation=Strict&force={(force ? "true" : "false")}"
            + (dryRun ? "&dryRun=All" : "");
        return SendAsync(HttpMethod.Patch, path + query, body, ApplyPatch, stop);
    }

    /// <summary>Deletes the object that has this uid, and no other that has its name by now.</summary>
    public async Task DeleteAsync(string path, string? uid, CancellationToken stop)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "DeleteOptions");
            json.WriteString("propagationPolicy", "Background");
            if (uid is not null)
            {
                json.WriteStartObject("preconditions");
                json.WriteString("uid", uid);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        (await SendAsync(HttpMethod.Delete, path, stream.ToArray(), Json, stop)).Dispose();
    }

    /// <summary>Pages through a list; each item is valid until the next is asked for.</summary>
    /// <param name="path">Of the resource, with a query or not.</param>
    /// <param name="page">Items in one answer.</param>
    /// <param name="each">Called for every item.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>The list's resource version.</returns>
    public async Task<string> ListAsync(string path, int page, Action<JsonElement> each, CancellationToken stop)
    {
        var more = "";
        while (true)
        {
            var at = $"{path}{(path.Contains('?') ? '&' : '?')}limit={page}{more}";
            using var list = await GetAsync(at, stop);
            if (list.RootElement.TryGetProperty("items", out var items) && items.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in items.EnumerateArray()) each(item);
            }
            var metadata = list.RootElement.GetProperty("metadata");
            if (!metadata.TryGetProperty("continue", out var next) || next.GetString() is not { Length: > 0 } token)
                return metadata.GetProperty("resourceVersion").GetString() ?? "";
            more = $"&continue={Uri.EscapeDataString(token)}";
        }
    }

    /// <summary>Opens a watch: its answer's body is one JSON event a line, for as long as the server likes.</summary>
    public async Task<HttpResponseMessage> WatchAsync(string path, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            var answer = await SendOnceAsync(HttpMethod.Get, path, null, null, both.Token);
            if (answer.IsSuccessStatusCode) return answer;
            using (answer) throw await FailureAsync(answer, both.Token);
        }
        catch (Exception e) when (IsTransport(e) && !stop.IsCancellationRequested)
        {
            throw Failed(e);
        }
    }

    public void Dispose()
    {
        http.Dispose();
        slots.Dispose();
    }

    private async Task<JsonDocument> SendAsync(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type,
        CancellationToken stop)
    {
        await slots.WaitAsync(stop);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var (document, wait) = await TryAsync(method, path, body, type, attempt, stop);
                if (document is not null) return document;
                await Task.Delay(wait, time, stop);
            }
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<(JsonDocument? Document, TimeSpan Wait)> TryAsync(HttpMethod method, string path, byte[]? body,
        MediaTypeHeaderValue? type,
        int attempt, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(RequestTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            using var answer = await SendOnceAsync(method, path, body, type, both.Token);
            if (answer.IsSuccessStatusCode)
            {
                await using var content = await answer.Content.ReadAsStreamAsync(both.Token);
                return (await JsonDocument.ParseAsync(content, default, both.Token), default);
            }
            // A token that was replaced a moment ago is read again, once.
            if (answer.StatusCode == HttpStatusCode.Unauthorized && attempt == 1) return (null, TimeSpan.FromMilliseconds(200));
            if (WaitAsked(answer) is { } wait && attempt < MaxTries) return (null, wait);
            throw await FailureAsync(answer, both.Token);
        }
        catch (Exception e) when (IsTransport(e) && !stop.IsCancellationRequested)
        {
            throw Failed(e);
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, string path, byte[]? body, MediaTypeHeaderValue? type,
        CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, new Uri(connection.Server, connection.Server.AbsolutePath.TrimEnd('/') + path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.UserAgent.ParseAdd(Reporter.Agent);
        if (connection.Token() is { } token) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = type;
        }
        Interlocked.Increment(ref requests);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        if (answer.StatusCode is not (HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout))
            unreachable = null;
        return answer;
    }

    private async Task<Exception> FailureAsync(HttpResponseMessage answer, CancellationToken stop)
    {
        var failure = KubeException.Of((int)answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(stop));
        return answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            or HttpStatusCode.TooManyRequests ? Failed(failure) : failure;
    }

    /// <summary>How long the server asks us to wait; null: it does not.</summary>
    private static TimeSpan? WaitAsked(HttpResponseMessage answer)
    {
        if (answer.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)) return null;
        if (answer.Headers.RetryAfter?.Delta is not { } asked)
            return answer.StatusCode == HttpStatusCode.TooManyRequests ? TimeSpan.FromSeconds(1) : null;
        return asked > LongestWait ? LongestWait : asked;
    }

    private static bool IsTransport(Exception e) => e is HttpRequestException or IOException or OperationCanceledException or JsonException;

    private KubeUnreachableException Failed(Exception e)
    {
        var why = e is OperationCanceledException ? $"no answer within {RequestTimeout.TotalSeconds:0} s" : Innermost(e).Message;
        var text = $"the API server at {connection.Server.GetLeftPart(UriPartial.Authority)} does not answer: {why}";
        unreachable = text;
        return new KubeUnreachableException(text, e);
    }

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;

    private static SslClientAuthenticationOptions Ssl(KubeConnection connection)
    {
        var options = new SslClientAuthenticationOptions();
        if (connection.ServerName is { } name) options.TargetHost = name;
        if (connection.Client is { } client)
        {
            // A certificate whose key only came from PEM is not taken by every TLS library: through PKCS #12 it is.
            options.ClientCertificates = [X509CertificateLoader.LoadPkcs12(client.Export(X509ContentType.Pkcs12), null)];
        }
        if (connection.Authorities is { } authorities)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        return options;
    }
}
