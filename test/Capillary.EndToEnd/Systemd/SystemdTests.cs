using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Systemd;

/// <summary>What a technician does on a machine with systemd, done in a container with systemd.</summary>
public sealed class SystemdTests(ITestOutputHelper output) : SystemdTest(output)
{
    [SystemdFact]
    public async Task Promise2_an_installed_site_survives_kills_and_reboots_and_goes_without_a_trace()
    {
        var agent = await StartAsync();
        await Machine.RunAsync(Stop, "useradd", "--system", "labuser");
        var join = await Fleet.EnrollAsync("site", WardFleet.Site, Stop);

        // Mistakes first: each gets its sentence and changes nothing.
        await SaysAsync("no node has joined", agent, "doctor");
        await SaysAsync("the account 'nobody-here' does not exist", agent, "join", join, "--user", "lab=nobody-here");
        await SaysAsync("needs root", "setpriv", "--reuid=labuser", "--clear-groups", agent, "install");

        Say(await Machine.RunAsync(Stop, agent, "doctor", join));
        Say(await Machine.RunAsync(Stop, agent, "join", join, "--user", "lab=labuser"));
        Say(await Machine.RunAsync(Stop, agent, "install"));
        await WellAsync();
        await Machine.WaitAsync("the hub to see it healthy", async () => await Fleet.StateOfSiteAsync(Stop) == "healthy", Stop);
        Say(await Machine.RunAsync(Stop, Edge, "status"));
        Say(await Machine.RunAsync(Stop, Edge, "doctor"));
        var service = await ServiceAsync();
        Assert.Equal("labuser", (await Machine.RunAsync(Stop, "ps", "-o", "user=", "-p", $"{service}")).Trim());

        // Installing again finds nothing to do; with a newer executable it restarts the agent, and the service runs on.
        Assert.Contains("capillary-edge: runs", await Machine.RunAsync(Stop, agent, "install"), StringComparison.Ordinal);
        var first = await MainProcessAsync();
        await Machine.RunAsync(Stop, "sh", "-c", $"cp {agent} /root/capillary-edge && printf '\\0' >> /root/capillary-edge");
        Say(await Machine.RunAsync(Stop, "/root/capillary-edge", "install"));
        Assert.NotEqual(first, await MainProcessAsync());
        await WellAsync();
        Assert.Equal(service, await ServiceAsync());

        // kill -9 of the agent alone.
        var second = await MainProcessAsync();
        await Machine.RunAsync(Stop, "kill", "-9", $"{second}");
        await Machine.WaitAsync("systemd to restart the agent", async () => await MainProcessAsync() is > 0 and var now && now != second, Stop);
        await WellAsync();
        Assert.Equal(service, await ServiceAsync());

        // A reboot without the hub: it boots into its last applied bundle, and says that it is alone.
        var bundle = (await StatusAsync()).GetProperty("report").GetProperty("bundle").GetString();
        await Fleet.StopHubAsync();
        await Machine.RebootAsync(Stop);
        await Machine.WaitAsync("the service to run again", async () => await ServiceAsync() > 0
            && (await StatusAsync()).GetProperty("running").GetBoolean(), Stop);
        var alone = await StatusAsync();
        Assert.Equal(bundle, alone.GetProperty("report").GetProperty("bundle").GetString());
        Assert.Equal("needs-a-look", alone.GetProperty("state").GetString());
        Say((await Machine.TryRunAsync(Stop, Edge, "status")).Output);
        var doctor = await Machine.TryRunAsync(Stop, Edge, "doctor");
        Say(doctor.Output);
        Assert.Equal(1, doctor.Code);
        Assert.Contains("says no at once", doctor.Output, StringComparison.Ordinal);
        await Fleet.StartHubAsync(Stop);
        await WellAsync();

        // Uninstall leaves data and service; purge leaves nothing.
        var last = await ServiceAsync();
        Say(await Machine.RunAsync(Stop, Edge, "uninstall"));
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "systemctl", "cat", Edge)).Code);
        await Machine.RunAsync(Stop, "test", "-f", $"{Data}/node.json");
        Assert.Equal(last, await ServiceAsync());
        Say(await Machine.RunAsync(Stop, agent, "install"));
        await WellAsync();
        Assert.Equal(last, await ServiceAsync());
        Say(await Machine.RunAsync(Stop, Edge, "uninstall", "--purge"));
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "test", "-e", Data)).Code);
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "kill", "-0", $"{last}")).Code);
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "sh", "-c", "command -v capillary-edge")).Code);
    }

    [SystemdFact]
    public async Task An_installed_region_serves_port_443_without_being_root()
    {
        await StartAsync();
        var capillary = Path.Combine(folder, "cli", "capillary");
        const string Home = "/var/lib/capillary-region";
        await Machine.RunAsync(Stop, "sh", "-c", "mkdir -p /etc/dotnet && echo /usr/share/dotnet > /etc/dotnet/install_location");
        var join = await Fleet.EnrollAsync("region", WardFleet.Region, Stop);
        Say(await Machine.RunAsync(Stop, capillary, "region", "doctor", join));
        Say(await Machine.RunAsync(Stop, capillary, "region", "join", join, "--data", Home));
        Say(await Machine.RunAsync(Stop, capillary, "region", "install", "--data", Home, "--listen", "127.0.0.1:443"));
        await RegionIsAsync("well", Home);
        Say(await Machine.RunAsync(Stop, "capillary", "region", "status", "--data", Home));
        Assert.Equal("capillary", (await Machine.RunAsync(Stop, "ps", "-o", "user=", "-p", $"{await MainProcessAsync("capillary-region")}")).Trim());
        var site = await Machine.TryRunAsync(Stop, Carried, "doctor", "--parent", "127.0.0.1");
        Say(site.Output);
        Assert.Equal(0, site.Code);
        await Machine.RunAsync(Stop, "kill", "-9", $"{await MainProcessAsync("capillary-region")}");
        await RegionIsAsync("well", Home);
        Assert.Contains("runs", await Machine.RunAsync(Stop, capillary, "region", "install", "--data", Home, "--listen", "127.0.0.1:443"),
            StringComparison.Ordinal);
        Say(await Machine.RunAsync(Stop, "capillary", "region", "uninstall", "--purge", "--data", Home));
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "test", "-e", Home)).Code);
        Assert.NotEqual(0, (await Machine.TryRunAsync(Stop, "test", "-e", "/usr/local/lib/capillary/1")).Code);
    }

    private async Task SaysAsync(string words, params string[] command)
    {
        var (code, _, errors) = await Machine.TryRunAsync(Stop, command);
        Say(errors);
        Assert.Equal(1, code);
        Assert.Contains(words, errors, StringComparison.Ordinal);
    }

    private Task RegionIsAsync(string state, string home) => Machine.WaitAsync($"the region to be {state}", async () =>
        (await Machine.TryRunAsync(Stop, "capillary", "region", "status", "--data", home, "-o", "json")).Output
            .Contains($"\"state\": \"{state}\"", StringComparison.Ordinal), Stop);

    /// <summary>The running service's process; 0 when it does not run.</summary>
    private async Task<int> ServiceAsync()
    {
        var (_, text, _) = await Machine.TryRunAsync(Stop, "pgrep", "-x", "-u", "labuser", "sleep");
        return int.TryParse(text.Trim(), out var process) ? process : 0;
    }
}
