namespace Capillary.EndToEnd;

/// <summary>A file system of a few megabytes at a folder; it can be given more later.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string folder;

    private SmallDisk(string folder) => this.folder = folder;

    /// <summary>Null, and why, where this machine lets us mount nothing.</summary>
    public static async Task<(SmallDisk? Disk, string Reason)> MountAsync(string folder, int megabytes, CancellationToken stop)
    {
        Directory.CreateDirectory(folder);
        var run = await NodeProcess.TryRunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "tmpfs", folder], stop);
        return run.Code == 0 ? (new SmallDisk(folder), "") : (null, run.Errors);
    }

    public Task GrowAsync(int megabytes, CancellationToken stop) =>
        NodeProcess.RunAsync("mount", ["-o", $"remount,size={megabytes}m", folder], stop);

    public async ValueTask DisposeAsync() =>
        // Lazily: a process that was just ended may hold it for a moment more.
        await NodeProcess.TryRunAsync("umount", ["--lazy", folder], CancellationToken.None);
}
