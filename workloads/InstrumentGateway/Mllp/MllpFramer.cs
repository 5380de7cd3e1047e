using System.Buffers;

namespace InstrumentGateway.Mllp;

internal enum FrameEvent
{
    /// <summary>All input is taken; more is needed.</summary>
    More,

    /// <summary><see cref="MllpFramer.Content"/> is a whole message.</summary>
    Message,

    /// <summary>The message is too large; <see cref="MllpFramer.Content"/> is its beginning. The stream is of no further use.</summary>
    TooLarge,

    /// <summary>A new start block inside a message: the sender gave that one up.</summary>
    Abandoned,

    /// <summary>Too many bytes before a start block: whoever this is, it does not speak MLLP.</summary>
    TooMuchJunk,
}

/// <summary>The framing limits. Junk is counted anew before each message.</summary>
internal sealed record FrameLimits(int MessageBytes = 4 << 20, int JunkBytes = 64 << 10);

/// <summary>
/// Cuts a byte stream into messages: 0B content 1C 0D, however TCP splits it. 1C ends a message only with 0D after it;
/// taking less would acknowledge a cut message.
/// </summary>
internal sealed class MllpFramer(FrameLimits limits)
{
    public const byte StartBlock = 0x0B;
    public const byte EndBlock = 0x1C;
    public const byte CarriageReturn = 0x0D;

    private const int KeptCapacity = 64 << 10;
    private ArrayBufferWriter<byte> content = new();
    private int junk;
    private int size;
    private bool complete;

    /// <summary>A message has begun and not ended.</summary>
    public bool InMessage { get; private set; }

    /// <summary>Valid until the next call of <see cref="Next"/>.</summary>
    public ReadOnlyMemory<byte> Content => content.WrittenMemory[..size];

    /// <summary>Takes from the front of the input until something happens.</summary>
    public FrameEvent Next(ref ReadOnlyMemory<byte> input)
    {
        if (complete)
            Reset();
        while (!input.IsEmpty)
        {
            var happened = InMessage ? Read(ref input) : Skip(ref input);
            if (happened != FrameEvent.More)
                return happened;
        }

        return FrameEvent.More;
    }

    private FrameEvent Skip(ref ReadOnlyMemory<byte> input)
    {
        var start = input.Span.IndexOf(StartBlock);
        InMessage = start >= 0;
        junk += InMessage ? start : input.Length;
        input = InMessage ? input[(start + 1)..] : default;
        return junk > limits.JunkBytes ? FrameEvent.TooMuchJunk : FrameEvent.More;
    }

    private FrameEvent Read(ref ReadOnlyMemory<byte> input)
    {
        var span = input.Span;
        if (content.WrittenCount > 0 && content.WrittenSpan[^1] == EndBlock && span[0] == CarriageReturn)
        {
            input = input[1..];
            return End(FrameEvent.Message, content.WrittenCount - 1);
        }

        var mark = span.IndexOfAny(EndBlock, StartBlock);
        if (mark < 0)
            mark = span.Length;
        else if (span[mark] == EndBlock)
            mark++;
        else if (mark == 0)
            return Abandon(ref input);
        // One byte more than a message may have, for the end block that is then taken off.
        var room = limits.MessageBytes + 1 - content.WrittenCount;
        content.Write(span[..Math.Min(mark, room)]);
        input = input[mark..];
        return mark > room ? End(FrameEvent.TooLarge, content.WrittenCount) : FrameEvent.More;
    }

    // The end block was written with the content, so that it could be recognised across reads.
    private FrameEvent End(FrameEvent how, int contentSize)
    {
        (complete, InMessage, size) = (true, false, contentSize);
        return how;
    }

    private FrameEvent Abandon(ref ReadOnlyMemory<byte> input)
    {
        input = input[1..];
        Reset();
        InMessage = true;
        return FrameEvent.Abandoned;
    }

    private void Reset()
    {
        // A large message must not hold its memory for the life of the connection.
        if (content.Capacity > KeptCapacity)
            content = new();
        content.ResetWrittenCount();
        (junk, size, complete) = (0, 0, false);
    }
}
