using System.Diagnostics;
using System.Net;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.Workloads;

public sealed class FullDiskTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_full_disk_is_never_acknowledged_and_heals_by_itself()
    {
        if (!Run("mount", "-t", "tmpfs", "-o", "size=256k", "capillary-test", folder.Path))
        {
            output.WriteLine("skipped: a tmpfs can't be mounted here (needs root)");
            return;
        }

        try
        {
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
        finally
        {
            Assert.True(Run("umount", folder.Path));
        }
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

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
