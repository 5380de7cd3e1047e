using System.Text;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Node.Carry;

/// <summary>
/// Bytes of any length, sealed to one site in chunks (docs/carry-format.md): mark, encapsulated key, then chunks of 64 KiB under the
/// sequence numbers of one HPKE context. The last chunk says that it is the last, so that a cut file is known from a whole one.
/// </summary>
public static class SealedFile
{
    /// <summary>Plaintext bytes of every chunk but the last.</summary>
    public const int ChunkBytes = 64 << 10;

    private const int SealedChunkBytes = ChunkBytes + Hpke.TagBytes;

    private static ReadOnlySpan<byte> Mark => "CAPSEAL1"u8;

    /// <summary>How long the sealed file of so many plaintext bytes is.</summary>
    public static long SealedLength(long plaintext) =>
        Mark.Length + Hpke.EncapsulatedBytes + plaintext + Math.Max(1, (plaintext + ChunkBytes - 1) / ChunkBytes) * Hpke.TagBytes;

    /// <summary>What a file is sealed for; a file of another site, generation or name does not open.</summary>
    public static byte[] InfoOf(FleetName fleet, SiteId site, long generation, string file) =>
        Encoding.UTF8.GetBytes($"capillary carry v1\n{fleet}\n{site}\n{generation}\n{file}");

    /// <summary>Seals <paramref name="from"/> to its end.</summary>
    public static async Task SealAsync(PublicKey to, byte[] info, Stream from, Stream into, CancellationToken stop)
    {
        using var ephemeral = SealingKey.Create();
        using var context = Hpke.SetUpSender(to, ephemeral.Secret, info, out var encapsulated);
        await into.WriteAsync((byte[])[.. Mark, .. encapsulated], stop);
        var (chunk, next) = (new byte[ChunkBytes], new byte[ChunkBytes]);
        var sealedChunk = new byte[SealedChunkBytes];
        var length = await from.ReadAtLeastAsync(chunk, ChunkBytes, throwOnEndOfStream: false, stop);
        for (var last = false; !last;)
        {
            // Only who has looked further knows that a chunk is the last.
            var following = length == ChunkBytes ? await from.ReadAtLeastAsync(next, ChunkBytes, throwOnEndOfStream: false, stop) : 0;
            last = following == 0;
            context.Seal(Aad(last), chunk.AsSpan(0, length), sealedChunk.AsSpan(0, length + Hpke.TagBytes));
            await into.WriteAsync(sealedChunk.AsMemory(0, length + Hpke.TagBytes), stop);
            (chunk, next, length) = (next, chunk, following);
        }
    }

    /// <summary>
    /// Opens a sealed file into <paramref name="into"/>, chunk by chunk: what was written is of no use unless null comes back.
    /// </summary>
    /// <param name="own">The site's sealing key.</param>
    /// <param name="info">As it was sealed for.</param>
    /// <param name="from">The sealed bytes.</param>
    /// <param name="into">Takes the plaintext.</param>
    /// <param name="mostBytes">The most plaintext that is taken.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>Null when all of it is there; else what is wrong with it.</returns>
    public static async Task<string?> OpenAsync(SealingKey own, byte[] info, Stream from, Stream into, long mostBytes,
        CancellationToken stop)
    {
        var head = new byte[Mark.Length + Hpke.EncapsulatedBytes];
        if (await from.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, stop) < head.Length) return "is cut short";
        if (!head.AsSpan(0, Mark.Length).SequenceEqual(Mark)) return "is no sealed file of version 1";
        HpkeContext context;
        try
        {
            context = Hpke.SetUpRecipient(own.Secret, head.AsSpan(Mark.Length), info);
        }
        catch (FormatException)
        {
            return "is damaged";
        }
        using (context) return await OpenChunksAsync(context, from, into, mostBytes, stop);
    }

    private static async Task<string?> OpenChunksAsync(HpkeContext context, Stream from, Stream into, long mostBytes,
        CancellationToken stop)
    {
        var (chunk, next) = (new byte[SealedChunkBytes], new byte[SealedChunkBytes]);
        var plain = new byte[ChunkBytes];
        var length = await from.ReadAtLeastAsync(chunk, SealedChunkBytes, throwOnEndOfStream: false, stop);
        for (var first = true; ; first = false)
        {
            if (length < Hpke.TagBytes) return "is cut short";
            var following = length == SealedChunkBytes
                ? await from.ReadAtLeastAsync(next, SealedChunkBytes, throwOnEndOfStream: false, stop)
                : 0;
            var opened = plain.AsMemory(0, length - Hpke.TagBytes);
            if (!context.TryOpen(Aad(following == 0), chunk.AsSpan(0, length), opened.Span))
                return first ? "is damaged, cut short, or sealed for another key or use" : "is damaged or cut short";
            if ((mostBytes -= opened.Length) < 0) return "is longer than it should be";
            await into.WriteAsync(opened, stop);
            if (following == 0) return null;
            (chunk, next, length) = (next, chunk, following);
        }
    }

    private static byte[] Aad(bool last) => [last ? (byte)1 : (byte)0];
}
