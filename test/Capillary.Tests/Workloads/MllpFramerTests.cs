using System.Text;
using InstrumentGateway.Mllp;
using Xunit;

namespace Capillary.Tests.Workloads;

public sealed class MllpFramerTests
{
    [Fact]
    public void Any_split_gives_the_same_messages()
    {
        var stream = Encoding.ASCII.GetBytes("\r\njunk\vone\u001c\r\vtw\u001co\r\u001c\r\n\v\u001c\r\vthree\u001c\r");
        for (var size = 1; size <= stream.Length; size++)
            Assert.Equal(["Message one", "Message tw\u001co\r", "Message ", "Message three"], Events(new(), stream.Chunk(size)));
    }

    [Fact]
    public void A_new_start_block_abandons_the_message_before_it() =>
        Assert.Equal(["Abandoned ", "Message two"], Events(new(), "\vone\vtwo\u001c\r"u8.ToArray()));

    [Theory]
    [InlineData(8, "Message 12345678")]
    [InlineData(7, "TooLarge 12345678")]
    public void The_size_limit_is_exact(int limit, string expected) =>
        Assert.Equal(expected, Events(new(MessageBytes: limit), "\v12345678\u001c\r"u8.ToArray()).First());

    [Fact]
    public void Too_much_junk_ends_it()
    {
        Assert.Equal(["TooMuchJunk "], Events(new(JunkBytes: 4), "GET /"u8.ToArray()));
        Assert.Equal(["Message a", "Message b"], Events(new(JunkBytes: 4), "\r\n\r\n\va\u001c\r\r\n\r\n\vb\u001c\r"u8.ToArray()));
    }

    private static List<string> Events(FrameLimits limits, params IEnumerable<byte[]> reads)
    {
        var framer = new MllpFramer(limits);
        var events = new List<string>();
        foreach (var read in reads)
        {
            ReadOnlyMemory<byte> input = read;
            while (framer.Next(ref input) is var what && what != FrameEvent.More)
            {
                events.Add($"{what} {Encoding.ASCII.GetString(framer.Content.Span)}");
                if (what is FrameEvent.TooLarge or FrameEvent.TooMuchJunk)
                    return events;
            }
        }

        return events;
    }
}
