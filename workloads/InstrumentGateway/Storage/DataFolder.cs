using System.Runtime.InteropServices;

namespace InstrumentGateway.Storage;

/// <summary>The folder of the log: 0700, its files 0600, one process at a time, and names that survive a power cut.</summary>
internal sealed partial class DataFolder : IDisposable
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly FileStream claim;

    private DataFolder(string path, FileStream claim)
    {
        Path = path;
        this.claim = claim;
    }

    public string Path { get; }

    /// <summary>Creates and claims the folder. Throws <see cref="IOException"/> if another process holds it.</summary>
    public static DataFolder Open(string path)
    {
        var mode = OwnerFile | UnixFileMode.UserExecute;
        Directory.CreateDirectory(path, mode);
        File.SetUnixFileMode(path, mode);
        try
        {
            return new(path, OpenFile(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileShare.None));
        }
        catch (IOException e)
        {
            throw new IOException($"can't claim data directory '{path}': {e.Message}", e);
        }
    }

    /// <summary>The segments, oldest first.</summary>
    public int[] Segments() =>
    [
        .. Directory.EnumerateFiles(Path, "messages-*.log")
            .Select(f => int.TryParse(System.IO.Path.GetFileNameWithoutExtension(f)[9..], out var n) ? n : 0)
            .Where(n => n > 0)
            .Order(),
    ];

    public string SegmentPath(int number) => System.IO.Path.Combine(Path, $"messages-{number:D8}.log");

    public static FileStream OpenFile(string path, FileMode mode, FileShare share = FileShare.Read) => new(path, new FileStreamOptions
    {
        Mode = mode,
        Access = FileAccess.ReadWrite,
        Share = share,
        BufferSize = 0,
        UnixCreateMode = mode == FileMode.Open ? null : OwnerFile,
    });

    /// <summary>Makes created and removed names durable.</summary>
    public void Sync()
    {
        const int ReadOnlyDirectory = 0x10000;
        var fd = OpenDescriptor(Path, ReadOnlyDirectory);
        if (fd < 0)
            throw new IOException($"open '{Path}': {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (SyncDescriptor(fd) != 0)
                throw new IOException($"fsync '{Path}': {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = CloseDescriptor(fd);
        }
    }

    public void Dispose() => claim.Dispose();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int fd);
}
