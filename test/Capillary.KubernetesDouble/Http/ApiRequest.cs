using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Rules;
using Capillary.KubernetesDouble.Storage;
using Capillary.KubernetesDouble.Types;
using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble.Http;

/// <summary>A request for a resource, with its parts at hand.</summary>
internal sealed record ApiRequest(HttpContext Http, ApiPath Path, ResourceType Type)
{
    public string Space => Path.Space ?? "";

    public string Name => Path.Name ?? "";

    public string ContentType => Http.Request.ContentType?.Split(';')[0] ?? "";

    public bool IsDryRun => Query("dryRun") == "All";

    public LabelSelector Labels => LabelSelector.Parse(Query("labelSelector"));

    public string? Query(string name) => Http.Request.Query[name].FirstOrDefault() is { Length: > 0 } value ? value : null;

    public bool Flag(string name) => Query(name) is "true" or "1";

    /// <summary>The field manager: named, or the first word of the user agent.</summary>
    public string Manager => Query("fieldManager") ?? (Http.Request.Headers.UserAgent.ToString().Split('/')[0] is { Length: > 0 } agent
        ? agent : "unknown");

    public WriteRequest ToWrite() => new(Type, Space, Name, Path.Subresource, Manager, IsDryRun)
    {
        FieldValidation = Query("fieldValidation") ?? "Warn",
    };

    /// <summary>The body; null when there is none.</summary>
    public async Task<JsonNode?> ReadAsync()
    {
        if (ContentType.Contains("protobuf", StringComparison.Ordinal))
            throw new ApiError(415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - this double reads JSON only");
        try
        {
            return await JsonNode.ParseAsync(Http.Request.Body, cancellationToken: Http.RequestAborted);
        }
        catch (JsonException wrong)
        {
            if (Http.Request.ContentLength is null or 0) return null;
            throw ApiError.BadRequest($"the object provided is unrecognized (must be of type {Type.Kind}): couldn't get version/kind; "
                + $"json parse error: {wrong.Message}");
        }
    }

    /// <summary>The object in the body, which is of this kind and for this URL.</summary>
    public async Task<JsonObject> ReadObjectAsync()
    {
        if (await ReadAsync() is not JsonObject tree) throw ApiError.BadRequest($"the body is no object of kind {Type.Kind}");
        RefuseStrangers(tree);
        return tree;
    }

    public Task AnswerAsync(int code, JsonNode body) => Answers.WriteAsync(Http, code, body.Utf8());

    private void RefuseStrangers(JsonObject tree)
    {
        if (tree.Text("kind") is { } kind && kind != Type.Kind)
        {
            var package = Type.Group.Length == 0 ? "core" : Type.Group.Split('.')[0];
            throw ApiError.BadRequest($"{kind} in version \"{Type.Version}\" cannot be handled as a {Type.Kind}: "
                + $"converting ({tree.Text("apiVersion")?.Split('/')[^1]}.{kind}) to ({package}.{Type.Kind}): unknown conversion");
        }
        if (tree.Text("apiVersion") is { } other && other != Type.ApiVersion && Type.IsCustom)
            throw ApiError.BadRequest($"invalid object type: {other}, Kind={Type.Kind}");
        if (tree.Text("apiVersion") is { } version && version != Type.ApiVersion)
            throw ApiError.BadRequest($"the API version in the data ({version}) does not match the expected API version "
                + $"({Type.ApiVersion})");
        if (Name.Length > 0 && tree.Text("metadata", "name") is { Length: > 0 } name && name != Name)
            throw ApiError.BadRequest($"the name of the object ({name}) does not match the name on the URL ({Name})");
        if (Type.Namespaced && tree.Text("metadata", "namespace") is { Length: > 0 } space && space != Space)
            throw ApiError.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
    }
}
