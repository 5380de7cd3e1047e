using System.CommandLine;
using System.Text.Json;
using Capillary.Cli;
using Capillary.Core.Identity;
using Capillary.Node.Hosting;
using Capillary.Tests.HubNode;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>The commands that ask a hub, against a real one in this process.</summary>
public sealed class HubCliTests : IAsyncLifetime
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(1));
    private TestHub hub = null!;
    private Task running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits, null, options => options with { ApiListen = new(System.Net.IPAddress.Loopback, 0) });
        await hub.SettleAsync();
        running = hub.Hub.RunAsync(stop.Token);
        await hub.Hub.ApiListening.WaitAsync(stop.Token);
    }

    [Fact]
    public async Task Sites_are_listed_in_three_formats()
    {
        var (code, json, _) = await RunAsync("site", "list", "-o", "json");
        Assert.Equal(0, code);
        Assert.Equal("a", JsonSerializer.Deserialize<JsonElement>(json)[0].GetProperty("site").GetString());
        var (_, yaml, _) = await RunAsync("site", "list", "-o", "yaml");
        Assert.StartsWith("- site: a\n  region: eu\n  state: pending\n", yaml, StringComparison.Ordinal);
        var (_, table, _) = await RunAsync("site", "list", "--state", "pending");
        Assert.Equal(3, table.TrimEnd('\n').Split('\n').Length);
        var (_, none, _) = await RunAsync("site", "list", "--region", "us", "-o", "json");
        Assert.Equal("[]\n", none);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("release", "list")]
    [InlineData("release", "show", "1")]
    [InlineData("rollout", "list")]
    [InlineData("rollout", "show")]
    [InlineData("region", "list")]
    [InlineData("site", "show", "a")]
    [InlineData("site", "list", "--waiting")]
    [InlineData("site", "list", "--undeclared")]
    [InlineData("hub", "resume")]
    [InlineData("journal", "list")]
    [InlineData("sync")]
    public async Task Every_listing_has_every_format(params string[] command)
    {
        foreach (var format in (string[])["table", "json", "yaml"])
        {
            var (code, output, error) = await RunAsync([.. command, "-o", format]);
            Assert.Equal((0, ""), (code, error));
            Assert.NotEmpty(output);
            if (format == "json") JsonSerializer.Deserialize<JsonElement>(output);
        }
    }

    [Fact]
    public async Task A_rollout_is_paused_and_aborted_and_shown_so()
    {
        var (_, paused, _) = await RunAsync("rollout", "pause", "--reason", "the ward is full");
        Assert.Equal("rollout 1 is paused: sites that have their lines finish, no other starts\n", paused);
        var (code, _, error) = await RunAsync("rollout", "pause");
        Assert.Equal((1, "capillary: rollout 1 is paused already, by local\n"), (code, error));
        await RunAsync("rollout", "abort", "--reason", "not today");
        var shown = "";
        while (!shown.StartsWith("rollout 1 aborted: aborted by local: not today\n  wave all: started, 0 of 2 healthy, 2 absent\n",
            StringComparison.Ordinal))
        {
            await Task.Delay(20, stop.Token);
            (_, shown, _) = await RunAsync("rollout", "show");
        }
        var (_, journal, _) = await RunAsync("journal", "list");
        Assert.Contains("rollout.abort", journal, StringComparison.Ordinal);
        // Nobody can be heard, so nobody completes it.
        var (_, started, _) = await RunAsync("rollout", "start");
        Assert.StartsWith("rollout 2 of release 1 is under way: 2 sites; it takes the place of rollout 1", started, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no site 'a' with a record; see: capillary site list", "site", "revoke", "a", "--reason", "stolen")]
    [InlineData("the fleet repository declares 'a'; remove sites/eu/a.yaml first", "site", "retire", "a")]
    [InlineData("no hardware has the name 'a' yet; let the first one in: capillary site enroll a", "site", "replace", "a")]
    [InlineData("there is no site 'a' with a record", "site", "move", "a", "--region", "us")]
    [InlineData("'a' reports no hold that is past its max (HoldOverdue) on its line of generation 1; what it says: capillary site show a",
        "site", "override-hold", "a", "--reason", "why")]
    [InlineData("rollout 1 of release 1 is rolling already; see: capillary rollout show", "rollout", "start")]
    [InlineData("release 1 has no rollout policy 'quick'; it has: default", "rollout", "start", "--policy", "quick")]
    [InlineData("no release was reached before release 1; name one: capillary rollout rollback --to RELEASE", "rollout", "rollback")]
    [InlineData("release 77 is not older than release 1; see: capillary release list", "rollout", "rollback", "--to", "77")]
    [InlineData("no wave of rollout 1 waits for a yes; see: capillary rollout show", "rollout", "approve")]
    [InlineData("wave 'canary' of rollout 1 does not wait for a yes", "rollout", "approve", "canary")]
    [InlineData("rollout 1 is not paused; see: capillary rollout show", "rollout", "resume", "--wait")]
    [InlineData("nobody waits as 'a'; see: capillary site list --waiting", "site", "approve", "a")]
    [InlineData("nobody waits as 'eu'", "region", "deny", "eu")]
    [InlineData("'xyz' is not the beginning of a key's id; 8 to 64 hexadecimal digits", "site", "approve", "a", "--key", "xyz")]
    [InlineData("'nowhere' is not being retired", "site", "retire", "nowhere", "--cancel")]
    [InlineData("--force and --cancel exclude each other", "site", "retire", "a", "--cancel", "--force")]
    public async Task Promise8_a_life_that_cannot_be_is_refused_with_what_to_do(string text, params string[] command)
    {
        var (code, output, error) = await RunAsync(command);
        Assert.True(code is 1 or 2, output);
        Assert.Contains(text, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_join_file_holds_all_that_a_node_needs()
    {
        var file = folder.Of("a.join");
        var (code, _, error) = await RunAsync("site", "enroll", "a", "--out", file, "--parent", "eu.example.org:443");
        Assert.Equal((0, ""), (code, error));
        var join = JoinFile.Read(file);
        Assert.Equal(("labs", "a", NodeKind.Site), (join.Fleet.Value, join.Node.Value, join.Kind));
        Assert.Equal(["eu.example.org:443"], join.Parents);
        Assert.Equal(hub.Hub.Cell.Value.TrustRoots[0].Digest, join.TrustRoot);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var (_, json, _) = await RunAsync("site", "enroll", "b", "-o", "json");
        Assert.Equal("hub.example.org:443", JsonSerializer.Deserialize<JsonElement>(json).GetProperty("parents")[0].GetString());
    }

    [Fact]
    public async Task Another_machine_calls_with_a_token_and_a_pin()
    {
        var (_, token, _) = await RunAsync("operator", "add", "ada", "--role", "viewer");
        var file = folder.Of("token");
        await File.WriteAllTextAsync(file, token);
        var url = $"https://{await hub.Hub.ApiListening}";
        string[] remote = ["--hub", url, "--token-file", file, "--pin", hub.Hub.ApiPin];
        Assert.Equal(0, (await CliAsync(["site", "list", .. remote])).Code);
        var (code, _, error) = await CliAsync(["site", "enroll", "a", .. remote]);
        Assert.Equal(1, code);
        Assert.Contains("role viewer of ada does not allow this", error, StringComparison.Ordinal);
        (code, _, error) = await CliAsync(["site", "list", "--hub", url, "--token-file", file, "--pin", new string('0', 64)]);
        Assert.Equal(1, code);
        Assert.Contains("no hub with the pinned key", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "there is no site 'x'", "site", "show", "x")]
    [InlineData(1, "not declared", "site", "enroll", "x")]
    [InlineData(1, "no hub answers", "status", "--socket", "/nowhere/api.sock")]
    [InlineData(2, "needs --token-file", "status", "--hub", "https://localhost:1")]
    [InlineData(2, "not a URL", "status", "--hub", "localhost")]
    [InlineData(2, "is not an address", "site", "enroll", "a", "--parent", "nowhere")]
    [InlineData(1, "is not a role", "operator", "add", "ada", "--role", "king")]
    [InlineData(2, "--poll-ms is 100 to 3600000", "hub", "run", "--repo", ".", "--poll-ms", "5")]
    [InlineData(2, "--fresh-for is 35 to 2592000 seconds", "hub", "run", "--repo", ".", "--fresh-for", "30")]
    [InlineData(2, "--offline-after is more than --fresh-for", "hub", "run", "--repo", ".", "--offline-after", "90")]
    [InlineData(2, "--gate-host https://a.example.org is not HOST or HOST:PORT", "hub", "run", "--repo", ".", "--gate-host",
        "https://a.example.org")]
    [InlineData(2, "localhost:1 is not ADDRESS:PORT", "hub", "run", "--repo", ".", "--listen", "localhost:1")]
    [InlineData(1, "no such folder; join first", "region", "run", "--data", "/nowhere/region")]
    [InlineData(1, "no such file; make it", "region", "join", "/nowhere/eu.join")]
    [InlineData(1, "is mistyped", "region", "join", "AAAAA", "--parent", "hub")]
    [InlineData(1, "no node has joined in this folder", "region", "doctor", "--data", "/nowhere/region")]
    [InlineData(1, "is the USB stick mounted?", "region", "doctor", "/nowhere/eu.join")]
    [InlineData(1, "no such folder; join first", "region", "status", "--data", "/nowhere/region")]
    [InlineData(1, "no region node has joined", "region", "status", "--data", "/usr")]
    [InlineData(1, "is not ADDRESS:PORT", "region", "install", "--print", "--listen", "443")]
    [InlineData(1, "is no name of an account", "region", "install", "--print", "--user", "a b")]
    public async Task An_error_is_one_line_that_says_what_to_do(int expected, string text, params string[] command)
    {
        var asksNoHub = command.Contains("--socket") || command[0] == "hub" || command is ["region", "run" or "join" or "doctor" or "status" or "install", ..];
        var (code, _, error) = asksNoHub ? await CliAsync(command) : await RunAsync(command);
        Assert.Equal(expected, code);
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("-o xml: there is no such format; use table, json, yaml", "site", "list", "-o", "xml")]
    [InlineData("--state well: there is no such state; use retired, revoked,", "site", "list", "--state", "well")]
    [InlineData("'one' is not a whole number (show)", "release", "show", "one")]
    [InlineData("'soon' is not a whole number (--minutes)", "site", "enroll", "a", "--minutes", "soon")]
    public async Task A_wrong_argument_is_said_in_plain_words_and_points_to_the_help(string text, params string[] command)
    {
        var (code, output, error) = await RunAsync(command);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"capillary: {text}", error, StringComparison.Ordinal);
        Assert.EndsWith($"{command[0]} {command[1]} --help", error.TrimEnd(), StringComparison.Ordinal);
        Assert.DoesNotContain("System.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_of_a_regions_own_commands_is_golden()
    {
        var helps = new List<string>();
        foreach (var command in (string[])["doctor", "join", "install", "status", "uninstall", "run"])
            helps.Add((await CliAsync(["region", command, "--help"])).Output.Replace("testhost region", "capillary region", StringComparison.Ordinal));
        GoldenFile.CheckText(GoldenFile.PathOf("region-help").Replace("/golden/", "/Golden/", StringComparison.Ordinal), string.Concat(helps));
    }

    [Fact]
    public async Task A_region_does_not_run_on_a_sites_folder()
    {
        var home = new NodeHome(folder.Of("site"));
        var record = hub.Hub.Cell.Value.OwnRecord.Envelope;
        home.KeepJoined(new(1, hub.Hub.Fleet, new("a"), NodeKind.Site, new("eu"), ["127.0.0.1:1"], 1), record, hub.Hub.Cell.Value.TrustRoots);
        var (code, _, error) = await CliAsync(["region", "run", "--data", home.Folder, "--listen", "127.0.0.1:0"]);
        Assert.Equal(1, code);
        Assert.Contains("'a' joined as a site; run it with: capillary-edge run", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_is_made_once()
    {
        var data = folder.Of("another");
        var (code, output, _) = await CliAsync(["hub", "init", "--data", data, "--fleet", "wards"]);
        Assert.Equal(0, code);
        Assert.Contains("trust root sha256:", output, StringComparison.Ordinal);
        var (again, _, error) = await CliAsync(["hub", "init", "--data", data, "--fleet", "wards"]);
        Assert.Equal(1, again);
        Assert.Contains("holds a hub already", error, StringComparison.Ordinal);
        (code, _, error) = await CliAsync(["hub", "run", "--data", folder.Of("none"), "--repo", ".", "--listen", "127.0.0.1:0"]);
        Assert.Equal(1, code);
        Assert.Contains("capillary hub init", error, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        CliAsync([.. arguments, "--socket", folder.Of("api.sock")]);

    private static async Task<(int Code, string Output, string Error)> CliAsync(string[] arguments)
    {
        var root = new RootCommand
        {
            HubCommand.Create(), SiteCommand.Create(), RegionCommand.Create(), ReleaseCommand.Create(), StatusCommand.Create(),
            OperatorCommand.Create(), JournalCommand.Create(), SyncCommand.Create(), RolloutCommand.Create(),
        };
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandRun.InvokeAsync(root, arguments, new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        hub.Dispose();
        folder.Dispose();
        stop.Dispose();
    }
}
