using System.Buffers;
using System.Buffers.Binary;
using Capillary.Core.Protocol;

namespace Capillary.Node.Links;

/// <summary>Frames on a byte stream: 4 bytes of big-endian length, then the frame's JSON. One reader; writers take turns.</summary>
public sealed class FrameStream(Stream input, Stream output) : IDisposable
{
    private const int PrefixBytes = 4;
    private const int PieceBytes = 16 << 10;
    private readonly byte[] prefix = new byte[PrefixBytes];
    private readonly SemaphoreSlim turn = new(1);
    private long written;
    private volatile bool isWriting;

    /// <summary>Pieces (of a frame, at most 16 KiB) that the stream has taken; when it stands still while <see cref="IsWriting"/>, the
    /// peer reads no more.</summary>
    public long Written => Volatile.Read(ref written);

    /// <summary>A frame is on its way into the stream.</summary>
    public bool IsWriting => isWriting;

    /// <summary>The next frame; null when the peer ended the stream between two frames.</summary>
    /// <exception cref="ProtocolException">What came is no frame, or too long.</exception>
    /// <exception cref="IOException">The stream broke.</exception>
    public async ValueTask<Frame?> ReadAsync(CancellationToken stop)
    {
        var read = await input.ReadAtLeastAsync(prefix, PrefixBytes, throwOnEndOfStream: false, stop);
        if (read == 0) return null;
        if (read < PrefixBytes) throw new ProtocolException("bad-frame", "the stream ended inside a frame's length");
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
        if (length is 0 or > LinkProtocol.MaxFrameBytes) throw new ProtocolException("frame-too-long", $"a frame of {length} bytes");
        var buffer = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            await input.ReadExactlyAsync(buffer.AsMemory(0, (int)length), stop);
            return Frame.Parse(buffer.AsSpan(0, (int)length));
        }
        catch (EndOfStreamException e)
        {
            throw new ProtocolException("bad-frame", "the stream ended inside a frame", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <exception cref="IOException">The stream broke.</exception>
    public async ValueTask WriteAsync(Frame frame, CancellationToken stop)
    {
        var body = frame.ToBytes();
        // The same limit on both sides, so that a bug shows where it is.
        if (body.Length > LinkProtocol.MaxFrameBytes)
            throw new ProtocolException("frame-too-long", $"{frame.GetType().Name} of {body.Length} bytes");
        var message = new byte[PrefixBytes + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, body.Length);
        body.CopyTo(message, PrefixBytes);
        await turn.WaitAsync(stop);
        try
        {
            isWriting = true;
            for (var at = 0; at < message.Length; at += PieceBytes)
            {
                await output.WriteAsync(message.AsMemory(at, Math.Min(PieceBytes, message.Length - at)), stop);
                await output.FlushAsync(stop);
                Interlocked.Increment(ref written);
            }
        }
        catch (ObjectDisposedException e)
        {
            // HTTP/2 disposes a request's stream by itself when the peer resets it, at any moment between two writes.
            throw new IOException("the stream was closed by the other side", e);
        }
        finally
        {
            isWriting = false;
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();
}
