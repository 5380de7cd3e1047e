using System.Diagnostics;
using System.Net;

namespace Capillary.Benchmarks.Links;

/// <summary>
/// Children in a network namespace of their own; their cable is pulled (link down) and put back. When are they live again? Needs root and
/// `ip netns`.
/// </summary>
internal static class CableBench
{
    private const int Children = 20;
    private const string Space = "capillary-bench";
    private const string Ours = "capbench0";
    private const string Host = "10.77.0.1";

    public static async IAsyncEnumerable<Row> Run()
    {
        using var fleet = new SimulatedRegion(Children);
        Ip("netns", "add", Space);
        try
        {
            Ip("link", "add", Ours, "type", "veth", "peer", "name", "capbench1", "netns", Space);
            Ip("addr", "add", $"{Host}/24", "dev", Ours);
            Ip("link", "set", Ours, "up");
            Ip("-n", Space, "addr", "add", "10.77.0.2/24", "dev", "capbench1");
            Ip("-n", Space, "link", "set", "capbench1", "up");
            using var region = new RoleProcess([], "region", fleet.Home, "0");
            var port = (await region.NextAsync()).GetProperty("port").GetInt32();
            using var relay = new CountingRelay(new IPEndPoint(IPAddress.Loopback, port), IPAddress.Any);
            using var children = new RoleProcess(Space, [$"{ChildSwarm.HostVariable}={Host}"], "children", fleet.Folder, $"{relay.Port}",
                $"{Children}");
            await children.AskAsync("wait 0");
            foreach (var away in (int[])[10, 30])
            {
                var times = new List<double>();
                for (var round = 0; round < 3; round++)
                {
                    Ip("link", "set", Ours, "down");
                    await Task.Delay(TimeSpan.FromSeconds(away));
                    var from = (await children.AskAsync("now")).GetProperty("now").GetDouble();
                    Ip("link", "set", Ours, "up");
                    var answer = await children.AskAsync(FormattableString.Invariant($"wait {from}"));
                    times.AddRange(answer.GetProperty("at").EnumerateArray().Select(at => at.GetDouble() - from));
                    if (times.Count != Children * (round + 1)) throw new InvalidOperationException($"not all came back: {answer}");
                }
                times.Sort();
                yield return new Row($"cable back after {away} s, link event at the child: p99 until live", times[times.Count * 99 / 100], "s", 5);
                yield return new Row($"cable back after {away} s: p50", times[times.Count / 2], "s", null);
            }
        }
        finally
        {
            Ip("netns", "del", Space);
        }
    }

    private static void Ip(params string[] arguments)
    {
        using var ip = Process.Start("ip", arguments);
        ip.WaitForExit();
        if (ip.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: needs root and network namespaces");
    }
}
