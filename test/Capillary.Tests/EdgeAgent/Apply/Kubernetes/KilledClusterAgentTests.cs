using System.Diagnostics;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.Tests.Core.Apply;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Capillary.Tests.EdgeAgent.Apply.Kubernetes.ClusterSite;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>A real agent process on the double, killed after each of its requests in turn while it goes from one bundle to another.</summary>
public sealed class KilledClusterAgentTests
{
    /// <summary>Names the kubeconfig in an agent process of this test; see <see cref="StartupHook"/>.</summary>
    internal const string Kubeconfig = "CAPILLARY_TEST_KUBECONFIG";

    [Fact]
    public async Task Promise2_killed_after_every_request_of_an_apply_it_ends_with_the_last_bundle_and_nothing_of_the_other()
    {
        await using var site = await ClusterSite.StartAsync();
        await site.StopAsync();
        TestApp App(string value) => new TestApp("web").Object(ConfigMap("a", value)).Object(ConfigMap($"only-{value}"))
            .Object(Deployment("front", $"registry.example/web:{value}")).Object(Job("migrate", "\"capillary.dev/hook\":\"pre\""));
        Digest[] bundles = [site.Bundles.Bundle(App("1")), site.Bundles.Bundle(App("2"))];
        var (since, kills) = (0, 0);
        for (var after = 1; ; after++)
        {
            since++;
            site.Cluster.Requests.Clear();
            using var agent = Start(site, bundles[since % 2], since);
            await site.UntilAsync(() => Writes(site) >= after || IsHealthy(site, since) || agent.HasExited);
            Assert.False(agent.HasExited, $"the agent of round {after} ended by itself");
            if (IsHealthy(site, since)) break;
            agent.Kill();
            await agent.WaitForExitAsync();
            kills++;
        }
        Assert.True(kills >= 4, $"it was killed {kills} times");
        var wanted = since % 2 == 0 ? "1" : "2";
        var other = wanted == "1" ? "2" : "1";
        Assert.Equal(wanted, site.Value("a"));
        Assert.True(site.Has(Map($"only-{wanted}")));
        Assert.False(site.Has(Map($"only-{other}")));
        Assert.Equal($"registry.example/web:{wanted}",
            (string?)site.Cluster.Find(Web("front"))!["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]);
        foreach (var file in Directory.GetFiles(site.Folder, "agent.*.pid")) Kill(int.Parse(await File.ReadAllTextAsync(file)));
    }

    internal static void RunAgent(string folder, string kubeconfig)
    {
        var blobs = new TestBundles($"{folder}/blobs");
        var since = long.Parse(Environment.GetEnvironmentVariable("CAPILLARY_TEST_SINCE")!);
        File.WriteAllText($"{folder}/agent.{since}.pid", Environment.ProcessId.ToString());
        var target = new ClusterTarget("basel-lab-1", KubeConfigFile.Load(kubeconfig), 100, blobs.PathOf, TimeProvider.System,
            NullLogger.Instance);
        var agent = new SiteApply($"{folder}/state", target, TimeSpan.FromMilliseconds(20),
            (_, _) => Task.FromResult<FetchOutcome>(new FetchOutcome.Ready()), TimeProvider.System, NullLogger.Instance);
        agent.Changed += () =>
        {
            if (agent.Status.Phase == ApplyPhase.Healthy && agent.Status.Since == since) File.WriteAllText($"{folder}/healthy.{since}", "");
        };
        agent.Assign(new DesiredBundle(Digest.Parse(Environment.GetEnvironmentVariable("CAPILLARY_TEST_BUNDLE")!), null, since));
        agent.RunAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    // What only reads changes nothing, so a kill between two reads is the same as one before them.
    private static int Writes(ClusterSite site) => site.Cluster.Requests.Writes;

    private static bool IsHealthy(ClusterSite site, long since) => File.Exists($"{site.Folder}/healthy.{since}");

    private static void Kill(int process)
    {
        try
        {
            Process.GetProcessById(process).Kill();
        }
        catch (ArgumentException)
        {
            // It is gone already.
        }
    }

    private static Process Start(ClusterSite site, Digest bundle, long since)
    {
        var self = typeof(KilledClusterAgentTests).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", ["exec", self]);
        start.Environment["DOTNET_STARTUP_HOOKS"] = self;
        start.Environment["CAPILLARY_TEST_AGENT"] = site.Folder;
        start.Environment[Kubeconfig] = site.Cluster.KubeconfigPath;
        start.Environment["CAPILLARY_TEST_BUNDLE"] = bundle.Text;
        start.Environment["CAPILLARY_TEST_SINCE"] = since.ToString();
        return Process.Start(start)!;
    }
}
