using System.CommandLine;
using System.Text.Json;
using Capillary.Cli;
using Capillary.Core.Identity;
using Capillary.Tests.HubNode;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>The ceremony of a fleet with 2 of 3 root keys, and new keys on command, against a real hub in this process.</summary>
public sealed class TrustCliTests : IAsyncLifetime
{
    private readonly TempFolder folder = new();
    private readonly TempFolder sticks = new();
    private readonly TestCommits commits = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(1));
    private TestHub hub = null!;
    private Task running = Task.CompletedTask;

    private string Anna => sticks.Of("anna.pem");

    private string Ben => sticks.Of("ben.pem");

    private string Carla => sticks.Of("carla.pem");

    public async Task InitializeAsync()
    {
        foreach (var file in (string[])[Anna, Ben, Carla]) await DoneAsync("trust", "key", "--out", file);
        await DoneAsync("trust", "init", "--data", folder.Path, "--fleet", "labs", "--threshold", "2", "--root-key", Anna, "--root-key", Ben,
            "--root-key", Carla + ".pub");
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits, null, options => options with { ApiListen = new(System.Net.IPAddress.Loopback, 0) });
        await hub.SettleAsync();
        running = hub.Hub.RunAsync(stop.Token);
        await hub.Hub.ApiListening.WaitAsync(stop.Token);
    }

    [Fact]
    public async Task Two_of_three_sign_one_after_the_other_and_the_root_keys_are_not_at_the_hub()
    {
        Assert.False(File.Exists(Path.Combine(folder.Path, "keys", "root.pem")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Anna));
        var file = sticks.Of("next.json");
        var said = await DoneAsync("trust", "rotate", "--release", "--beacon", "--sign", Anna, "--out", file);
        Assert.Contains("1 of 2 root keys of version 1 have signed", said, StringComparison.Ordinal);
        Assert.Contains($"capillary trust sign {file} --key KEYFILE", said, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        Assert.Contains("1 of 2", await FailAsync("trust", "submit", file), StringComparison.Ordinal);
        Assert.Single(hub.Hub.Cell.Value.TrustRoots);
        said = await DoneAsync("trust", "sign", file, "--key", Carla);
        Assert.Contains("+ release key", said, StringComparison.Ordinal);
        Assert.Contains($"capillary trust submit {file}", said, StringComparison.Ordinal);
        Assert.Contains("version 2 is in force", await DoneAsync("trust", "submit", file), StringComparison.Ordinal);
        // Submitted twice is submitted once.
        Assert.Contains("version 2 is in force", await DoneAsync("trust", "submit", file), StringComparison.Ordinal);
        Assert.Equal(2, hub.Hub.Cell.Value.TrustRoots.Count);
        var shown = JsonSerializer.Deserialize<JsonElement>(await DoneAsync("trust", "show", "-o", "json")).GetProperty("versions");
        Assert.Equal((2, 3), (shown.GetArrayLength(), shown[1].GetProperty("rootKeys").GetArrayLength()));
        Assert.NotEqual(shown[0].GetProperty("releaseKeys")[0].GetString(), shown[1].GetProperty("releaseKeys")[0].GetString());
        Assert.Contains("2 of 3 root keys sign", await DoneAsync("trust", "show"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_root_keys_come_in_at_once_when_all_sign()
    {
        var dora = sticks.Of("dora.pem");
        await DoneAsync("trust", "key", "--out", dora);
        Assert.Contains("version 2 is in force", await DoneAsync("trust", "rotate", "--threshold", "1", "--root-key", dora + ".pub",
            "--sign", Anna, "--sign", Ben, "--sign", dora), StringComparison.Ordinal);
        Assert.Contains("version 3 is in force", await DoneAsync("trust", "rotate", "--beacon", "--sign", dora), StringComparison.Ordinal);
        Assert.Contains("is a root key neither of version 3 nor of 4", await FailAsync("trust", "rotate", "--beacon", "--sign", Anna),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mistakes_are_said_in_one_line()
    {
        Assert.Contains("nothing is to change", await FailAsync("trust", "rotate"), StringComparison.Ordinal);
        Assert.Contains("the threshold is 1 to 3", await FailAsync("trust", "rotate", "--threshold", "4"), StringComparison.Ordinal);
        Assert.Contains("the threshold is 1 to 1", await FailAsync("trust", "rotate", "--root-key", Anna), StringComparison.Ordinal);
        Assert.Contains("only the public half", await FailAsync("trust", "rotate", "--beacon", "--sign", Anna + ".pub"), StringComparison.Ordinal);
        Assert.Contains("no such file", await FailAsync("trust", "rotate", "--beacon", "--sign", "/nowhere.pem"), StringComparison.Ordinal);
        Assert.Contains("is not a file of", await FailAsync("trust", "sign", Anna, "--key", Anna), StringComparison.Ordinal);
        Assert.Contains("is there already", await FailAsync("trust", "key", "--out", Anna), StringComparison.Ordinal);
        File.SetUnixFileMode(Ben, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", await FailAsync("trust", "rotate", "--beacon", "--sign", Ben), StringComparison.Ordinal);
        Assert.Contains("holds a hub already", await FailAsync("trust", "init", "--data", folder.Path, "--fleet", "labs", "--threshold", "1",
            "--root-key", Anna), StringComparison.Ordinal);
        Assert.Contains("2 private root keys, 1 are given", await FailAsync("trust", "init", "--data", sticks.Of("hub"), "--fleet", "labs",
            "--threshold", "2", "--root-key", Anna, "--root-key", Carla + ".pub"), StringComparison.Ordinal);
        Assert.Contains("no site 'x' is enrolled", await FailAsync("site", "rotate-key", "x"), StringComparison.Ordinal);
        Assert.Contains("write 1m to 3653d", await FailAsync("hub", "run", "--repo", ".", "--key-lifetime", "soon"), StringComparison.Ordinal);
        Assert.Contains("use newest, oldest or none", await FailAsync("region", "run", "--two-sessions", "me"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_asked_for_and_shown()
    {
        using var key = hub.Enroll("a");
        Assert.Contains("a is asked for a new key since", await DoneAsync("site", "rotate-key", "a"), StringComparison.Ordinal);
        Assert.Contains("a is asked for a new key since", await DoneAsync("site", "rotate-key", "a"), StringComparison.Ordinal);
        Assert.Equal(2, hub.Hub.Cell.Value.Records[new NodeName("a")].Record.Version);
        Assert.Contains("a new one asked for since", await DoneAsync("site", "show", "a"), StringComparison.Ordinal);
        Assert.Contains("the hub's key is", await DoneAsync("hub", "rotate-key"), StringComparison.Ordinal);
        Assert.Equal(2, hub.Hub.Cell.Value.OwnRecord.Record.Version);
    }

    private async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, error) = await CliAsync(arguments);
        Assert.Equal((0, ""), (code, error));
        return output;
    }

    private async Task<string> FailAsync(params string[] arguments)
    {
        var (code, _, error) = await CliAsync(arguments);
        Assert.NotEqual(0, code);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        return error;
    }

    private async Task<(int Code, string Output, string Error)> CliAsync(string[] arguments)
    {
        var root = new RootCommand
        {
            HubCommand.Create(), SiteCommand.Create(), RegionCommand.Create(), TrustCommand.Create(), JournalCommand.Create(),
        };
        var asks = arguments is ["trust", "rotate" or "submit" or "show", ..] or ["site", ..] or ["journal", ..] or ["hub", "rotate-key"];
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandRun.InvokeAsync(root, asks ? [.. arguments, "--socket", folder.Of("api.sock")] : arguments,
            new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        hub.Dispose();
        folder.Dispose();
        sticks.Dispose();
        stop.Dispose();
    }
}
