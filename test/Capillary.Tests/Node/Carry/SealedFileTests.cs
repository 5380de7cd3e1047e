using Capillary.Core.Identity;
using Capillary.Node.Carry;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.Node.Carry;

public sealed class SealedFileTests : IDisposable
{
    private const int Chunk = SealedFile.ChunkBytes;
    private const int Head = 8 + 65;
    private static readonly byte[] Info = SealedFile.InfoOf(new FleetName("labs"), new SiteId("a"), 7, "blob-00001.sealed");
    private readonly SealingKey key = SealingKey.Create();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData(Chunk + 1)]
    [InlineData(3 * Chunk)]
    public async Task What_was_sealed_is_read_again_and_has_the_length_that_was_said(int length)
    {
        var bytes = Bytes(length);
        var file = await SealAsync(bytes);
        Assert.Equal(SealedFile.SealedLength(length), file.Length);
        var (problem, opened) = await OpenAsync(file);
        Assert.Null(problem);
        Assert.Equal(bytes, opened);
    }

    [Theory]
    [InlineData(2 * Chunk)]
    [InlineData(2 * Chunk + 100)]
    public async Task A_file_that_was_cut_anywhere_is_not_whole(int length)
    {
        var file = await SealAsync(Bytes(length));
        foreach (var cut in (int[])[0, 1, Head - 1, Head, Head + 15, Head + 16, Head + Chunk, Head + Chunk + 16, Head + Chunk + 17,
            file.Length - 17, file.Length - 1])
            Assert.NotNull((await OpenAsync(file[..cut])).Problem);
    }

    [Fact]
    public async Task Chunks_in_another_order_or_more_of_them_do_not_open()
    {
        var file = await SealAsync(Bytes(3 * Chunk));
        var (one, two, three) = (ChunkAt(file, 0), ChunkAt(file, 1), ChunkAt(file, 2));
        var head = file[..Head];
        foreach (var changed in (byte[][])
            [
                [.. head, .. two, .. one, .. three], [.. head, .. one, .. three], [.. head, .. one, .. one, .. two, .. three],
                [.. file, .. three], [.. file, 0],
            ])
            Assert.NotNull((await OpenAsync(changed)).Problem);
    }

    [Fact]
    public async Task A_changed_byte_anywhere_is_seen()
    {
        var file = await SealAsync(Bytes(Chunk + 10));
        for (var at = 0; at < file.Length; at += 997)
        {
            file[at] ^= 1;
            Assert.NotNull((await OpenAsync(file)).Problem);
            file[at] ^= 1;
        }
        Assert.Null((await OpenAsync(file)).Problem);
    }

    [Fact]
    public async Task It_opens_for_its_site_generation_and_place_only()
    {
        var file = await SealAsync(Bytes(10));
        var (fleet, site) = (new FleetName("labs"), new SiteId("a"));
        foreach (var info in (byte[][])
            [
                SealedFile.InfoOf(new FleetName("wards"), site, 7, "blob-00001.sealed"),
                SealedFile.InfoOf(fleet, new SiteId("b"), 7, "blob-00001.sealed"),
                SealedFile.InfoOf(fleet, site, 8, "blob-00001.sealed"), SealedFile.InfoOf(fleet, site, 7, "blob-00002.sealed"),
            ])
            Assert.NotNull((await OpenAsync(file, info)).Problem);
        using var other = SealingKey.Create();
        Assert.NotNull((await OpenAsync(file, Info, other)).Problem);
    }

    [Fact]
    public async Task More_than_was_said_is_not_taken()
    {
        var file = await SealAsync(Bytes(Chunk + 1));
        Assert.Equal("is longer than it should be", (await OpenAsync(file, most: Chunk)).Problem);
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static byte[] ChunkAt(byte[] file, int index) => file.AsSpan(Head + index * (Chunk + 16), Chunk + 16).ToArray();

    private async Task<byte[]> SealAsync(byte[] bytes)
    {
        using var file = new MemoryStream();
        await SealedFile.SealAsync(key.Public, Info, new MemoryStream(bytes), file, CancellationToken.None);
        return file.ToArray();
    }

    private async Task<(string? Problem, byte[] Opened)> OpenAsync(byte[] file, byte[]? info = null, SealingKey? by = null,
        long most = long.MaxValue)
    {
        using var into = new MemoryStream();
        var problem = await SealedFile.OpenAsync(by ?? key, info ?? Info, new MemoryStream(file), into, most, CancellationToken.None);
        return (problem, into.ToArray());
    }

    public void Dispose() => key.Dispose();
}
