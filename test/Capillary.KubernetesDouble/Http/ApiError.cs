using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Http;

/// <summary>One field that is wrong, as an API server's validation names it.</summary>
/// <param name="Reason">Such as <c>FieldValueInvalid</c>.</param>
/// <param name="Message">Without the field.</param>
/// <param name="Field">As a path: <c>spec.selector</c>.</param>
internal sealed record Cause(string Reason, string Message, string Field)
{
    public static Cause Required(string field, string detail = "") =>
        new("FieldValueRequired", detail.Length == 0 ? "Required value" : "Required value: " + detail, field);

    public static Cause Invalid(string field, JsonNode? value, string detail) =>
        new("FieldValueInvalid", $"Invalid value: {value.Compact()}: {detail}", field);

    public static Cause Forbidden(string field, string detail) => new("FieldValueForbidden", "Forbidden: " + detail, field);
}

/// <summary>An answer that is no success, in the API's own shape.</summary>
internal sealed class ApiError(int code, string reason, string message, JsonObject? details = null) : Exception(message)
{
    public int Code => code;

    public string Reason => reason;

    /// <summary>Seconds for a <c>Retry-After</c> header.</summary>
    public int? RetryAfter { get; init; }

    public JsonObject ToJson()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
        };
        if (reason.Length > 0) status["reason"] = reason;
        if (details is not null) status["details"] = details.DeepClone();
        status["code"] = code;
        return status;
    }

    public static ApiError NotFound(ResourceType type, string name) =>
        new(404, "NotFound", $"{type.Qualified} \"{name}\" not found", Details(type, name));

    public static ApiError AlreadyExists(ResourceType type, string name, bool isGoing) =>
        new(409, "AlreadyExists", $"{(isGoing ? "object is being deleted: " : "")}{type.Qualified} \"{name}\" already exists",
            Details(type, name));

    public static ApiError Conflict(ResourceType type, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {type.Qualified} \"{name}\": {why}", Details(type, name));

    /// <summary>A delete names the kind where others name the resource.</summary>
    public static ApiError DeleteConflict(ResourceType type, string name, string why)
    {
        var details = Details(type, name);
        details["kind"] = type.Kind;
        return new ApiError(409, "Conflict", $"Operation cannot be fulfilled on {type.QualifiedKind} \"{name}\": {why}", details);
    }

    public static ApiError Modified(ResourceType type, string name) =>
        Conflict(type, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiError Forbidden(ResourceType type, string name, string why, IReadOnlyList<Cause>? causes = null) =>
        new(403, "Forbidden", $"{type.Qualified} \"{name}\" is forbidden: {why}", Details(type, name, causes));

    public static ApiError BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiError Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiError Expired(string message) => new(410, "Expired", message);

    public static ApiError Invalid(ResourceType type, string name, IReadOnlyList<Cause> causes)
    {
        var all = causes.Select(cause => $"{cause.Field}: {cause.Message}").Distinct().ToList();
        var text = all.Count == 1 ? all[0] : $"[{string.Join(", ", all)}]";
        var details = Details(type, name, causes);
        details["kind"] = type.Kind;
        return new ApiError(422, "Invalid", $"{type.QualifiedKind} \"{name}\" is invalid: {text}", details);
    }

    /// <summary>Custom resources are replaced only by who knows what he replaces.</summary>
    public static ApiError Unversioned(ResourceType type, string name)
    {
        var cause = Cause.Invalid("metadata.resourceVersion", 0, "must be specified for an update");
        return new ApiError(422, "Invalid", $"{type.Qualified} \"{name}\" is invalid: {cause.Field}: {cause.Message}",
            Details(type, name, [cause]));
    }

    public static ApiError ApplyConflict(IReadOnlyList<(string Manager, List<string> Paths)> conflicts)
    {
        var causes = conflicts.SelectMany(one => one.Paths.Select(path =>
            new Cause("FieldManagerConflict", "conflict with " + one.Manager, path))).ToList();
        var text = causes.Count == 1
            ? $"Apply failed with 1 conflict: {causes[0].Message}: {causes[0].Field}"
            : $"Apply failed with {causes.Count} conflicts: " + string.Join("\n", conflicts.Select(one =>
                string.Join("\n", one.Paths.Select(path => "- " + path).Prepend($"conflicts with {one.Manager}:"))));
        return new ApiError(409, "Conflict", text, new JsonObject { ["causes"] = List(causes) });
    }

    private static JsonObject Details(ResourceType type, string name, IReadOnlyList<Cause>? causes = null)
    {
        var details = new JsonObject();
        if (name.Length > 0) details["name"] = name;
        if (type.Group.Length > 0) details["group"] = type.Group;
        details["kind"] = type.Plural;
        if (causes is { Count: > 0 }) details["causes"] = List(causes);
        return details;
    }

    private static JsonArray List(IEnumerable<Cause> causes) => new([.. causes.Select(cause => new JsonObject
    {
        ["reason"] = cause.Reason,
        ["message"] = cause.Message,
        ["field"] = cause.Field,
    })]);
}
