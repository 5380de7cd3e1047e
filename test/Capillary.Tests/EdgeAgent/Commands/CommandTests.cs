using System.Text.Json;
using Capillary.Cli;
using Capillary.EdgeAgent.Commands;
using Capillary.Node.Child;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Commands;

/// <summary>What a technician reads, and what becomes of mistyped command lines.</summary>
public sealed class CommandTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Help_is_golden() =>
        GoldenFile.Check("help", string.Join("\n\n", EdgeOptions.Commands.Where(command => command != "version").Prepend("").Select(Usage.Of)) + "\n");

    [Fact]
    public void Units_are_golden()
    {
        GoldenFile.Check("edge-unit", EdgeUnit.Text("/usr/local/bin/capillary-edge", "/var/lib/capillary-edge"));
        GoldenFile.Check("region-unit", RegionUnit.Text("/usr/local/bin/capillary", "/var/lib/capillary-region", "0.0.0.0:443", "capillary"));
        Assert.Contains("ExecStart=\"/opt/my bin/capillary-edge\" run --data /srv/100%%",
            EdgeUnit.Text("/opt/my bin/capillary-edge", "/srv/100%"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data needs a value", "run", "--data")]
    [InlineData("there is no option '--dat'", "run", "--dat", "x")]
    [InlineData("'b' is one argument too many", "join", "a", "b")]
    [InlineData("--user lab: expected NAME=ACCOUNT", "join", "a", "--user", "lab")]
    [InlineData("--max 59s: expected 1m to 24h", "hold", "--reason", "r", "--max", "59s")]
    [InlineData("--max 25h: expected 1m to 24h", "hold", "--reason", "r", "--max", "25h")]
    [InlineData("--max 2: expected 1m to 24h", "hold", "--reason", "r", "--max", "2")]
    [InlineData("--max 99999999999h: expected 1m to 24h", "hold", "--reason", "r", "--max", "99999999999h")]
    [InlineData("-o yaml: there is no such format", "status", "-o", "yaml")]
    public void A_mistyped_command_line_is_said_in_words(string says, params string[] arguments) =>
        Assert.StartsWith(says, EdgeOptions.Parse(arguments).Wrong, StringComparison.Ordinal);

    [Fact]
    public void Every_option_is_read()
    {
        var options = EdgeOptions.Parse(["join", "-", "--parent", "a", "--parent", "b:1", "--user", "lab=labuser", "--root", "/srv", "--allow-root",
            "--proxy", "http://p:1", "--proxy-password-file", "f", "--max-rate", "2MB/s", "--quiet-hours", "07:00-19:00", "--data", "/d"]);
        Assert.Null(options.Wrong);
        Assert.Equal(("-", "/d", "http://p:1", "f", "2MB/s", "07:00-19:00", true), (options.File, options.Data, options.Proxy,
            options.ProxyPasswordFile, options.MaxRate, options.QuietHours, options.AllowRoot));
        Assert.Equal(["a", "b:1"], options.Parents);
        Assert.Equal("labuser", options.Users["lab"]);
    }

    [Fact]
    public void Every_option_of_a_hold_is_read()
    {
        var options = EdgeOptions.Parse(["hold", "--reason", "run in progress", "--name", "run", "--max", "90m", "--data", "/d", "-o", "json"]);
        Assert.Null(options.Wrong);
        Assert.Equal(("run in progress", "run", 5400, "/d", true), (options.Reason, options.Name, options.MaxSeconds, options.Data, options.Json));
        Assert.True(EdgeOptions.Parse(["hold", "--list"]).List);
    }

    [Theory]
    [InlineData(true, true, "held", "OnItsWay")]
    [InlineData(true, true, "healthy", "Well")]
    [InlineData(true, true, "progressing", "OnItsWay")]
    [InlineData(true, true, "idle", "OnItsWay")]
    [InlineData(true, true, null, "OnItsWay")]
    [InlineData(true, true, "reverted", "NeedsALook")]
    [InlineData(true, true, "degraded", "NeedsALook")]
    [InlineData(true, false, "healthy", "NeedsALook")]
    [InlineData(false, true, "healthy", "NeedsALook")]
    public void Only_a_running_linked_healthy_site_is_well(bool runs, bool linked, string? phase, string state) =>
        Assert.Equal(state, $"{Look(runs, new LinkStatus(linked, Now, null), phase).Judge().State}");

    [Fact]
    public void Status_is_golden()
    {
        var down = new LinkStatus(false, Now.AddHours(-3), "connection refused (127.0.0.1:443)");
        var texts = ((SiteLook[])[Look(true, new LinkStatus(true, Now.AddDays(-4), null), "healthy"), Look(true, down, "healthy"),
            Look(false, new LinkStatus(true, Now, null), "reverted"), Look(true, null, null)]).Select(look => SiteLookText.ToText(look, Now));
        GoldenFile.Check("status", string.Join("\n\n", texts) + "\n");
        GoldenFile.Check("status-json", SiteLookText.ToJson(Look(true, down, "healthy")) + "\n");
    }

    private static SiteLook Look(bool runs, LinkStatus? link, string? phase) => new("ward-1", "wards", runs, link, phase is null ? null
        : JsonDocument.Parse($$"""
            {"v":1,"site":"ward-1","at":"2026-11-21T11:59:30Z","generation":7,"since":6,"bundle":"sha256:ab","bundleSince":6,
             "phase":"{{phase}}","apps":[{"name":"monitor","healthy":false,"message":"it ended with 1"},{"name":"notice","healthy":true}],
             "conditions":[{"code":"DriftRepaired","severity":"info","text":"share/notice.txt was put back"}],"agent":"a"}
            """).RootElement);
}
