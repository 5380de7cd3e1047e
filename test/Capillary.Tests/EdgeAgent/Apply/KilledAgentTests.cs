using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.Tests.Core.Apply;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply
{
    /// <summary>A real agent process that is killed at any moment while it applies one bundle after another.</summary>
    [SupportedOSPlatform("linux")]
    public sealed class KilledAgentTests
    {
        private const int Rounds = 14;

        [Fact]
        public async Task Promise2_killed_at_any_moment_it_ends_with_the_last_bundle_and_one_process_per_service()
        {
            await using var site = new HostSite();
            TestApp App(string v) => new TestApp("a").File("f", "etc/f", v).File("g", $"v{v}/g", v).Service("s", "me", ["sleep", "1000"]);
            Digest[] bundles =
            [
                site.Bundles.Bundle(App("1"), new TestApp("one").Service("s", "me", ["sleep", "1001"])),
                site.Bundles.Bundle(App("2"), new TestApp("two").Service("s", "me", ["sleep", "1002"])),
            ];
            var random = new Random(9);
            for (var round = 0; round < Rounds; round++)
            {
                using var agent = Start(site, bundles[round % 2], round + 1);
                await site.UntilAsync(() => File.Exists(Ready(site)));
                File.Delete(Ready(site));
                await Task.Delay(random.Next(0, 600)); // the moment of the kill, not a wait for something
                agent.Kill();
                await agent.WaitForExitAsync();
            }
            using var last = Start(site, bundles[1], Rounds + 1);
            await site.UntilAsync(() => File.Exists($"{Ready(site)}.healthy.{Rounds + 1}"));
            last.Kill();
            await last.WaitForExitAsync();
            Assert.Equal("2", File.ReadAllText(site.In("etc/f")));
            Assert.Equal(["etc", "v2"], Directory.GetDirectories(site.Root).Select(Path.GetFileName).Where(n => n![0] != '.').Order());
            Assert.Equal(["a/s", "two/s"], Marked($"{ProcTable.MarkVariable}={Site(site.Folder)}/").Order());
        }

        internal static void RunAgent(string folder)
        {
            var blobs = new TestBundles($"{folder}/blobs");
            var options = new HostApplyOptions
            {
                Site = Site(folder),
                StateFolder = $"{folder}/state",
                Roots = [$"{folder}/root"],
                Users = new Dictionary<string, string> { ["me"] = Environment.UserName },
                AllowRoot = true,
                SpaceMargin = 0,
                Beat = TimeSpan.FromMilliseconds(20),
                DriftInterval = TimeSpan.FromMilliseconds(100),
            };
            var host = HostSite.Apply(options, blobs.PathOf, _ => new FetchOutcome.Ready());
            var since = long.Parse(Environment.GetEnvironmentVariable("CAPILLARY_TEST_SINCE")!);
            host.Changed += () =>
            {
                if (host.Status.Phase == ApplyPhase.Healthy && host.Status.Since == since)
                    File.WriteAllText($"{folder}/ready.healthy.{since}", "");
            };
            host.Assign(new DesiredBundle(Digest.Parse(Environment.GetEnvironmentVariable("CAPILLARY_TEST_BUNDLE")!), null, since));
            File.WriteAllText($"{folder}/ready", "");
            host.RunAsync(CancellationToken.None).GetAwaiter().GetResult();
        }

        private static string Site(string folder) => "kill-" + Digest.Of(Encoding.UTF8.GetBytes(folder)).Hex[..12];

        private static string Ready(HostSite site) => $"{site.Folder}/ready";

        private static Process Start(HostSite site, Digest bundle, long since)
        {
            // The test assembly itself, entered by its startup hook: a process of our own to kill, without another project.
            var self = typeof(KilledAgentTests).Assembly.Location;
            var start = new ProcessStartInfo("dotnet", ["exec", self]);
            start.Environment["DOTNET_STARTUP_HOOKS"] = self;
            start.Environment["CAPILLARY_TEST_AGENT"] = site.Folder;
            start.Environment["CAPILLARY_TEST_BUNDLE"] = bundle.Text;
            start.Environment["CAPILLARY_TEST_SINCE"] = since.ToString();
            return Process.Start(start)!;
        }

        /// <summary>app/name of each running process that carries a mark of this site.</summary>
        private static List<string> Marked(string mark)
        {
            var found = new List<string>();
            foreach (var folder in Directory.GetDirectories("/proc").Where(path => char.IsDigit(path[^1])))
            {
                try
                {
                    var text = File.ReadAllText($"{folder}/environ");
                    if (text.Split('\0').FirstOrDefault(entry => entry.StartsWith(mark, StringComparison.Ordinal)) is { } entry)
                        found.Add(entry[mark.Length..entry.LastIndexOf('/')]);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It ended meanwhile.
                }
            }
            return found;
        }
    }
}

/// <summary>Called by the runtime before Main when DOTNET_STARTUP_HOOKS names this assembly; see <c>KilledAgentTests</c>.</summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("CAPILLARY_TEST_AGENT") is not { } folder) return;
        if (Environment.GetEnvironmentVariable(Capillary.Tests.EdgeAgent.Apply.Kubernetes.KilledClusterAgentTests.Kubeconfig) is { } cluster)
            Capillary.Tests.EdgeAgent.Apply.Kubernetes.KilledClusterAgentTests.RunAgent(folder, cluster);
        else Capillary.Tests.EdgeAgent.Apply.KilledAgentTests.RunAgent(folder);
    }
}
