using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble.Http;

/// <summary>Create, update, patch and delete.</summary>
internal sealed class Writes(ObjectWriter writer, ObjectDeleter deleter, ClusterState state)
{
    public async Task CreateAsync(ApiRequest request)
    {
        var body = await request.ReadObjectAsync();
        Warn(request, body);
        await request.AnswerAsync(201, writer.Create(request.ToWrite(), body));
    }

    public async Task ReplaceAsync(ApiRequest request)
    {
        var write = request.ToWrite();
        if (request.Path.Subresource == "scale")
        {
            var scale = (await request.ReadAsync())!.AsObject();
            await request.AnswerAsync(200, Scales.Of(writer.Update(write, tree => Scales.Into(tree, scale))));
            return;
        }
        var body = await request.ReadObjectAsync();
        Warn(request, body);
        if (request.Path.Subresource == "finalize") await request.AnswerAsync(200, Finalize(request, body));
        else await request.AnswerAsync(200, writer.Update(write, _ => body, isReplace: true));
    }

    public Task PatchAsync(ApiRequest request) => request.ContentType switch
    {
        "application/apply-patch+yaml" or "application/apply-patch+json" => ApplyAsync(request),
        "application/merge-patch+json" => PatchAsync(request, (tree, patch) => Patches.Merged(tree, patch)!.AsObject()),
        "application/strategic-merge-patch+json" when !request.Type.IsCustom =>
            PatchAsync(request, (tree, patch) => Patches.Strategic(tree, patch, request.Type.Schema)!.AsObject()),
        "application/json-patch+json" => PatchAsync(request, (tree, patch) => Patches.Carried(tree, patch!.AsArray())),
        _ => throw new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", []),
    };

    public async Task DeleteAsync(ApiRequest request)
    {
        var options = await OptionsAsync(request);
        var (last, isGone) = deleter.Delete(request.Type, request.Space, request.Name, options);
        if (!isGone || ReturnsObject(request.Type.QualifiedKind))
        {
            await request.AnswerAsync(200, ObjectWriter.In(last, request.Type));
            return;
        }
        var details = new JsonObject { ["name"] = request.Name };
        if (request.Type.Group.Length > 0) details["group"] = request.Type.Group;
        details["kind"] = request.Type.Plural;
        details["uid"] = last.Text("metadata", "uid");
        await request.AnswerAsync(200, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        });
    }

    public async Task DeleteAllAsync(ApiRequest request)
    {
        var options = await OptionsAsync(request);
        var filter = new ObjectFilter(request);
        var items = new List<JsonObject>();
        foreach (var tree in state.Store.All(request.Type.Place).Where(filter.Matches))
        {
            deleter.Delete(request.Type, tree.Text("metadata", "namespace") ?? "", tree.Text("metadata", "name")!, options);
            items.Add(tree);
        }
        var meta = new JsonObject { ["resourceVersion"] = state.Store.Revision.ToString() };
        await Answers.WriteAsync(request.Http, 200, Reads.Write(request.Type, meta, items));
    }

    private static bool ReturnsObject(string kind) =>
        kind is "Pod" or "ServiceAccount" or "PersistentVolumeClaim" or "PersistentVolume" or "ResourceQuota"
        or "Service" or "StorageClass.storage.k8s.io";

    private async Task ApplyAsync(ApiRequest request)
    {
        if (request.Query("fieldManager") is null)
            throw new ApiError(422, "Invalid",
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch", new JsonObject
            {
                ["group"] = "meta.k8s.io",
                ["kind"] = "PatchOptions",
                ["causes"] = new JsonArray(new JsonObject
                {
                    ["reason"] = "FieldValueRequired",
                    ["message"] = "Required value: is required for apply patch",
                    ["field"] = "fieldManager",
                }),
            });
        var config = await request.ReadObjectAsync();
        var (tree, isNew) = writer.Apply(request.ToWrite(), config, request.Flag("force"));
        await request.AnswerAsync(isNew ? 201 : 200, tree);
    }

    private async Task PatchAsync(ApiRequest request, Func<JsonObject, JsonNode?, JsonObject> patch)
    {
        var body = await request.ReadAsync();
        var isScale = request.Path.Subresource == "scale";
        var tree = writer.Update(request.ToWrite(), live =>
        {
            var patched = isScale ? Scales.Into(live.Copy(), patch(Scales.Of(live), body)) : patch(live, body);
            return patched;
        });
        await request.AnswerAsync(200, isScale ? Scales.Of(tree) : tree);
    }

    // The one subresource that may take the finalizers of a namespace away.
    private JsonObject Finalize(ApiRequest request, JsonObject body)
    {
        lock (state.Store.Gate)
        {
            var tree = state.Store.Find(request.Type.Place, ObjectStore.Key("", request.Name))?.Copy()
                ?? throw ApiError.NotFound(request.Type, request.Name);
            tree.Ensure("spec").Put("finalizers", body.At("spec", "finalizers"));
            var isFinished = tree.Text("metadata", "deletionTimestamp") is not null && !tree.Items("spec", "finalizers").Any();
            if (!isFinished) return state.Store.Put(request.Type.Place, tree);
            state.Store.Remove(request.Type.Place, ObjectStore.Key("", request.Name));
            return tree;
        }
    }

    private static async Task<DeleteOptions> OptionsAsync(ApiRequest request)
    {
        var body = await request.ReadAsync();
        var propagation = request.Query("propagationPolicy") ?? body.Text("propagationPolicy");
        if (propagation is null && (body.Flag("orphanDependents") ?? request.Flag("orphanDependents"))) propagation = "Orphan";
        return new DeleteOptions(propagation, body.Text("preconditions", "uid"), body.Text("preconditions", "resourceVersion"),
            request.IsDryRun || body.Items("dryRun").Any(item => item.GetValue<string>() == "All"));
    }

    private static void Warn(ApiRequest request, JsonObject body)
    {
        if (request.Type.OpenApi is not { } openApi || request.Query("fieldValidation") is "Ignore" or "Strict") return;
        foreach (var path in Rules.CustomValidation.Prune(body.Copy(), openApi))
            request.Http.Response.Headers.Append("Warning", $"299 - \"unknown field \\\"{path}\\\"\"");
    }
}
