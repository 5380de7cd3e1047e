using Capillary.EndToEnd.Systemd;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Image;

/// <summary>The agent's image as a cluster runs it: no root, nothing to write to but /data and /tmp.</summary>
public sealed class ImageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Image = "capillary-edge";
    private static readonly string[] Walls =
        ["--read-only", "--user", "65532:65532", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "host"];

    private readonly string folder = Directory.CreateTempSubdirectory("capillary-e2e-image-").FullName;
    private readonly string name = $"capillary-image-{Environment.ProcessId}-{Guid.NewGuid():N}"[..36];
    private WardFleet? fleet;

    private static CancellationToken Stop => CancellationToken.None;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Container.TryPodmanAsync(Stop, "rm", "--force", "--time", "2", name);
        await Container.TryPodmanAsync(Stop, "volume", "rm", "--force", name);
        if (fleet is not null) await fleet.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [ImageFact]
    public async Task An_image_without_root_and_registry_joins_and_runs()
    {
        var loaded = await PodmanAsync("load", "--input", ImageFactAttribute.Archive);
        var image = loaded.Trim().Split(' ', '\n')[^1];
        output.WriteLine($"{image}: {new FileInfo(ImageFactAttribute.Archive).Length / 1e6:0.0} MB packed, "
            + $"{long.Parse((await PodmanAsync("image", "inspect", "--format", "{{.Size}}", image)).Trim()) / 1e6:0.0} MB unpacked");
        Assert.Contains(Image, image, StringComparison.Ordinal);
        Assert.StartsWith("capillary-edge", await RunAsync(image, "version"), StringComparison.Ordinal);
        Assert.Equal("65532:65532", (await PodmanAsync("image", "inspect", "--format", "{{.Config.User}}", image)).Trim());
        var labels = await PodmanAsync("image", "inspect", "--format", "{{json .Labels}}", image);
        foreach (var label in (string[])["title", "version", "licenses", "created"])
            Assert.Contains($"org.opencontainers.image.{label}", labels, StringComparison.Ordinal);
        Assert.DoesNotContain("localhost", labels, StringComparison.Ordinal);

        fleet = await WardFleet.StartAsync(Binaries.Find(), folder, Stop);
        // Nothing to run: which kinds of objects a cluster takes is not this test's.
        await fleet.ChangeAsync("apps/monitor/templates/monitor.yaml", null, Stop);
        var join = await fleet.EnrollAsync("site", WardFleet.Site, Stop);
        File.SetUnixFileMode(folder, (UnixFileMode)0x1ED);
        File.SetUnixFileMode(join, (UnixFileMode)0x1A4);
        output.WriteLine(await RunAsync(image, "join", join, "--data", "/data"));
        await PodmanAsync(["run", "--detach", "--name", name, .. Walls, "--volume", $"{name}:/data", image, "run", "--data", "/data"]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await fleet.StateOfSiteAsync(limit.Token) != "healthy")
        {
            if (limit.IsCancellationRequested) break;
            await Task.Delay(200, CancellationToken.None);
        }
        output.WriteLine((await Container.TryPodmanAsync(Stop, "logs", name)).Errors);
        Assert.Equal("healthy", await fleet.StateOfSiteAsync(Stop));
        var written = await Container.TryPodmanAsync(Stop, "diff", name);
        output.WriteLine($"written beside /data and /tmp: '{written.Output.Trim()}'");
    }

    /// <summary>One command in a container that is gone afterwards; its folder /data stays.</summary>
    private Task<string> RunAsync(string image, params string[] command) =>
        PodmanAsync(["run", "--rm", .. Walls, "--volume", $"{name}:/data", "--volume", $"{folder}:{folder}:ro", image, .. command]);

    private static async Task<string> PodmanAsync(params string[] arguments)
    {
        var (code, said, errors) = await Container.TryPodmanAsync(Stop, arguments);
        return code == 0 ? said : throw new HarnessException($"podman {string.Join(' ', arguments)} exited with {code}: {errors}{said}");
    }
}
