using System.Globalization;

namespace Capillary.EndToEnd.Network;

/// <summary>What this machine's kernel lets a test do with networks; asked once.</summary>
internal static class Kernel
{
    private const string Prefix = "capnet-";
    private static readonly Lazy<string?> Asked = new(Ask);

    /// <summary>Why no network can be made here, in the kernel's own words; null: it can.</summary>
    public static string? Refusal => Asked.Value;

    /// <summary>A name that tells whose the namespace is.</summary>
    public static string NameOf(int number, string node) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{number}-{node}");

    /// <summary>Ends what runs in a namespace and removes it.</summary>
    public static async Task RemoveAsync(string name)
    {
        var pids = await NodeProcess.TryRunAsync("ip", ["netns", "pids", name], CancellationToken.None);
        foreach (var pid in pids.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            await NodeProcess.TryRunAsync("kill", ["-KILL", pid], CancellationToken.None);
        await NodeProcess.TryRunAsync("ip", ["netns", "delete", name], CancellationToken.None);
    }

    private static string? Ask()
    {
        try
        {
            return Task.Run(AskAsync).GetAwaiter().GetResult();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"no network can be made here: {e.Message} (Debian: apt-get install iproute2 nftables)";
        }
    }

    private static async Task<string?> AskAsync()
    {
        await SweepAsync();
        var name = NameOf(0, "probe");
        try
        {
            string[][] commands =
            [
                ["ip", "netns", "add", name],
                ["ip", "-n", name, "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"],
                ["nsenter", $"--net=/run/netns/{name}", "nft", "add table inet t; add chain inet t f { type filter hook forward priority 0; }; "
                    + "add rule inet t f ct state new numgen random mod 100 < 30 drop"],
                ["tc", "-n", name, "qdisc", "add", "dev", "probe0", "root", "tbf", "rate", "100mbit", "burst", "256kb", "latency", "50ms"],
            ];
            foreach (var command in commands)
            {
                var run = await NodeProcess.TryRunAsync(command[0], command[1..], CancellationToken.None);
                if (run.Code != 0) return $"no network can be made here: {string.Join(' ', command)}: {run.Errors.Trim()}";
            }
            return null;
        }
        finally
        {
            await RemoveAsync(name);
        }
    }

    /// <summary>A test process that was killed could not clean up; the next one does.</summary>
    private static async Task SweepAsync()
    {
        var list = await NodeProcess.TryRunAsync("ip", ["netns", "list"], CancellationToken.None);
        foreach (var name in list.Output.Split('\n').Select(line => line.Split(' ')[0]).Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            if (!Directory.Exists($"/proc/{name.Split('-')[1]}")) await RemoveAsync(name);
        }
    }
}
