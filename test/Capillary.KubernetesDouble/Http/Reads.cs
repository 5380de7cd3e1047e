using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Storage;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Http;

/// <summary>Get and list.</summary>
internal sealed class Reads(ClusterState state)
{
    private const string TooOld =
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
        + "continue parameter.";

    public Task GetAsync(ApiRequest request)
    {
        var live = state.Store.Find(request.Type.Place, ObjectStore.Key(request.Space, request.Name))
            ?? throw ApiError.NotFound(request.Type, request.Name);
        if (request.Path.Subresource == "scale") return request.AnswerAsync(200, Scales.Of(live));
        return request.AnswerAsync(200, ObjectWriter.In(live, request.Type));
    }

    public Task ListAsync(ApiRequest request)
    {
        var token = request.Query("continue") is { } text ? Token.Parse(text) : null;
        var snapshot = state.Store.At(request.Type.Place, token?.Revision ?? Exact(request))
            ?? throw ApiError.Expired(token is null ? $"The resourceVersion for the provided list is too old." : TooOld);
        var filter = new ObjectFilter(request);
        var matching = snapshot.Objects.Where(pair => filter.Matches(pair.Value))
            .SkipWhile(pair => token is not null && string.CompareOrdinal(pair.Key, token.Start) <= 0).ToList();
        var limit = int.TryParse(request.Query("limit"), out var number) && number > 0 ? number : int.MaxValue;
        var page = matching.Take(limit).ToList();
        var meta = new JsonObject { ["resourceVersion"] = snapshot.Revision.ToString() };
        if (page.Count < matching.Count)
        {
            meta["continue"] = new Token(snapshot.Revision, page[^1].Key).ToString();
            if (!filter.IsSelective) meta["remainingItemCount"] = matching.Count - page.Count;
        }
        else if (request.Type.IsCustom)
        {
            meta["continue"] = "";
        }
        return Answers.WriteAsync(request.Http, 200, Write(request.Type, meta, page.Select(pair => pair.Value)));
    }

    // A revision that is asked for exactly; any other is answered with the state now, which is new enough.
    private long? Exact(ApiRequest request)
    {
        if (request.Query("resourceVersion") is not { } text || text == "0") return null;
        if (!long.TryParse(text, out var revision))
            throw ApiError.BadRequest($"Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
        if (revision > state.Store.Revision) throw TooLarge(revision);
        var exact = request.Query("resourceVersionMatch") switch
        {
            "Exact" => true,
            "NotOlderThan" => false,
            _ => request.Query("limit") is not null,
        };
        return exact ? revision : null;
    }

    private ApiError TooLarge(long revision) => new(504, "Timeout",
        $"Too large resource version: {revision}, current: {state.Store.Revision}", new JsonObject
    {
        ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
        ["retryAfterSeconds"] = 1,
    });

    // Items of built-in kinds say neither their kind nor their version.
    public static ReadOnlyMemory<byte> Write(ResourceType type, JsonObject meta, IEnumerable<JsonObject> items)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        writer.WriteStartObject();
        writer.WriteString("kind", type.ListKind);
        writer.WriteString("apiVersion", type.ApiVersion);
        writer.WritePropertyName("metadata");
        meta.WriteTo(writer);
        writer.WriteStartArray("items");
        foreach (var item in items)
        {
            writer.WriteStartObject();
            foreach (var (name, value) in item)
            {
                if (name is "kind" or "apiVersion" && !type.IsCustom) continue;
                writer.WritePropertyName(name);
                if (name == "apiVersion") writer.WriteStringValue(type.ApiVersion);
                else if (value is null) writer.WriteNullValue();
                else value.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Where a list goes on: at which revision, after which object.</summary>
    private sealed record Token(long Revision, string Start)
    {
        public static Token Parse(string text)
        {
            try
            {
                var tree = Json.Object(Encoding.UTF8.GetString(Convert.FromBase64String(text)));
                return new Token(tree.Number("rv")!.Value, tree.Text("start")!);
            }
            catch (Exception wrong) when (wrong is FormatException or JsonException or InvalidOperationException)
            {
                throw ApiError.BadRequest("continue key is not valid: " + wrong.Message);
            }
        }

        public override string ToString() => Convert.ToBase64String(new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = Revision,
            ["start"] = Start }.Utf8());
    }
}
