using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A technician with a wrong file gets one clear sentence, and nothing else happens.</summary>
public sealed class JoinTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    [Fact]
    public async Task Promise8_WrongCode_IsRefused()
    {
        var file = await ChangedAsync(json => json["code"] = "A0SSR-KPEAS-6CBT6-R0TAY83");
        await RefusedAsync(file, "code");
    }

    [Fact]
    public async Task Promise8_UsedCode_IsRefused() =>
        await RefusedAsync(Path.Combine(Fleet.Folder, $"{Poct}.join"),
            $"this join code was used already; make a new one: capillary site enroll {Poct}");

    [Fact]
    public async Task Promise8_FileOfAnotherFleet_IsRefused()
    {
        var other = Path.Combine(Fleet.Folder, $"other-hub-{Guid.NewGuid():N}");
        var made = await Fleet.CapillaryAsync(Stop, "hub", "init", "--data", other, "--fleet", "other-fleet");
        var root = made.Split('\n').First(line => line.StartsWith("trust root", StringComparison.Ordinal)).Split(' ')[^1];
        var file = await ChangedAsync(json => (json["fleet"], json["trustRoot"]) = ("other-fleet", root));
        await RefusedAsync(file, "serves fleet 'medical-edge', and the join file is of fleet 'other-fleet'");
    }

    [Fact]
    public async Task Promise8_ForeignTrustRoot_IsRefusedByTheSite()
    {
        var file = await ChangedAsync(json => json["trustRoot"] = $"sha256:{new string('0', 64)}");
        await RefusedAsync(file, "does not lead to the hub that made the join file");
    }

    [Fact]
    public async Task Promise8_FileOfARegion_IsRefusedByTheAgent() =>
        await RefusedAsync(Path.Combine(Fleet.Folder, "eu-central.join"), "capillary region join");

    [Fact]
    public async Task Promise8_FileThatIsNoJoinFile_IsRefused()
    {
        var file = Path.Combine(Fleet.Folder, $"{Guid.NewGuid():N}.join");
        await File.WriteAllTextAsync(file, "{ \"v\": 1, ");
        await RefusedAsync(file, file);
    }

    /// <summary>A fresh join file of a site that has joined, with something changed in it.</summary>
    private async Task<string> ChangedAsync(Action<JsonNode> change)
    {
        var file = Path.Combine(Fleet.Folder, $"{Guid.NewGuid():N}.join");
        var first = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(Fleet.Folder, $"{Poct}.join")))!;
        var parent = first["parents"]![0]!.GetValue<string>();
        await CliAsync("site", "enroll", Poct, "--parent", parent, "--out", file);
        var json = JsonNode.Parse(await File.ReadAllBytesAsync(file))!;
        change(json);
        await File.WriteAllTextAsync(file, json.ToJsonString());
        return file;
    }

    private async Task RefusedAsync(string file, string says)
    {
        var home = Path.Combine(Fleet.Folder, $"joining-{Guid.NewGuid():N}");
        var run = await NodeProcess.TryRunAsync(Fleet.Binaries.Edge, ["join", file, "--data", home], Stop);
        Say(run.Errors);
        Assert.Equal(1, run.Code);
        Assert.Contains(says, run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(home, "node.json")));
        var refused = await NodeProcess.TryRunAsync(Fleet.Binaries.Edge, ["run", "--data", home], Stop);
        Assert.Equal(1, refused.Code);
        Assert.Equal("healthy", (await RowsAsync())[Poct].GetProperty("state").GetString());
    }
}
