using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Capillary.Tests.Kubernetes;

/// <summary>What one case asked of an API server and was answered, with volatile values (uids, times, versions …) under stable
/// names.</summary>
public sealed class ExchangeRecord(string suffix)
{
    private static readonly JsonSerializerOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly VolatileNames names = new(suffix);
    private readonly JsonArray exchanges = [];
    private int watches;

    public static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Exchanges");

    public void Add(string method, string path, string? body, string type, ClusterAnswer answer, bool isUntil)
    {
        var exchange = new JsonObject { ["method"] = method, ["path"] = names.Hide(path) };
        if (body is not null) (exchange["type"], exchange["body"]) = (type, names.Hide(body));
        if (isUntil) exchange["until"] = true;
        exchange["status"] = answer.Code;
        exchange["answer"] = answer.Body is null ? names.Hide(answer.Text) : names.Stable(answer.Body);
        exchanges.Add(exchange);
    }

    public int AddWatch(string path)
    {
        exchanges.Add(new JsonObject { ["watch"] = ++watches, ["path"] = names.Hide(path) });
        return watches;
    }

    public void AddEvent(int watch, JsonNode found) => exchanges.Add(new JsonObject { ["watch"] = watch, ["event"] = names.Stable(found) });

    /// <summary>One exchange a line.</summary>
    public void Write(string name) => File.WriteAllText(Path.Combine(Folder(), name + ".json"),
        "[\n" + string.Join(",\n", exchanges.Select(exchange => exchange!.ToJsonString(Layout))) + "\n]\n");
}
