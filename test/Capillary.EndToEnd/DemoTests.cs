using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>The demo from its first to its last line; most of it is the silence of a site, so it runs beside other tests.</summary>
public sealed class DemoTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-e2e-").FullName;

    private static CancellationToken Stop => CancellationToken.None;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Demo_ChecksItself()
    {
        var run = await NodeProcess.TryRunAsync(Path.Combine(AppContext.BaseDirectory, "Capillary.EndToEnd"),
            ["demo", "--once", "--sites", "8", "--folder", Path.Combine(folder, "demo")], Stop);
        output.WriteLine(run.Output + run.Errors);
        Assert.Equal(0, run.Code);
        Assert.EndsWith("demo: ok", run.Output.TrimEnd(), StringComparison.Ordinal);
    }
}
