namespace Capillary.EndToEnd;

/// <summary>A file system of a few megabytes at a folder; it can be given more later.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string folder;

    private SmallDisk(string folder) => this.folder = folder;

    private static readonly Lazy<string?> Asked = new(() => Task.Run(AskAsync).GetAwaiter().GetResult());

    /// <summary>Why this machine lets us mount nothing; null: it lets us.</summary>
    public static string? Refusal => Asked.Value;

    public static async Task<SmallDisk> MountAsync(string folder, int megabytes, CancellationToken stop)
    {
        Directory.CreateDirectory(folder);
        await NodeProcess.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "tmpfs", folder], stop);
        return new SmallDisk(folder);
    }

    public Task GrowAsync(int megabytes, CancellationToken stop) =>
        NodeProcess.RunAsync("mount", ["-o", $"remount,size={megabytes}m", folder], stop);

    private static async Task<string?> AskAsync()
    {
        var folder = Directory.CreateTempSubdirectory("capillary-disk-").FullName;
        try
        {
            await using var disk = await MountAsync(folder, 1, CancellationToken.None);
            return null;
        }
        catch (Exception e) when (e is HarnessException or System.ComponentModel.Win32Exception)
        {
            return $"this machine mounts no small file system: {e.Message}";
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    public async ValueTask DisposeAsync() =>
        // Lazily: a process that was just ended may hold it for a moment more.
        await NodeProcess.TryRunAsync("umount", ["--lazy", folder], CancellationToken.None);
}

/// <summary>A test that fills small disks; skipped, with the system's own words, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : Xunit.FactAttribute
{
    public SmallDiskFactAttribute() => Skip = SmallDisk.Refusal;
}
