using System.Runtime.CompilerServices;
using Capillary.KubernetesDouble;
using Xunit;

namespace Capillary.Tests.Kubernetes;

/// <summary>The clusters that the suite runs on: a double for each class, and the one of <c>./dev test --kubeconfig FILE</c>.</summary>
public sealed class ConformanceClusters : IAsyncLifetime
{
    public const string Double = "double";
    public const string Given = "given";

    public static string? GivenKubeconfig => Environment.GetEnvironmentVariable("CAPILLARY_KUBECONFIG") is { Length: > 0 } path ? path
        : null;

    public static string[] All => GivenKubeconfig is null ? [Double] : [Double, Given];

    public ClusterDouble TheDouble { get; private set; } = null!;

    public string Kubeconfig(string cluster) => cluster == Double ? TheDouble.KubeconfigPath : GivenKubeconfig!;

    // Bookmarks and forgetting are asked for by some cases: often, and soon.
    public async Task InitializeAsync() =>
        TheDouble = await ClusterDouble.StartAsync(new ClusterDoubleOptions { BookmarkEvery = TimeSpan.FromMilliseconds(200) });

    public async Task DisposeAsync() => await TheDouble.DisposeAsync();
}

/// <summary>
/// One case of the suite, on one cluster, in a namespace of its own. With CAPILLARY_RECORD=1 the exchanges with the given cluster are
/// written to <c>Exchanges/</c>, which the double must then replay.
/// </summary>
public abstract class ConformanceTest(ConformanceClusters clusters) : IClassFixture<ConformanceClusters>
{
    public static TheoryData<string> Clusters => new(ConformanceClusters.All);

    protected ClusterDouble TheDouble => clusters.TheDouble;

    protected string KubeconfigOf(string cluster) => clusters.Kubeconfig(cluster);

    /// <param name="cluster">Which cluster.</param>
    /// <param name="run">The case.</param>
    /// <param name="recorded">What a cluster answers is the same each time, so that the double can replay it.</param>
    /// <param name="name">Of the case.</param>
    protected async Task OnAsync(string cluster, Func<ClusterClient, Task> run, bool recorded = true, [CallerMemberName] string name = "")
    {
        var records = recorded && cluster == ConformanceClusters.Given && Environment.GetEnvironmentVariable("CAPILLARY_RECORD") == "1";
        var suffix = Guid.NewGuid().ToString("n")[..8];
        var record = records ? new ExchangeRecord(suffix) : null;
        using var http = Kubeconfig.Connect(clusters.Kubeconfig(cluster));
        using var client = new ClusterClient(http, suffix, record);
        using var aside = new ClusterClient(http, suffix, null);
        (await aside.PostAsync("/api/v1/namespaces", "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" + client.Space + "'}}"))
            .Expect(201);
        try
        {
            await run(client);
            record?.Write($"{GetType().Name}.{name}");
        }
        finally
        {
            await client.CleanAsync($"/api/v1/namespaces/{client.Space}");
        }
    }

    /// <summary>A ConfigMap without namespace; JSON with ' for ".</summary>
    protected static string ConfigMap(string name, string data, string meta = "") =>
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'" + name + "'" + (meta.Length > 0 ? "," + meta : "") + "},'data':{"
            + data + "}}";
}
