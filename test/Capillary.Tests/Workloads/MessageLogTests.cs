using System.Runtime.Versioning;
using System.Text;
using InstrumentGateway.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.Workloads;

[SupportedOSPlatform("linux")]
public sealed class MessageLogTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_checksum_is_crc32c() => Assert.Equal(0xE3069283, Crc32C.Of("123456789"u8));

    [Fact]
    public async Task Ids_survive_a_restart()
    {
        await using (var log = Open())
        {
            Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record("1", "a")));
            Assert.Equal(AppendOutcome.Duplicate, await log.AppendAsync(Record("1", "a")));
            Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Rejected("bad")));
        }

        await using var again = Open();
        Assert.Equal(AppendOutcome.Duplicate, await again.AppendAsync(Record("1", "a")));
        Assert.Equal(AppendOutcome.Conflict, await again.AppendAsync(Record("1", "b")));
        Assert.Equal(AppendOutcome.Duplicate, await again.AppendAsync(Rejected("bad")));
        Assert.Equal(["a"], again.Newest.Select(r => Encoding.UTF8.GetString(r.Content.Span)));
    }

    [Fact]
    public async Task One_id_from_many_senders_at_once_is_stored_once()
    {
        await using var log = Open();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(() => log.AppendAsync(Record("1", "a")))));
        Assert.Equal(1, outcomes.Count(o => o == AppendOutcome.Stored));
        Assert.Equal(63, outcomes.Count(o => o == AppendOutcome.Duplicate));
    }

    [Fact]
    public async Task Cut_at_any_byte_it_keeps_every_whole_record_and_sets_the_rest_aside()
    {
        await Fill("1", "2", "3");
        var whole = await File.ReadAllBytesAsync(Segment(1));
        for (var cut = 0; cut < whole.Length; cut++)
        {
            await File.WriteAllBytesAsync(Segment(1), whole[..cut]);
            File.Delete(Segment(1) + ".torn");
            await using var log = Open();
            var size = (whole.Length - 8) / 3;
            Assert.Equal(Math.Max(0, cut - 8) / size, log.Newest.Count);
            var rest = cut < 8 ? cut : (cut - 8) % size;
            Assert.Equal(rest, File.Exists(Segment(1) + ".torn") ? new FileInfo(Segment(1) + ".torn").Length : 0);
            Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record("4", "d")));
        }
    }

    [Fact]
    public async Task Damage_before_good_records_is_stepped_over_and_counted_and_the_file_is_left_alone()
    {
        await Fill("1", "2", "3");
        var bytes = await File.ReadAllBytesAsync(Segment(1));
        bytes[8 + ((bytes.Length - 8) / 3) + 20] ^= 1;
        await File.WriteAllBytesAsync(Segment(1), bytes);
        await using var log = Open();
        Assert.Equal(1, log.State.Damaged);
        Assert.Equal(0, log.State.Torn);
        Assert.Equal(2, log.Newest.Count);
        Assert.Equal(AppendOutcome.Duplicate, await log.AppendAsync(Record("3", "content")));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Segment(1)));
    }

    [Fact]
    public async Task Segments_rotate_and_the_oldest_ids_are_forgotten()
    {
        await using (var log = Open(segmentBytes: 200))
        {
            for (var i = 0; i < 40; i++)
                Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record($"{i}", "content")));
            Assert.Equal(14, log.State.Segment);
            Assert.Equal(AppendOutcome.Duplicate, await log.AppendAsync(Record("39", "content")));
            Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record("0", "content")));
        }

        await using var again = Open(segmentBytes: 200);
        Assert.Equal(AppendOutcome.Duplicate, await again.AppendAsync(Record("39", "content")));
        Assert.Equal(14, Directory.GetFiles(folder.Path, "*.log").Length);
    }

    [Fact]
    public async Task Files_are_for_the_owner_only_and_one_process_only()
    {
        await using var log = Open();
        Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record("1", "a")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Segment(1)));
        Assert.Throws<IOException>(() => Open());
    }

    [Fact]
    public async Task A_segment_of_another_format_is_refused()
    {
        await File.WriteAllTextAsync(Segment(1), "IGWLOG99 and more");
        Assert.Throws<InvalidDataException>(() => Open());
    }

    private async Task Fill(params string[] ids)
    {
        await using var log = Open();
        foreach (var id in ids)
            Assert.Equal(AppendOutcome.Stored, await log.AppendAsync(Record(id, "content")));
    }

    private MessageLog Open(long segmentBytes = 64 << 20) =>
        MessageLog.Open(new(folder.Path, segmentBytes), TimeProvider.System, NullLogger.Instance);

    private string Segment(int number) => Path.Combine(folder.Path, $"messages-{number:D8}.log");

    private static LogRecord Record(string id, string content) =>
        LogRecord.Accepted(DateTimeOffset.UnixEpoch, "main", LogRecord.IdOf("APP", "LAB", id), Bytes(content));

    private static LogRecord Rejected(string content) => LogRecord.Rejected(DateTimeOffset.UnixEpoch, "main", "why", Bytes(content));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
