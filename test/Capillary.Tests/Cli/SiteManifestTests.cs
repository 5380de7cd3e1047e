using System.CommandLine;
using System.Text.Json;
using Capillary.Cli;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Node.Hosting;
using Capillary.Tests.HubNode;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary><c>capillary site manifest</c>: what a technician applies to a cluster.</summary>
public sealed class SiteManifestTests : IAsyncLifetime
{
    private const string Join = """{"v":1,"fleet":"wards","node":"lyon-1","code":"ABCD"}""";
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(1));
    private TestHub hub = null!;
    private Task running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        commits.Platforms["a"] = SitePlatform.Kubernetes;
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits, null, options => options with { ApiListen = new(System.Net.IPAddress.Loopback, 0) });
        await hub.SettleAsync();
        running = hub.Hub.RunAsync(stop.Token);
        await hub.Hub.ApiListening.WaitAsync(stop.Token);
    }

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        hub.Dispose();
        stop.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void The_objects_are_golden()
    {
        var manifest = new AgentManifest("lyon-1", "registry.example.org/capillary-edge:0.1.0", "capillary-system");
        Golden("site-manifest", SiteManifestCommand.Text(manifest.Objects(Join), ManifestFormat.Yaml));
        Golden("site-manifest-host-path", SiteManifestCommand.Text((manifest with
        {
            HostPath = "/var/lib/capillary", IsOpenShift = true, Namespace = "edge",
        }).Objects(Join), ManifestFormat.Yaml));
    }

    [Fact]
    public void Rights_are_the_verbs_that_are_used_and_no_others()
    {
        var role = new AgentManifest("a", "i", "n").Objects(Join).Single(item => item.GetProperty("kind").GetString() == "ClusterRole");
        var verbs = role.GetProperty("rules").EnumerateArray().SelectMany(rule => rule.GetProperty("verbs").EnumerateArray())
            .Select(verb => verb.GetString()).ToHashSet();
        Assert.Equal(new HashSet<string?> { "get", "list", "watch", "create", "patch", "delete" }, verbs);
    }

    [Fact]
    public async Task Help_is_golden()
    {
        var (_, help, _) = await RunAsync("site", "manifest", "--help");
        Golden("site-manifest-help", help.Replace("testhost site", "capillary site", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_join_file_in_it_is_the_one_of_enroll()
    {
        var file = Path.Combine(folder.Path, "a.yaml");
        var (code, said, error) = await RunAsync("site", "manifest", "a", "--image", "x/capillary-edge:1", "--parent", "eu.example.org:443",
            "--proxy", "http://ward:pw@proxy.example.org:3128", "--minutes", "30", "--out", file);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("kubectl apply -f", said, StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode(file));
        var (_, json, note) = await RunAsync("site", "manifest", "a", "--image", "x/capillary-edge:1", "--parent", "eu.example.org:443",
            "--storage-class", "fast", "-o", "json");
        Assert.Contains("good once until", note, StringComparison.Ordinal);
        var list = JsonSerializer.Deserialize<JsonElement>(json);
        Assert.Equal("List", list.GetProperty("kind").GetString());
        var secret = list.GetProperty("items").EnumerateArray().Single(item => item.GetProperty("kind").GetString() == "Secret");
        var join = Path.Combine(folder.Path, "a.join");
        await File.WriteAllTextAsync(join, secret.GetProperty("stringData").GetProperty("a.join").GetString(), stop.Token);
        var read = JoinFile.Read(join);
        Assert.Equal((new NodeName("a"), NodeKind.Site, "eu.example.org:443"), (read.Node, read.Kind, read.Parents.Single()));
    }

    [Theory]
    [InlineData(1, "declares site 'b' with platform host, not kubernetes", "site", "manifest", "b", "--image", "i", "--parent", "h:1")]
    [InlineData(1, "let it in with: capillary site enroll b", "site", "manifest", "b", "--image", "i", "--parent", "h:1")]
    [InlineData(1, "site 'x' is not declared", "site", "manifest", "x", "--image", "i", "--parent", "h:1")]
    [InlineData(2, "--image", "site", "manifest", "a")]
    [InlineData(2, "is not a namespace", "site", "manifest", "a", "--image", "i", "--namespace", "A")]
    [InlineData(2, "is not a size", "site", "manifest", "a", "--image", "i", "--storage", "much")]
    [InlineData(2, "is not an absolute path", "site", "manifest", "a", "--image", "i", "--host-path", "data")]
    [InlineData(2, "is not an address", "site", "manifest", "a", "--image", "i", "--parent", "nowhere")]
    public async Task What_cannot_be_is_said_with_what_to_do(int expected, string says, params string[] command)
    {
        var (code, _, error) = await RunAsync(command);
        Assert.Equal(expected, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    private static void Golden(string name, string text) =>
        GoldenFile.CheckText(GoldenFile.PathOf(name).Replace("/golden/", "/Golden/", StringComparison.Ordinal), text);

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] command)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        string[] socket = command.Contains("--help") ? [] : ["--socket", Path.Combine(folder.Path, "api.sock")];
        var code = await CommandRun.InvokeAsync(new RootCommand { SiteCommand.Create() }, [.. command, .. socket],
            new() { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
