using System.Text.Json.Nodes;
using Capillary.KubernetesDouble;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>The double answers as a real API server did: every exchange that was recorded with one is asked again, and compared in
/// full.</summary>
public sealed class ReplayTests
{
    private const string Suffix = "replayed";

    public static TheoryData<string> Records => new(Directory.EnumerateFiles(ExchangeRecord.Folder(), "*.json")
        .Select(Path.GetFileNameWithoutExtension).Order()!);

    [Theory, MemberData(nameof(Records))]
    public async Task The_double_answers_as_recorded(string record)
    {
        await using var cluster = await ClusterDouble.StartAsync();
        using var http = Kubeconfig.Connect(cluster.KubeconfigPath);
        using var client = new ClusterClient(http, Suffix, null);
        (await client.PostAsync("/api/v1/namespaces", "{'metadata':{'name':'" + client.Space + "'}}")).Expect(201);
        var exchanges = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(ExchangeRecord.Folder(), record + ".json")))!.AsArray();
        using var replay = new Replay(client);
        foreach (var (at, exchange) in exchanges.Index()) await replay.RunAsync(at, exchange!.AsObject());
    }

    private sealed class Replay(ClusterClient client) : IDisposable
    {
        private readonly Dictionary<int, ClusterWatch> watches = [];
        private VolatileNames names = new(Suffix);

        public async Task RunAsync(int at, JsonObject exchange)
        {
            if (exchange["watch"] is { } watch) await RunWatchAsync(at, exchange, (int)watch);
            else if (exchange["until"] is not null)
                await client.UntilAsync(names.Show((string)exchange["path"]!), answer => TryAnswer(exchange, answer));
            else Compare(at, exchange, await AskAsync(exchange));
        }

        public void Dispose()
        {
            foreach (var watch in watches.Values) watch.Dispose();
        }

        private Task<ClusterAnswer> AskAsync(JsonObject exchange) =>
            client.SendAsync((string)exchange["method"]!, names.Show((string)exchange["path"]!),
            (string?)exchange["body"] is { } body ? names.Show(body) : null, (string?)exchange["type"] ?? "application/json");

        private void Compare(int at, JsonObject exchange, ClusterAnswer answer)
        {
            if (TryAnswer(exchange, answer)) return;
            Assert.Fail($"exchange {at}, {exchange["method"]} {exchange["path"]} {exchange["body"]}\nrecorded {exchange["status"]}, "
                + $"answered {answer.Code}\n"
                + string.Join('\n', Differences(exchange["answer"], Stable(answer, names.Copy()), "")));
        }

        private static IEnumerable<string> Differences(JsonNode? recorded, JsonNode? answered, string path)
        {
            if (JsonNode.DeepEquals(recorded, answered)) return [];
            if (recorded is JsonObject a && answered is JsonObject b)
                return a.Select(field => field.Key).Union(b.Select(field => field.Key))
                    .SelectMany(key => Differences(a[key], b[key], $"{path}.{key}"));
            if (recorded is JsonArray c && answered is JsonArray d && c.Count == d.Count)
                return Enumerable.Range(0, c.Count).SelectMany(at => Differences(c[at], d[at], $"{path}[{at}]"));
            return [$"{path}: recorded {recorded?.ToJsonString() ?? "nothing"}, answered {answered?.ToJsonString() ?? "nothing"}"];
        }

        private bool TryAnswer(JsonObject exchange, ClusterAnswer answer)
        {
            var trial = names.Copy();
            if (answer.Code != (int)exchange["status"]! || !JsonNode.DeepEquals(Stable(answer, trial), exchange["answer"])) return false;
            names = trial;
            return true;
        }

        private static JsonNode Stable(ClusterAnswer answer, VolatileNames names) =>
            answer.Body is null ? JsonValue.Create(answer.Text) : names.Stable(answer.Body);

        private async Task RunWatchAsync(int at, JsonObject exchange, int watch)
        {
            if (exchange["path"] is { } path)
            {
                watches[watch] = await client.WatchAsync(names.Show((string)path!));
                return;
            }
            var found = names.Stable((await watches[watch].NextAsync())!);
            Assert.Empty(Differences(exchange["event"], found, $"exchange {at}"));
        }
    }
}
