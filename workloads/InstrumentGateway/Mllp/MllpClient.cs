using System.Net.Sockets;

namespace InstrumentGateway.Mllp;

/// <summary>Sends one message over a connection of its own, and waits for the acknowledgement.</summary>
internal static class MllpClient
{
    /// <summary>Throws <see cref="IOException"/> or <see cref="SocketException"/> when there is no whole answer.</summary>
    public static async Task<byte[]> SendAsync(string host, int port, ReadOnlyMemory<byte> content, CancellationToken stop)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host, port, stop);
        await using var stream = client.GetStream();
        await stream.WriteAsync(MllpFrame.Around(content.Span), stop);
        var framer = new MllpFramer(new FrameLimits());
        var buffer = new byte[4096];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, stop);
            if (read == 0)
                throw new IOException("the connection was closed before an acknowledgement came");
            ReadOnlyMemory<byte> input = buffer.AsMemory(0, read);
            switch (framer.Next(ref input))
            {
                case FrameEvent.Message:
                    return framer.Content.ToArray();
                case FrameEvent.TooLarge or FrameEvent.TooMuchJunk:
                    throw new IOException("the answer is not an MLLP block");
            }
        }
    }
}
