namespace Capillary.Node.Links;

/// <summary>
/// A rate that many share: who takes beyond what has come in waits until it has. An eighth of a second's worth is saved up: a reader that
/// begins fast would make HTTP/2 open its window wide, and what the window lets in ahead is on the wire whatever the reader does then.
/// </summary>
/// <param name="bytesPerSecond">More than 0.</param>
/// <param name="time">The clock; one that is set forth or back changes nothing.</param>
public sealed class TokenBucket(long bytesPerSecond, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly double most = bytesPerSecond / 8.0;
    private double tokens = bytesPerSecond / 8.0;
    private long filledAt = time.GetTimestamp();

    /// <summary>
    /// The most to read at once: a 32nd of a second. A reader pays for what it has read, so each that shares the rate is one piece ahead
    /// of it, and all windows are open again by then.
    /// </summary>
    public int Piece { get; } = (int)Math.Clamp(bytesPerSecond / 32, 1024, 64 << 10);

    /// <summary>Takes, and returns when the rate allows more.</summary>
    public async Task TakeAsync(int bytes, CancellationToken stop)
    {
        var wait = Take(bytes);
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, stop);
    }

    private TimeSpan Take(int bytes)
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            tokens = Math.Min(most, tokens + (time.GetElapsedTime(filledAt, now).TotalSeconds * bytesPerSecond)) - bytes;
            filledAt = now;
            return tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-tokens / bytesPerSecond);
        }
    }
}
