using Capillary.Core.Protocol;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Links;

public sealed class FrameStreamTests
{
    /// <summary>HTTP/2 disposes a request's stream when the parent is killed; the agent must dial again, not end.</summary>
    [Fact]
    public async Task A_write_to_a_stream_that_was_disposed_meanwhile_is_a_broken_stream()
    {
        var output = new MemoryStream();
        using var frames = new FrameStream(Stream.Null, output);
        await output.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => frames.WriteAsync(Frame.Beat.Instance, CancellationToken.None).AsTask());
    }
}
