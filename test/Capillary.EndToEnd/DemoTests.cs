using Capillary.KubernetesDouble;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>The demo from its first to its last line; most of it is the silence of a site, so it runs beside other tests.</summary>
public sealed class DemoTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-e2e-").FullName;

    private static CancellationToken Stop => CancellationToken.None;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Demo_ChecksItself()
    {
        // With a site that is a cluster; CI runs the demo without one beside this.
        var options = new ClusterDoubleOptions { KubeconfigPath = Path.Combine(folder, "kubeconfig"), RunsControllers = true };
        await using var cluster = await ClusterDouble.StartAsync(options);
        var run = await NodeProcess.TryRunAsync(Path.Combine(AppContext.BaseDirectory, "Capillary.EndToEnd"),
            ["demo", "--once", "--sites", "8", "--folder", Path.Combine(folder, "demo"), "--kubeconfig", cluster.KubeconfigPath], Stop);
        output.WriteLine(run.Output + run.Errors);
        Assert.Equal(0, run.Code);
        Assert.EndsWith("demo: ok", run.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.Contains("night-shift", run.Output, StringComparison.Ordinal);
        // What was applied there was taken away again.
        Assert.Null(cluster.Find(new ClusterObject("", "Namespace", "", "lab-portal")));
    }
}
