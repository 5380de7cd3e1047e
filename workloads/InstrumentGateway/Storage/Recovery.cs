using Microsoft.Win32.SafeHandles;

namespace InstrumentGateway.Storage;

/// <summary>What a start found in the data folder. <c>Continue</c>: the last segment ends with a good record and may grow.</summary>
internal sealed record Recovered(
    MessageIndex Index, int LastSegment, bool Continue, long Bytes, int Torn, int Damaged, IReadOnlyList<LogRecord> Newest);

/// <summary>Rebuilds the index from the newest segments, and sets torn tails aside.</summary>
internal static class Recovery
{
    private const int NewestKept = 100;

    public static Recovered Run(DataFolder folder)
    {
        var numbers = folder.Segments();
        var index = new MessageIndex();
        var newest = new Queue<(int Segment, long Offset)>();
        int torn = 0, damaged = 0;
        var clean = true;
        foreach (var number in numbers.TakeLast(MessageIndex.RememberedSegments + 1))
        {
            using var file = DataFolder.OpenFile(folder.SegmentPath(number), FileMode.Open);
            var scan = new SegmentScan(file.Name, file.SafeFileHandle);
            foreach (var (offset, record) in scan.Records())
            {
                // A write that failed half-way may be on disk beside its retry: the first one counts.
                var again = record.Kind == RecordKind.Accepted && index.ContentOf(record.Id) is not null;
                index.Add(record, number);
                if (record.Kind != RecordKind.Accepted || again)
                    continue;
                newest.Enqueue((number, offset));
                if (newest.Count > NewestKept)
                    newest.Dequeue();
            }

            damaged += scan.Damaged;
            torn += scan.Torn ? 1 : 0;
            clean = !scan.Torn || TrySetAside(folder, file.SafeFileHandle, file.Name, scan.End);
        }

        var bytes = numbers.Sum(n => new FileInfo(folder.SegmentPath(n)).Length);
        return new(index, numbers.LastOrDefault(), clean, bytes, torn, damaged, Read(folder, newest));
    }

    // The tail was never acknowledged, so the sender still has it; it is kept all the same for a person to look at.
    private static bool TrySetAside(DataFolder folder, SafeFileHandle file, string path, long end)
    {
        try
        {
            var tail = new byte[RandomAccess.GetLength(file) - end];
            if (tail.Length > 0 && RandomAccess.Read(file, tail, end) > 0)
            {
                using var aside = DataFolder.OpenFile($"{path}.torn", FileMode.Create);
                RandomAccess.Write(aside.SafeFileHandle, tail, 0);
                RandomAccess.FlushToDisk(aside.SafeFileHandle);
                folder.Sync();
            }

            RandomAccess.SetLength(file, end);
            RandomAccess.FlushToDisk(file);
            return true;
        }
        catch (IOException)
        {
            // No room for it on a full disk: the tail stays where it is, the log goes on in a new segment, the next start tries again.
            return false;
        }
    }

    private static List<LogRecord> Read(DataFolder folder, IEnumerable<(int Segment, long Offset)> places)
    {
        var records = new List<LogRecord>();
        foreach (var group in places.GroupBy(p => p.Segment, p => p.Offset))
        {
            using var file = DataFolder.OpenFile(folder.SegmentPath(group.Key), FileMode.Open);
            var scan = new SegmentScan(file.Name, file.SafeFileHandle);
            foreach (var offset in group)
            {
                if (scan.ReadAt(offset) is { } found)
                    records.Add(found.Record with { Content = found.Record.Content.ToArray() });
            }
        }

        return records;
    }
}
