using System.Runtime.InteropServices;

namespace Capillary.Node.Journal;

/// <summary>Flushes a folder, so that a rename or a new name in it survives a power cut.</summary>
public static partial class DurableFolder
{
    private const int CloseOnExec = 0x80000;

    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Flush(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        var descriptor = Open(path, CloseOnExec);
        if (descriptor < 0) throw Failure(path);
        try
        {
            // EINVAL: a file system that knows no such thing (some FUSE ones); it cannot be had there.
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != 22) throw Failure(path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failure(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
