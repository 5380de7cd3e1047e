using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;

namespace Capillary.EndToEnd.Network;

/// <summary>
/// Every node in a network namespace of its own, each joined by one cable to a router that lets only new connections to port 443 pass,
/// and none to a site.
/// </summary>
internal sealed class TestNetwork : IGround, IAsyncDisposable
{
    private const string Table = "net";
    private static int networks;
    private readonly int number = Interlocked.Increment(ref networks);
    private readonly ConcurrentDictionary<string, Cable> cables = new();
    private readonly Dictionary<string, IReadOnlyList<string>> environments = [];

    private sealed record Cable(string Namespace, string Link, int Subnet, int Host)
    {
        public string Gateway => $"10.77.{Subnet}.1";

        public string Address => $"10.77.{Subnet}.{Host}";
    }

    private string Router => Kernel.NameOf(number, "router");

    public async Task PrepareAsync(IReadOnlyList<string> nodes, CancellationToken stop)
    {
        await AddNamespaceAsync(Router, stop);
        await InAsync(Router, stop, "sysctl", "-qw", "net.ipv4.ip_forward=1");
        await NftAsync($$"""
            add table inet {{Table}}
            add chain inet {{Table}} begin { type filter hook forward priority 0; policy drop; }
            add chain inet {{Table}} own { type filter hook input priority 0; policy accept; }
            add chain inet {{Table}} pass
            add rule inet {{Table}} pass tcp dport 443 accept
            add rule inet {{Table}} pass ct state established accept
            """, stop);
        foreach (var node in nodes) await AddAsync(node, IsParent(node), stop);
        await NftAsync($"add rule inet {Table} begin jump pass", stop);

        static bool IsParent(string node) => node is "hub" || !node.Any(char.IsAsciiDigit);
    }

    /// <summary>Joins one more node by a cable; others may open connections to it only if it <paramref name="listens"/>.</summary>
    public async Task AddAsync(string node, bool listens, CancellationToken stop)
    {
        var subnet = cables.Count + 1;
        var cable = cables[node] = new Cable(Kernel.NameOf(number, node), $"l{subnet}", subnet, 2);
        await AddNamespaceAsync(cable.Namespace, stop);
        await RunAsync("ip", stop, "-n", Router, "link", "add", cable.Link, "type", "veth", "peer", "name", "eth0", "netns", cable.Namespace);
        await RunAsync("ip", stop, "-n", Router, "address", "add", $"{cable.Gateway}/24", "dev", cable.Link);
        await RunAsync("ip", stop, "-n", Router, "link", "set", cable.Link, "up");
        await AddressAsync(cable, stop);
        // Insert, not add: what a node may send and get is looked at before what passes.
        await NftAsync($$"""
            add counter inet {{Table}} sent-{{node}}
            add counter inet {{Table}} refused-{{node}}
            add counter inet {{Table}} inbound-{{node}}
            add chain inet {{Table}} loss-{{node}}
            add chain inet {{Table}} out-{{node}}
            insert rule inet {{Table}} begin iifname {{cable.Link}} jump out-{{node}}
            insert rule inet {{Table}} begin iifname {{cable.Link}} jump loss-{{node}}
            insert rule inet {{Table}} begin oifname {{cable.Link}} jump loss-{{node}}
            """, stop);
        if (listens) return;
        await NftAsync($$"""
            insert rule inet {{Table}} begin oifname {{cable.Link}} ct state new counter name inbound-{{node}} drop
            add rule inet {{Table}} out-{{node}} tcp dport 443 counter name sent-{{node}} return
            add rule inet {{Table}} out-{{node}} counter name refused-{{node}} drop
            add rule inet {{Table}} own iifname {{cable.Link}} counter name refused-{{node}} drop
            """, stop);
    }

    public string Listen(string parent) => "0.0.0.0:443";

    public string Dial(string child, string parent) => $"{AddressOf(parent)}:443";

    public string AddressOf(string node) => cables[node].Address;

    public (string Program, IReadOnlyList<string> Arguments) Command(string node, string program, IReadOnlyList<string> arguments)
    {
        IReadOnlyList<string> variables;
        lock (environments) variables = environments.GetValueOrDefault(node, []);
        string[] inside = [$"--net=/run/netns/{cables[node].Namespace}"];
        return variables.Count == 0
            ? ("nsenter", [.. inside, program, .. arguments])
            : ("nsenter", [.. inside, "env", .. variables, program, .. arguments]);
    }

    /// <summary>What a node's processes started from now on have in their environment, as NAME=VALUE.</summary>
    public void SetEnvironment(string node, params string[] variables)
    {
        lock (environments) environments[node] = variables;
    }

    /// <summary>Pulls a node's cable: nothing says so to either end but the silence.</summary>
    public Task CutAsync(string node, CancellationToken stop) => RunAsync("ip", stop, "-n", Router, "link", "set", cables[node].Link, "down");

    public Task PlugAsync(string node, CancellationToken stop) => RunAsync("ip", stop, "-n", Router, "link", "set", cables[node].Link, "up");

    /// <summary>Loses so many of a hundred packets of a node, in each direction.</summary>
    public Task LoseAsync(string node, int percent, CancellationToken stop) => NftAsync($"""
        flush chain inet {Table} loss-{node}
        add rule inet {Table} loss-{node} numgen random mod 100 < {percent} drop
        """, stop);

    /// <summary>Loses all that a node says.</summary>
    public Task MuteAsync(string node, CancellationToken stop) => OnlyAsync(node, $"iifname {cables[node].Link} drop", stop);

    /// <summary>Loses all that is said to a node.</summary>
    public Task DeafenAsync(string node, CancellationToken stop) => OnlyAsync(node, $"oifname {cables[node].Link} drop", stop);

    /// <summary>Loses nothing of a node any more.</summary>
    public Task HearAsync(string node, CancellationToken stop) => NftAsync($"flush chain inet {Table} loss-{node}", stop);

    private Task OnlyAsync(string node, string rule, CancellationToken stop) => NftAsync($"""
        flush chain inet {Table} loss-{node}
        add rule inet {Table} loss-{node} {rule}
        """, stop);

    /// <summary>Makes the way down to a node this slow.</summary>
    public Task SlowAsync(string node, int megabits, CancellationToken stop) => RunAsync("tc", stop, "-n", Router, "qdisc", "add", "dev",
        cables[node].Link, "root", "tbf", "rate", $"{megabits}mbit", "burst", "256kb", "latency", "100ms");

    /// <summary>Gives a node another address, as a provider does overnight.</summary>
    public async Task MoveAsync(string node, CancellationToken stop)
    {
        await RunAsync("ip", stop, "-n", cables[node].Namespace, "address", "flush", "dev", "eth0");
        await AddressAsync(cables[node] = cables[node] with { Host = cables[node].Host + 1 }, stop);
    }

    /// <summary>Lets a node reach only one port of one other node; 443 is closed to it.</summary>
    public Task OnlyThroughAsync(string node, string other, int port, CancellationToken stop) => NftAsync($"""
        flush chain inet {Table} out-{node}
        add rule inet {Table} out-{node} ip daddr {AddressOf(other)} tcp dport {port} counter name sent-{node} accept
        add rule inet {Table} out-{node} counter name refused-{node} drop
        """, stop);

    /// <summary>Bytes that came to a node over its cable.</summary>
    public async Task<long> ReceivedAsync(string node, CancellationToken stop)
    {
        using var json = JsonDocument.Parse(await RunAsync("ip", stop, "-n", cables[node].Namespace, "-s", "-j", "link", "show", "eth0"));
        return json.RootElement[0].GetProperty("stats64").GetProperty("rx").GetProperty("bytes").GetInt64();
    }

    /// <summary>Packets by the router's count: <c>sent</c> (to port 443), <c>refused</c> (anything else it sent), <c>inbound</c>.</summary>
    public async Task<long> PacketsAsync(string counter, string node, CancellationToken stop)
    {
        using var json = JsonDocument.Parse(await InAsync(Router, stop, "nft", "-j", "list", "counter", "inet", Table, $"{counter}-{node}"));
        return json.RootElement.GetProperty("nftables").EnumerateArray().First(item => item.TryGetProperty("counter", out _))
            .GetProperty("counter").GetProperty("packets").GetInt64();
    }

    /// <summary>Connections that a node holds open on port 443 with another's addresses.</summary>
    public async Task<int> ConnectionsAsync(string node, string child, CancellationToken stop)
    {
        var all = await RunInAsync(node, stop, "ss", "-Htn", "state", "established", "dst", $"10.77.{cables[child].Subnet}.0/24");
        return all.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    /// <summary>Runs a command where a node is; its output.</summary>
    public Task<string> RunInAsync(string node, CancellationToken stop, params string[] command) => InAsync(cables[node].Namespace, stop, command);

    /// <summary>The same; its exit code.</summary>
    public async Task<int> TryInAsync(string node, CancellationToken stop, params string[] command) =>
        (await NodeProcess.TryRunAsync("nsenter", [$"--net=/run/netns/{cables[node].Namespace}", .. command], stop)).Code;

    public async ValueTask DisposeAsync()
    {
        foreach (var cable in cables.Values) await Kernel.RemoveAsync(cable.Namespace);
        await Kernel.RemoveAsync(Router);
    }

    private static async Task AddNamespaceAsync(string name, CancellationToken stop)
    {
        await RunAsync("ip", stop, "netns", "add", name);
        // IPv6 says things by itself that no test counts.
        await InAsync(name, stop, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        await RunAsync("ip", stop, "-n", name, "link", "set", "lo", "up");
    }

    private static async Task AddressAsync(Cable cable, CancellationToken stop)
    {
        await RunAsync("ip", stop, "-n", cable.Namespace, "address", "add", $"{cable.Address}/24", "dev", "eth0");
        await RunAsync("ip", stop, "-n", cable.Namespace, "link", "set", "eth0", "up");
        await RunAsync("ip", stop, "-n", cable.Namespace, "route", "replace", "default", "via", cable.Gateway);
    }

    private Task<string> NftAsync(string script, CancellationToken stop) => InAsync(Router, stop, "nft", script);

    private static Task<string> InAsync(string name, CancellationToken stop, params string[] command) =>
        RunAsync("nsenter", stop, [string.Create(CultureInfo.InvariantCulture, $"--net=/run/netns/{name}"), .. command]);

    private static Task<string> RunAsync(string program, CancellationToken stop, params string[] arguments) =>
        NodeProcess.RunAsync(program, arguments, stop);
}
