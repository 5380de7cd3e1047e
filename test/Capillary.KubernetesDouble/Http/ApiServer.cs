using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble.Http;

/// <summary>One request after the other: who asks, what goes wrong on purpose, then what is asked.</summary>
internal sealed class ApiServer(ClusterState state, Credentials credentials, Faults faults, RequestLog log, Reads reads, Watches watches,
    Writes writes)
{
    private readonly Discovery discovery = new(state.Types);

    public async Task HandleAsync(HttpContext http)
    {
        var path = ApiPath.Parse(http.Request.Path.Value ?? "");
        var user = credentials.UserOf(http);
        var call = Describe(http, path, user ?? "");
        log.Add(call);
        if (faults.Latency > TimeSpan.Zero) await Task.Delay(faults.Latency);
        var fault = faults.Next(call);
        try
        {
            if (fault is { IsReset: false, IsLateReset: false }) throw fault.ToError();
            if (fault is not { IsReset: true })
            {
                if (fault is { IsLateReset: true }) http.Response.Body = Stream.Null;
                if (user is null) throw ApiError.Unauthorized();
                await RouteAsync(http, path, call);
            }
            if (fault is not null) http.Abort();
        }
        catch (ApiError error) when (!http.Response.HasStarted)
        {
            await Answers.WriteAsync(http, error);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client went.
        }
    }

    private async Task RouteAsync(HttpContext http, ApiPath? path, ApiCall call)
    {
        if (await discovery.TryAnswerAsync(http, http.Request.Path.Value!)) return;
        if (path is null || !state.Types.All.Any(type => type.Group == path.Group && type.Version == path.Version))
        {
            await Answers.NotFoundAsync(http);
            return;
        }
        if (state.Types.Find(path.Group, path.Version, path.Plural) is not { } type || new ApiRequest(http, path, type) is var request
            && !IsServed(request))
            throw new ApiError(404, "NotFound", "the server could not find the requested resource", []);
        await RunAsync(request, call.Verb);
    }

    private static bool IsServed(ApiRequest request) => request.Path.Subresource switch
    {
        "" => !(request.Path.Space is not null && !request.Type.Namespaced),
        "status" => request.Type.HasStatus,
        "scale" => request.Type.HasScale,
        "finalize" => request.Type.QualifiedKind == "Namespace",
        _ => false,
    };

    private Task RunAsync(ApiRequest request, string verb) => verb switch
    {
        "get" => reads.GetAsync(request),
        "list" => reads.ListAsync(request),
        "watch" => watches.WatchAsync(request),
        "create" => writes.CreateAsync(request),
        "update" => writes.ReplaceAsync(request),
        "patch" => writes.PatchAsync(request),
        "delete" => writes.DeleteAsync(request),
        "deletecollection" when request.Type.QualifiedKind != "Namespace" => writes.DeleteAllAsync(request),
        _ => throw new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", []),
    };

    private static ApiCall Describe(HttpContext http, ApiPath? path, string user)
    {
        var query = http.Request.Query;
        var isWatch = query["watch"].FirstOrDefault() is "true" or "1";
        var verb = path is null ? "" : (http.Request.Method, path.Name) switch
        {
            ("GET", null) => isWatch ? "watch" : "list",
            ("GET", _) => isWatch ? "watch" : "get",
            ("POST", null) => "create",
            ("PUT", not null) => "update",
            ("PATCH", not null) => "patch",
            ("DELETE", null) => "deletecollection",
            ("DELETE", _) => "delete",
            _ => "other",
        };
        return new ApiCall(verb, path?.Group ?? "", path?.Plural ?? "", path?.Space ?? "", path?.Name ?? "", path?.Subresource ?? "",
            http.Request.Path + http.Request.QueryString, http.Request.ContentType ?? "", user, query["dryRun"] == "All");
    }
}
