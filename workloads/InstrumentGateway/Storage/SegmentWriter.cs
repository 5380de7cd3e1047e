namespace InstrumentGateway.Storage;

/// <summary>
/// Appends to the segment in use. After <see cref="Append"/> returns, the bytes are on the disk; if it throws, none of
/// them count, and the next call starts from what was durable before.
/// </summary>
internal sealed class SegmentWriter(DataFolder folder, int lastSegment, bool continues, long segmentBytes) : IDisposable
{
    private static readonly byte[] Probe = new byte[4096];
    private FileStream? file;
    private long durable;

    /// <summary>The segment in use, or the last one there was.</summary>
    public int Number { get; private set; } = lastSegment;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (file is not null && durable > SegmentScan.Magic.Length && durable + bytes.Length > segmentBytes)
            Close();
        Write(bytes);
        durable += bytes.Length;
    }

    /// <summary>Throws if nothing can be written now. Leaves no trace.</summary>
    public void TryWrite()
    {
        Write(Probe);
        CutBack(keep: true);
    }

    public void Dispose() => Close();

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Open();
        var written = false;
        try
        {
            RandomAccess.Write(file!.SafeFileHandle, bytes, durable);
            written = true;
            RandomAccess.FlushToDisk(file.SafeFileHandle);
        }
        catch
        {
            CutBack(keep: !written);
            throw;
        }
    }

    private void Open()
    {
        if (file is not null)
            return;
        var last = folder.SegmentPath(Number);
        // Only a start continues a segment; recovery has left it with good records to its end.
        if (continues && durable == 0 && Number > 0 && new FileInfo(last).Length is var length && length < segmentBytes)
        {
            OpenFile(last, FileMode.Open, length);
            return;
        }

        var path = folder.SegmentPath(Number + 1);
        try
        {
            OpenFile(path, FileMode.Create, 0);
            folder.Sync();
        }
        catch
        {
            Close();
            File.Delete(path);
            throw;
        }

        Number++;
    }

    private void OpenFile(string path, FileMode mode, long length)
    {
        var opened = DataFolder.OpenFile(path, mode);
        try
        {
            // An empty last segment has lost even its header.
            if (length < SegmentScan.Magic.Length)
            {
                RandomAccess.Write(opened.SafeFileHandle, SegmentScan.Magic, 0);
                RandomAccess.FlushToDisk(opened.SafeFileHandle);
            }
        }
        catch
        {
            opened.Dispose();
            throw;
        }

        file = opened;
        durable = Math.Max(length, SegmentScan.Magic.Length);
    }

    // After a failed fsync the kernel may have dropped the pages and will not say so twice: such a segment is not used again.
    private void CutBack(bool keep)
    {
        try
        {
            RandomAccess.SetLength(file!.SafeFileHandle, durable);
            if (keep)
                return;
        }
        catch (IOException)
        {
            // The bytes past the durable end are of no acknowledged message; recovery judges them.
        }

        Close();
        if (durable > SegmentScan.Magic.Length)
            return;
        // Nothing is in it: a disk that stays full must not grow a row of empty segments.
        File.Delete(folder.SegmentPath(Number));
        Number--;
    }

    private void Close()
    {
        file?.Dispose();
        file = null;
    }
}
