using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Fields;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Rules;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Storage;

/// <summary>What one request asks to write.</summary>
/// <param name="Type">The kind, in the version of the request.</param>
/// <param name="Space">"" for kinds without namespace.</param>
/// <param name="Name">"" when the body says it.</param>
/// <param name="Subresource">"", <c>status</c> or <c>scale</c>.</param>
/// <param name="Manager">The field manager.</param>
/// <param name="IsDryRun">Answer as if, but keep nothing.</param>
internal sealed record WriteRequest(ResourceType Type, string Space, string Name, string Subresource, string Manager, bool IsDryRun)
{
    /// <summary>What to do with fields that the schema does not know: <c>Ignore</c>, <c>Warn</c> or <c>Strict</c>.</summary>
    public string FieldValidation { get; init; } = "Warn";

    public string Key => ObjectStore.Key(Space, Name);

    public Writer Writer => new(Manager, Type.ApiVersion, Subresource, ClusterState.Time);
}

/// <summary>Creates and changes objects as an API server does: defaults, ownership, preparation, validation, then the store.</summary>
internal sealed class ObjectWriter(ClusterState state)
{
    public JsonObject Create(WriteRequest request, JsonObject body)
    {
        lock (state.Store.Gate)
        {
            var tree = body.Copy();
            tree.DropNulls();
            NameIt(request, tree);
            if (tree.Text("metadata", "resourceVersion") is { Length: > 0 })
                throw new ApiError(500, "", "resourceVersion should not be set on objects to be created");
            RefuseNamespace(request, tree.Text("metadata", "name") ?? "");
            Fill(request, tree);
            ServerSideApply.Update(request.Type.New(), tree, request.Type, request.Writer);
            return Add(request, tree);
        }
    }

    /// <param name="request">Which object, and by whom.</param>
    /// <param name="change">Live object -> wanted object.</param>
    /// <param name="isReplace">The whole object came with the request.</param>
    public JsonObject Update(WriteRequest request, Func<JsonObject, JsonObject> change, bool isReplace = false)
    {
        lock (state.Store.Gate)
        {
            var before = Live(request) ?? throw ApiError.NotFound(request.Type, request.Name);
            var tree = change(before.Copy());
            tree.DropNulls();
            RefuseOtherVersion(request, tree, before, isReplace);
            if (request.Subresource == "status") tree = WithStatus(before, tree);
            Identify(request, tree);
            Fill(request, tree);
            ServerSideApply.Update(before, tree, request.Type, request.Writer);
            return Replace(request, tree, before);
        }
    }

    /// <summary>Server-side apply; true when the object was created.</summary>
    public (JsonObject Tree, bool IsNew) Apply(WriteRequest request, JsonObject config, bool force)
    {
        if (config.At("metadata", "managedFields") is not null) throw ApiError.BadRequest("metadata.managedFields must be nil");
        lock (state.Store.Gate)
        {
            var before = Live(request);
            if (before is null) RefuseNamespace(request, request.Name);
            if (before is null && request.Subresource.Length > 0) throw ApiError.NotFound(request.Type, request.Name);
            RefusePreconditions(request, config, before);
            RefuseUnknown(request, config);
            try
            {
                var wanted = config.Copy();
                Identify(request, wanted);
                var tree = ServerSideApply.Apply(before ?? request.Type.New(), wanted, request.Type, request.Writer, force, tree =>
                    Fill(request, tree));
                if (before is null) return (Add(request, tree), true);
                return (Replace(request, request.Subresource == "status" ? WithStatus(before, tree) : tree, before), false);
            }
            catch (FormatException wrong)
            {
                throw new ApiError(500, "", $"failed to create typed patch object ({Described(request, config)}): {wrong.Message}");
            }
        }
    }

    private JsonObject? Live(WriteRequest request) => state.Store.Find(request.Type.Place, request.Key) is not { } live ? null
        : In(live, request.Type);

    /// <summary>The object in the version of this type.</summary>
    public static JsonObject In(JsonObject tree, ResourceType type)
    {
        if (tree.Text("apiVersion") == type.ApiVersion) return tree;
        var copy = tree.Copy();
        copy["apiVersion"] = type.ApiVersion;
        return copy;
    }

    private static string Described(WriteRequest request, JsonObject config) =>
        $"{config.Text("metadata", "namespace")}/{request.Name}; "
            + $"{(request.Type.Group.Length == 0 ? "/" + request.Type.Version : request.Type.ApiVersion)}, Kind={request.Type.Kind}";

    private static void NameIt(WriteRequest request, JsonObject tree)
    {
        var meta = tree.Ensure("metadata");
        if (meta.Text("name") is not { Length: > 0 } && meta.Text("generateName") is { Length: > 0 } prefix)
            meta["name"] = prefix + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray())[..5];
        Identify(request with { Name = meta.Text("name") ?? "" }, tree);
    }

    // Namespace and name of the URL win over a body without them; a body that says otherwise was refused before.
    private static void Identify(WriteRequest request, JsonObject tree)
    {
        tree["apiVersion"] = request.Type.ApiVersion;
        tree["kind"] = request.Type.Kind;
        var meta = tree.Ensure("metadata");
        if (request.Name.Length > 0) meta["name"] = request.Name;
        if (request.Type.Namespaced) meta["namespace"] = request.Space;
        else meta.Remove("namespace");
    }

    private static void Fill(WriteRequest request, JsonObject tree)
    {
        Defaults.Fill(tree, request.Type);
        if (request.Type.OpenApi is not { } openApi) return;
        var unknown = CustomValidation.Prune(tree, openApi);
        if (unknown.Count > 0 && request.FieldValidation == "Strict")
        {
            var list = string.Join(", ", unknown.Select(path => $"unknown field \"{path}\""));
            throw ApiError.BadRequest($"{request.Type.Kind} in version \"{request.Type.Version}\" cannot be handled as a "
                + $"{request.Type.Kind}: "
                + $"strict decoding error: {list}");
        }
        CustomValidation.Fill(tree, openApi);
    }

    private static JsonObject WithStatus(JsonObject before, JsonObject tree)
    {
        var result = before.Copy();
        result.Put("status", tree["status"]);
        if (tree.At("metadata", "managedFields") is { } owners) result.Ensure("metadata")["managedFields"] = owners.DeepClone();
        return result;
    }

    private JsonObject Add(WriteRequest request, JsonObject tree)
    {
        state.Preparation.ForCreate(tree, request.Type, ClusterState.Time, request.IsDryRun);
        Validation.Check(tree, null, request.Type);
        var name = tree.Text("metadata", "name")!;
        if (state.Store.Find(request.Type.Place, ObjectStore.Key(request.Space, name)) is { } there)
            throw ApiError.AlreadyExists(request.Type, name, there.Text("metadata", "deletionTimestamp") is not null);
        return request.IsDryRun ? tree : state.Store.Put(request.Type.Place, tree);
    }

    private JsonObject Replace(WriteRequest request, JsonObject tree, JsonObject before)
    {
        var status = tree["status"]?.DeepClone();
        state.Preparation.ForUpdate(tree, before, request.Type);
        if (request.Subresource == "status") tree.Put("status", status);
        Validation.Check(tree, before, request.Type);
        tree.Ensure("metadata")["resourceVersion"] = before.Text("metadata", "resourceVersion");
        if (request.IsDryRun) return tree;
        if (IsFinished(tree))
        {
            state.Store.Remove(request.Type.Place, request.Key);
            return tree;
        }
        return IsSame(tree, before) ? before : state.Store.Put(request.Type.Place, tree);
    }

    // A write that would change nothing but the times of its owners is none.
    private static bool IsSame(JsonObject tree, JsonObject before) =>
        Json.Same(tree, before) || Json.Same(Timeless(tree), Timeless(before));

    private static JsonObject Timeless(JsonObject tree)
    {
        var copy = tree.Copy();
        foreach (var owner in copy.Items("metadata", "managedFields").OfType<JsonObject>()) owner.Remove("time");
        return copy;
    }

    // It was being deleted, and the last finalizer went.
    private static bool IsFinished(JsonObject tree) => tree.Text("metadata", "deletionTimestamp") is not null
        && !tree.Items("metadata", "finalizers").Any() && !tree.Items("spec", "finalizers").Any();

    private static void RefuseOtherVersion(WriteRequest request, JsonObject tree, JsonObject before, bool isReplace)
    {
        var given = tree.Text("metadata", "resourceVersion") ?? "";
        if (given.Length == 0 && isReplace && request.Type.IsCustom)
            throw ApiError.Unversioned(request.Type, request.Name);
        if (tree.Text("metadata", "uid") is { Length: > 0 } uid && uid != before.Text("metadata", "uid"))
            throw ApiError.Conflict(request.Type, request.Name,
                $"StorageError: invalid object, Code: 4, Key: /registry/{request.Type.Plural}/{request.Space}/{request.Name}, "
                + $"ResourceVersion: 0, "
                + $"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: "
                + $"{before.Text("metadata", "uid")}");
        if (given.Length > 0 && given != before.Text("metadata", "resourceVersion")) throw ApiError.Modified(request.Type, request.Name);
    }

    private static void RefusePreconditions(WriteRequest request, JsonObject config, JsonObject? before)
    {
        var uid = config.Text("metadata", "uid") ?? "";
        if (before is null && uid.Length > 0)
            throw ApiError.Conflict(request.Type, request.Name,
                $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        if (uid.Length > 0 && uid != before.Text("metadata", "uid"))
        {
            var fixed_ = Cause.Invalid("metadata.uid", uid, "field is immutable");
            throw ApiError.Invalid(request.Type, request.Name, [fixed_, fixed_]);
        }
        if (before is null || config.Text("metadata", "resourceVersion") is not { Length: > 0 } version) return;
        if (version != before.Text("metadata", "resourceVersion")) throw ApiError.Modified(request.Type, request.Name);
    }

    private static void RefuseUnknown(WriteRequest request, JsonObject config)
    {
        if (request.Type.OpenApi is not { } openApi || CustomValidation.Prune(config.Copy(), openApi) is not { Count: > 0 } unknown) return;
        throw new ApiError(500, "",
            $"failed to create typed patch object ({Described(request, config)}): .{unknown[0]}: field not declared in schema");
    }

    private void RefuseNamespace(WriteRequest request, string name)
    {
        if (!request.Type.Namespaced) return;
        var type = state.Types.Get("", "namespaces");
        var space = state.Store.Find(type.Place, ObjectStore.Key("", request.Space)) ?? throw ApiError.NotFound(type, request.Space);
        if (space.Text("metadata", "deletionTimestamp") is null) return;
        throw ApiError.Forbidden(request.Type, name,
            $"unable to create new content in namespace {request.Space} because it is being terminated",
            [new Cause("NamespaceTerminating", $"namespace {request.Space} is being terminated", "metadata.namespace")]);
    }
}
