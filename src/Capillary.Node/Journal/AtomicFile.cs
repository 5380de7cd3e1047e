using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Capillary.Node.Journal;

/// <summary>Writes that survive a power cut whole or not at all: temp, fsync, rename, fsync of the folder.</summary>
public static partial class AtomicFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces the file; mode 0600.</summary>
    /// <exception cref="IOException">The disk is full or broken; the old file stands as it was.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var temp = $"{path}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}.tmp";
        try
        {
            using (var file = new FileStream(temp, new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = Private,
            }))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temp, path, overwrite: true);
        }
        catch
        {
            File.Delete(temp);
            throw;
        }
        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes a rename in this folder durable.</summary>
    public static void SyncFolder(string folder)
    {
        // .NET opens no folders; fsync of one needs the system call.
        var descriptor = Open(folder, 0x10000 /* O_DIRECTORY | O_RDONLY */);
        if (descriptor < 0) throw new IOException($"{folder}: cannot open it to sync (errno {Marshal.GetLastPInvokeError()})");
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Fsync(descriptor) != 0) throw new IOException($"{folder}: fsync failed (errno {Marshal.GetLastPInvokeError()})");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);
}
