using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Systemd;

/// <summary>A <c>Service</c> as a unit of a real systemd.</summary>
public sealed partial class ServiceUnitTests(ITestOutputHelper output) : SystemdTest(output)
{
    private const string Unit = "capillary-ward-1.monitor.monitor.service";
    private const string UnitPath = $"/etc/systemd/system/{Unit}";
    private const string LogPath = $"{Data}/apply/logs/monitor.monitor.log";
    private const string Service = "apps/monitor/templates/monitor.yaml";

    // A service says what it got, and then ends at once where the test wants it to.
    private const string Exact = """
        apiVersion: capillary.dev/v1
        kind: Service
        metadata:
          name: monitor
        spec:
          user: lab
          command:
            - /bin/sh
            - -c
            - |
              for a in "$@"; do printf '<%s>\n' "$a"; done; printf 'V=<%s>\nW=<%s>\n' "$V" "$W"; id -un; pwd
              grep -E 'NoNewPrivs|CapBnd' /proc/self/status
              test -e /tmp/bad && exit 3; exec sleep 100000
            - zero
            - "a  b"
            - "%n %% %H"
            - "$HOME ${HOME} $$"
            - "\"quote' back\\slash\\n"
            - ";"
            - ""
            - "line\nExecStartPre=/bin/false"
            - "tab\tbell\a"
          environment:
            V: "100% $HOME `id` \"q\" \\n\nnext"
            W: "MARK"
            odd.name: "x"
        """;

    private const string Said = "<a  b>\n<%n %% %H>\n<$HOME ${HOME} $$>\n<\"quote' back\\slash\\n>\n<;>\n<>\n<line\nExecStartPre=/bin/false>\n"
        + "<tab\tbell\a>\nV=<100% $HOME `id` \"q\" \\n\nnext>\nW=<one>\nlabuser\n/var/lib/capillary-edge/root\n"
        + "NoNewPrivs:\t1\nCapBnd:\t0000000000000000\n";

    [SystemdFact]
    public async Task Promise2_a_unit_comes_back_from_all_that_is_done_to_it_by_hand()
    {
        await InstallAsync(null);
        Assert.Equal(Said, (await Machine.RunAsync(Stop, "cat", LogPath)).Replace("CapBnd:\t0000000000000000\nNoNewPrivs:\t1\n",
            "NoNewPrivs:\t1\nCapBnd:\t0000000000000000\n", StringComparison.Ordinal));
        Assert.Equal("enabled", (await Machine.RunAsync(Stop, "systemctl", "is-enabled", Unit)).Trim());
        await RepairedAsync("was ended by signal 9 and was started again", "kill -9 $(systemctl show -P MainPID UNIT)");
        await RepairedAsync("was stopped by hand and was started again", "systemctl stop UNIT");
        await RepairedAsync("was edited",
            "sed -i s/User=.*/User=root/ /etc/systemd/system/UNIT; systemctl daemon-reload; systemctl restart UNIT");
        await RepairedAsync("was changed by a drop-in", "mkdir -p /run/systemd/system/UNIT.d; "
            + "printf '[Service]\\nUser=root\\n' > /run/systemd/system/UNIT.d/x.conf; systemctl daemon-reload; systemctl restart UNIT");
        await RepairedAsync("was masked", "ln -sf /dev/null /etc/systemd/system/UNIT; systemctl daemon-reload; systemctl stop UNIT");
        await RepairedAsync("was removed", "systemctl stop UNIT; rm /etc/systemd/system/UNIT; systemctl daemon-reload");
        var before = await PidAsync();
        Assert.DoesNotContain("in a row", (await Machine.TryRunAsync(Stop, Edge, "status")).Output, StringComparison.Ordinal);
        // What systemd has not read changed nothing, and nothing is restarted for it; nor for what only the next boot will read.
        await RepairedAsync("was edited", "echo '# note' >> /etc/systemd/system/UNIT");
        await RepairedAsync("was disabled", "systemctl disable UNIT");
        Assert.Equal(before, await PidAsync());
        Say((await Machine.TryRunAsync(Stop, Edge, "status")).Output);
    }

    [SystemdFact]
    public async Task Promise2_a_unit_outlives_its_agent_and_comes_back_with_the_machine_without_one()
    {
        await InstallAsync(null);
        var first = await PidAsync();
        await Machine.RunAsync(Stop, "sh", "-c", $"kill -9 {await MainProcessAsync()}");
        await Machine.WaitAsync("the agent to be back", async () => await MainProcessAsync() > 0, Stop);
        await WellAsync();
        Assert.Equal(first, await PidAsync());
        await Machine.RunAsync(Stop, "systemctl", "disable", "--now", "capillary-edge");
        await Fleet.StopHubAsync();
        await Machine.RebootAsync(Stop);
        await Machine.WaitAsync("the unit to run without hub and agent", async () => await PidAsync() > 0, Stop);
        Assert.Equal(0, await MainProcessAsync());
        var alone = await PidAsync();
        await Fleet.StartHubAsync(Stop);
        await Machine.RunAsync(Stop, "systemctl", "enable", "--now", "capillary-edge");
        await WellAsync();
        Assert.Equal(alone, await PidAsync());

        // A new specification replaces the process; what is bad goes on being tried and is told; what left the bundle leaves nothing.
        await Fleet.ChangeAsync(Service, Exact.Replace("MARK", "two", StringComparison.Ordinal), Stop);
        await Machine.WaitAsync("the second one to run", async () => await PidAsync() is > 0 and var pid && pid != alone, Stop);
        await WellAsync();
        Assert.Contains("W=<two>", await Machine.RunAsync(Stop, "cat", LogPath), StringComparison.Ordinal);
        await Machine.RunAsync(Stop, "sh", "-c", $"touch /tmp/bad; kill {await PidAsync()}");
        // How many, depends on when the agent looks, and so does whether systemd still knows how the last one ended.
        await Machine.WaitAsync("the crash loop to be told with its exit code", async () => CrashLoop().IsMatch(
            (await Machine.TryRunAsync(Stop, Edge, "status")).Output), Stop);
        await Machine.RunAsync(Stop, "rm", "/tmp/bad");
        await WellAsync();
        await Fleet.ChangeAsync(Service, null, Stop);
        await Machine.WaitAsync("the unit to be gone", async () => (await Machine.TryRunAsync(Stop, "systemctl", "cat", Unit)).Code != 0
            && (await Machine.TryRunAsync(Stop, "test", "-e", LogPath)).Code != 0, Stop);
        Assert.Equal(0, await CopiesAsync());
        Assert.Equal("", await Machine.RunAsync(Stop, "find", "/etc/systemd", "-name", "capillary-ward*"));
    }

    [SystemdFact]
    public async Task Promise2_an_agent_killed_at_any_moment_ends_with_one_copy_of_the_last_specification()
    {
        await InstallAsync(null);
        var random = new Random(9);
        for (var round = 2; round < 8; round++)
        {
            await Fleet.ChangeAsync(Service, Exact.Replace("MARK", $"{round}", StringComparison.Ordinal), Stop);
            await Machine.WaitAsync($"round {round} to begin", async () => (await Machine.RunAsync(Stop, "journalctl", "-u", "capillary-edge",
                "-o", "cat", "-n", "40")).Contains($"accepted generation {round}", StringComparison.Ordinal)
                || (await Machine.TryRunAsync(Stop, "grep", "-q", $"W=<{round}>", LogPath)).Code == 0, Stop);
            await Task.Delay(random.Next(0, 1500)); // the moment of the kill, not a wait for something
            await Machine.TryRunAsync(Stop, "systemctl", "kill", "--kill-who=main", "-s", "KILL", "capillary-edge");
        }
        await Machine.WaitAsync("the last one to run", async () => await PidAsync() > 0
            && (await Machine.TryRunAsync(Stop, "sh", "-c", $"tail -n 8 {LogPath} | grep -q 'W=<7>'")).Code == 0, Stop);
        await WellAsync();
        Assert.Equal(await PidAsync(), await CopyAsync());
    }

    [SystemdFact]
    public async Task Promise2_a_service_changes_hands_without_two_of_it()
    {
        await InstallAsync("own");
        var own = await CopyAsync();
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "systemctl", "cat", Unit)).Code);
        // A newer agent, or another setting: what runs runs on, and becomes a unit when it ends.
        await SetAsync("systemd");
        await WellAsync();
        Assert.Equal(own, await CopyAsync());
        await Machine.RunAsync(Stop, "kill", "-9", $"{own}");
        await Machine.WaitAsync("the unit to run", async () => await PidAsync() > 0, Stop);
        await WellAsync();
        Assert.Equal(await PidAsync(), await CopyAsync());
        await SetAsync("own");
        await Machine.WaitAsync("the unit to be gone", async () =>
            (await Machine.TryRunAsync(Stop, "systemctl", "cat", Unit)).Code != 0, Stop);
        await Machine.WaitAsync("its own process to run", async () => await CopiesAsync() == 1, Stop);
        await WellAsync();
        // With a new specification it changes hands at once.
        await SetAsync("systemd");
        await WellAsync();
        await Fleet.ChangeAsync(Service, Exact.Replace("MARK", "two", StringComparison.Ordinal), Stop);
        await Machine.WaitAsync("the unit to run", async () => await PidAsync() > 0, Stop);
        await WellAsync();
        Assert.Equal(await PidAsync(), await CopyAsync());
        Say(await Machine.RunAsync(Stop, Edge, "uninstall", "--purge"));
        Assert.Equal(0, await CopiesAsync());
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "systemctl", "cat", Unit)).Code);
    }

    private async Task InstallAsync(string? services)
    {
        var agent = await StartAsync();
        await Machine.RunAsync(Stop, "useradd", "--system", "labuser");
        await Fleet.ChangeAsync(Service, Exact.Replace("MARK", "one", StringComparison.Ordinal), Stop);
        await Machine.RunAsync(Stop, agent, "join", await Fleet.EnrollAsync("site", WardFleet.Site, Stop), "--user", "lab=labuser");
        if (services is not null) await EditAsync(services);
        await Machine.RunAsync(Stop, agent, "install");
        await Machine.WaitAsync("the service to run", async () => await CopiesAsync() == 1
            && (await Machine.TryRunAsync(Stop, "grep", "-q", "W=<one>", LogPath)).Code == 0, Stop);
        await WellAsync();
    }

    private async Task SetAsync(string services)
    {
        await EditAsync(services);
        await Machine.RunAsync(Stop, "systemctl", "restart", "capillary-edge");
    }

    private Task EditAsync(string services) => Machine.RunAsync(Stop, "sed", "-i", "-e", "/\"services\"/d", "-e",
        $"1a\"services\": \"{services}\",", $"{Data}/edge.json");

    /// <summary>Done by hand, undone, told, and one copy runs as its own user.</summary>
    private async Task RepairedAsync(string told, string byHand)
    {
        var marker = (await Machine.RunAsync(Stop, "date", "+%s.%N")).Trim();
        // It may be undone while it is still being done, which then fails.
        await Machine.TryRunAsync(Stop, "sh", "-c", byHand.Replace("UNIT", Unit, StringComparison.Ordinal));
        var clock = Stopwatch.StartNew();
        await Machine.WaitAsync($"'{told}' to be told", async () => (await Machine.RunAsync(Stop, "journalctl", "-u", "capillary-edge",
            "--since", $"@{marker}", "-o", "cat")).Contains($"DriftRepaired {Between(told)}{told}",
            StringComparison.Ordinal), Stop);
        // It may be told while the copy that was started by hand is still being replaced.
        await Machine.WaitAsync("one copy to run as its own user", async () => await PidAsync() is > 0 and var pid
            && await PidsAsync() is [var copy] && copy == $"{pid}"
            && (await Machine.TryRunAsync(Stop, "ps", "-o", "user=", "-p", copy)).Output.Trim() == "labuser", Stop);
        Say($"{told}: {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal("enabled", (await Machine.RunAsync(Stop, "systemctl", "is-enabled", Unit)).Trim());
    }

    private static string Between(string told) => told.EndsWith("again", StringComparison.Ordinal)
        ? "monitor/monitor: service 'monitor/monitor' " : $"{Unit}: service 'monitor/monitor': its unit {Unit} ";

    [GeneratedRegex(@"ended with exit code 3, ([3-9]|\d\d+) times in a row")]
    private static partial Regex CrashLoop();

    private async Task<int> PidAsync() => await MainProcessAsync(Unit);

    private async Task<int> CopiesAsync() => (await PidsAsync()).Length;

    private async Task<int> CopyAsync() => int.Parse(Assert.Single(await PidsAsync()));

    private async Task<string[]> PidsAsync() =>
        (await Machine.TryRunAsync(Stop, "pgrep", "-x", "sleep")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
