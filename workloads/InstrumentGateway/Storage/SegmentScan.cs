using Microsoft.Win32.SafeHandles;

namespace InstrumentGateway.Storage;

/// <summary>
/// Reads one segment from its start. Bad bytes after which no record follows are a torn tail; bad bytes before a good
/// record are damage to what was once acknowledged, and are only stepped over.
/// </summary>
internal sealed class SegmentScan(string path, SafeFileHandle file)
{
    /// <summary>The first eight bytes of a segment; the digits are the format's version.</summary>
    public static ReadOnlySpan<byte> Magic => "IGWLOG01"u8;

    private readonly long length = RandomAccess.GetLength(file);
    private byte[] body = new byte[64 * 1024];

    /// <summary>Where the good records end.</summary>
    public long End { get; private set; }

    /// <summary>Ranges of bad bytes that good records follow.</summary>
    public int Damaged { get; private set; }

    public bool Torn => End < length;

    /// <summary>The records in order, each with its place. A record's content is valid until the next one.</summary>
    public IEnumerable<(long Offset, LogRecord Record)> Records()
    {
        if (!HasMagic())
            yield break;
        var offset = End = Magic.Length;
        while (offset < length)
        {
            if (ReadAt(offset) is { } record)
            {
                yield return (offset, record.Record);
                offset = End = offset + record.Size;
                continue;
            }

            offset = FindAfter(offset);
            if (offset < length)
                Damaged++;
        }
    }

    /// <summary>The record at a place, or null.</summary>
    public (LogRecord Record, int Size)? ReadAt(long offset)
    {
        var prefix = new byte[LogRecord.PrefixSize];
        if (!Fill(offset, prefix) || LogRecord.BodyLength(prefix) is var size && size < 0)
            return null;
        if (body.Length < size)
            body = new byte[size];
        var memory = body.AsMemory(0, size);
        return Fill(offset + prefix.Length, memory.Span) && LogRecord.Read(prefix, memory) is { } record
            ? (record, prefix.Length + size)
            : null;
    }

    private bool HasMagic()
    {
        var magic = new byte[Magic.Length];
        // Shorter than its header: the power went while it was created. Nothing can be lost in it.
        if (!Fill(0, magic))
            return false;
        if (!Magic.SequenceEqual(magic))
            throw new InvalidDataException($"'{path}' is not a segment that this version can read");
        return true;
    }

    // Text never looks like a plausible length, so hardly any offset costs a checksum.
    private long FindAfter(long bad)
    {
        var window = new byte[64 * 1024];
        for (var start = bad + 1; start + LogRecord.PrefixSize <= length; start += window.Length - LogRecord.PrefixSize)
        {
            var read = RandomAccess.Read(file, window, start);
            for (var i = 0; i + LogRecord.PrefixSize <= read; i++)
            {
                var size = LogRecord.BodyLength(window.AsSpan(i));
                if (size >= 0 && start + i + LogRecord.PrefixSize + size <= length && ReadAt(start + i) is not null)
                    return start + i;
            }
        }

        return length;
    }

    private bool Fill(long offset, Span<byte> to)
    {
        if (offset + to.Length > length)
            return false;
        while (to.Length > 0)
        {
            var read = RandomAccess.Read(file, to, offset);
            if (read == 0)
                return false;
            to = to[read..];
            offset += read;
        }

        return true;
    }
}
