namespace Capillary.Node.Links;

/// <summary>Passes a stream through and keeps the first bytes that came: they tell what answers where TLS was expected.</summary>
internal sealed class FirstBytes(Stream inner) : Stream
{
    private const int Kept = 7;
    private readonly byte[] first = new byte[Kept];
    private int count;

    public ReadOnlySpan<byte> First => first.AsSpan(0, count);

    /// <summary>The description of a fatal TLS alert (RFC 8446 section 6) that was all the answer; 0: none.</summary>
    public int Alert => count == Kept && first[0] == 0x15 ? first[6] : 0;

    /// <summary>Whether something came that is no TLS record.</summary>
    public bool NotTls => count > 0 && (first[0] is not (0x15 or 0x16) || (count > 1 && first[1] != 3));

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        if (count < Kept) Keep(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> came)
    {
        var more = came[..Math.Min(came.Length, Kept - count)];
        more.CopyTo(first.AsSpan(count));
        count += more.Length;
    }
}
