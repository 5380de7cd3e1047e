namespace Capillary.Node.Journal;

/// <summary>Writes that survive a power cut whole or not at all: temp, fsync, rename, fsync of the folder.</summary>
public static class AtomicFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces the file; mode 0600. One writer of a path at a time; what a crash leaves beside it is overwritten by the next write.</summary>
    /// <exception cref="IOException">The disk is full or broken; the old file stands as it was.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var temp = path + ".tmp";
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
        DurableFolder.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
