using System.Diagnostics;

namespace Capillary.EndToEnd.Image;

/// <summary>
/// <c>./dev image</c>: the agent's container image by the SDK's own container support. Its base is made here of Debian's packages, so that
/// no registry and no Docker is needed.
/// </summary>
internal static class ImageBuild
{
    public const string File = "capillary-edge-image.tar.gz";

    public static async Task<int> RunAsync(string repository, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var folder = Directory.CreateTempSubdirectory("capillary-image-").FullName;
        var archive = Path.Combine(repository, "artifacts", File);
        try
        {
            Console.Error.WriteLine("making the base image of Debian's packages …");
            var image = await BaseImage.MakeAsync(folder, stop);
            await using var registry = new LoopbackRegistry(image);
            Console.Error.WriteLine("building the agent as it ships, and its image …");
            System.IO.File.Delete(archive);
            await NodeProcess.RunAsync("dotnet",
            [
                "publish", Path.Combine(repository, "src", "Capillary.EdgeAgent"), "--configuration", "Release", "--runtime", "linux-x64",
                "--self-contained", "true", "--output", Path.Combine(folder, "agent"), "-target:PublishContainer",
                "-property:CapillaryShip=true", $"-property:ContainerBaseImage={registry.Name}", $"-property:ContainerArchiveOutputPath={archive}",
            ], stop);
            Console.WriteLine($"{archive}: {new FileInfo(archive).Length / 1e6:0.0} MB (base {image.Layer.Length / 1e6:0.0} MB), made in "
                + $"{clock.Elapsed.TotalSeconds:0} s; load it with: podman load --input {archive}");
            return 0;
        }
        catch (Exception e) when (e is HarnessException or System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"./dev image: {e.Message}");
            return 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
