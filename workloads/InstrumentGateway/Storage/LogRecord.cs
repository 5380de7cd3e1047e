using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace InstrumentGateway.Storage;

internal enum RecordKind : byte
{
    Accepted = 1,
    Rejected = 2,
}

/// <summary>
/// One kept message. On disk, little-endian:
/// <code>u32 length of body, u32 CRC-32C of body,
/// body = u8 1, u8 kind, i64 received (Unix ms), 16 bytes id, 16 bytes content hash, u8 n + listener, u16 n + reason, content</code>
/// Id and content hash are the first half of a SHA-256, stored so that recovery need not compute them again.
/// </summary>
internal sealed record LogRecord(
    RecordKind Kind, DateTimeOffset ReceivedAt, UInt128 Id, UInt128 ContentHash, string Listener, string Reason,
    ReadOnlyMemory<byte> Content)
{
    public const int PrefixSize = 8;
    public const int MaxBody = 16 << 20;
    private const int FixedSize = 1 + 1 + 8 + 16 + 16 + 1 + 2;

    public static LogRecord Accepted(DateTimeOffset at, string listener, UInt128 id, ReadOnlyMemory<byte> content) =>
        new(RecordKind.Accepted, at, id, Hash(content.Span), listener, "", content);

    public static LogRecord Rejected(DateTimeOffset at, string listener, string reason, ReadOnlyMemory<byte> content) =>
        new(RecordKind.Rejected, at, 0, Hash(content.Span), listener, reason, content);

    /// <summary>What makes a control id one: who sent it.</summary>
    public static UInt128 IdOf(string application, string facility, string controlId) =>
        Hash(Encoding.UTF8.GetBytes($"{application}\n{facility}\n{controlId}"));

    public static UInt128 Hash(ReadOnlySpan<byte> content)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    public void Write(ArrayBufferWriter<byte> to)
    {
        var size = FixedSize + Encoding.UTF8.GetByteCount(Listener) + Encoding.UTF8.GetByteCount(Reason) + Content.Length;
        var span = to.GetSpan(PrefixSize + size)[..(PrefixSize + size)];
        var body = span[PrefixSize..];
        body[0] = 1;
        body[1] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(body[2..], ReceivedAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteUInt128LittleEndian(body[10..], Id);
        BinaryPrimitives.WriteUInt128LittleEndian(body[26..], ContentHash);
        var listener = Encoding.UTF8.GetBytes(Listener, body[43..]);
        body[42] = (byte)listener;
        var rest = body[(43 + listener)..];
        var reason = Encoding.UTF8.GetBytes(Reason, rest[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)reason);
        Content.Span.CopyTo(rest[(2 + reason)..]);
        BinaryPrimitives.WriteInt32LittleEndian(span, size);
        BinaryPrimitives.WriteUInt32LittleEndian(span[4..], Crc32C.Of(body));
        to.Advance(span.Length);
    }

    /// <summary>The length of a body that a prefix announces, or -1 if no record has such a prefix.</summary>
    public static int BodyLength(ReadOnlySpan<byte> prefix)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
        return length is >= FixedSize and <= MaxBody ? length : -1;
    }

    /// <summary>The record, or null if its bytes are not what was written.</summary>
    public static LogRecord? Read(ReadOnlySpan<byte> prefix, ReadOnlyMemory<byte> body)
    {
        var b = body.Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(prefix[4..]) != Crc32C.Of(b) || b[0] != 1)
            return null;
        var listener = b[42];
        var reasonAt = 43 + listener + 2;
        var reason = BinaryPrimitives.ReadUInt16LittleEndian(b[(43 + listener)..]);
        return new(
            (RecordKind)b[1],
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(b[2..])),
            BinaryPrimitives.ReadUInt128LittleEndian(b[10..]),
            BinaryPrimitives.ReadUInt128LittleEndian(b[26..]),
            Encoding.UTF8.GetString(b.Slice(43, listener)),
            Encoding.UTF8.GetString(b.Slice(reasonAt, reason)),
            body[(reasonAt + reason)..]);
    }
}
