using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>The hospital lets a site out only through its proxy.</summary>
public sealed class ProxyTests(ITestOutputHelper output) : NetworkTest(output)
{
    private const string Proxy = "proxy";
    private const int Port = 8888;
    private const string Tinyproxy = "/usr/bin/tinyproxy";

    [NetworkFact(Needs = Tinyproxy)]
    public async Task OnlyThroughAProxy_TheSiteDialsWithConnect_AndConverges()
    {
        await Net.AddAsync(Proxy, listens: true, Stop);
        var settings = Path.Combine(Fleet.Folder, "tinyproxy.conf");
        await File.WriteAllTextAsync(settings, $"Port {Port}\nListen 0.0.0.0\nTimeout 600\nConnectPort 443\nLogLevel Connect\n", Stop);
        var command = Net.Command(Proxy, Tinyproxy, ["-d", "-c", settings]);
        await using var proxy = NodeProcess.Start(Proxy, Fleet.LogOf(Proxy), command.Program, command.Arguments);
        await Fleet.StopAsync(Site);
        await Net.OnlyThroughAsync(Site, Proxy, Port, Stop);

        var file = Path.Combine(Fleet.HomeOf(Site), "node.json");
        var node = JsonNode.Parse(await File.ReadAllTextAsync(file, Stop))!;
        node["proxy"] = new JsonObject { ["host"] = Net.AddressOf(Proxy), ["port"] = Port };
        await File.WriteAllTextAsync(file, node.ToJsonString(), Stop);
        var log = Fleet.LogEnd(Site);
        Fleet.StartSite(Site);
        await WaitForLinkAsync(Site, log);
        await ConvergeAsync(await CommitNoticeAsync("through the proxy"));
        Assert.Equal(0, await Net.PacketsAsync("refused", Site, Stop));
        Assert.Contains("CONNECT", await File.ReadAllTextAsync(Fleet.LogOf(Proxy), Stop), StringComparison.Ordinal);
    }
}
