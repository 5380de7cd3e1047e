using System.Net;
using Xunit;

namespace Capillary.Tests.Workloads;

public sealed class FullDiskTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SmallDiskFact]
    public async Task A_full_disk_is_never_acknowledged_and_heals_by_itself()
    {
        using var disk = new SmallDisk(folder.Path, "256k");
        await using var gateway = await GatewayFixture.StartAsync(data: Path.Combine(folder.Path, "data"));
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
        var filler = Path.Combine(folder.Path, "filler");
        Fill(filler);
        var answer = await gateway.SendAsync(Sender.Oru("refused", value: new('1', 5000)));
        Assert.Contains("\nMSA|AE|refused\n", answer);
        Assert.Contains("\nERR|||207^Application internal error^HL70357|E||||the gateway can't store messages now", answer);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Health(gateway));
        Assert.Contains("\nMSA|AR\n", await gateway.SendAsync("bad input on a full disk"));

        File.Delete(filler);
        await Eventually.HoldsAsync(async () => await Health(gateway) == HttpStatusCode.OK, "healthy again, without traffic");
        Assert.Contains("\nMSA|AA|refused\n", await gateway.SendAsync(Sender.Oru("refused", value: new('1', 5000))));
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
    }

    private static async Task<HttpStatusCode> Health(GatewayFixture gateway) =>
        (await gateway.Http.GetAsync(new Uri("/healthz", UriKind.Relative))).StatusCode;

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        try
        {
            while (true)
                file.Write(new byte[1024]);
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }
}
