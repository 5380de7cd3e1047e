using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using InstrumentGateway.Mllp;

namespace Capillary.Tests.Workloads;

/// <summary>A sender that may misbehave: it writes any bytes, and reads acknowledgements until the end.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient client = new(AddressFamily.InterNetwork) { NoDelay = true };
    private readonly MllpFramer framer = new(new());
    private ReadOnlyMemory<byte> input;

    public RawClient(IPEndPoint to) => client.Connect(to);

    public async Task WriteAsync(byte[] bytes) => await client.GetStream().WriteAsync(bytes);

    /// <summary>The next message, LF for CR; null when the peer has closed.</summary>
    public async Task<string?> ReadMessageAsync()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (framer.Next(ref input) == FrameEvent.Message)
                return Sender.Text(framer.Content.ToArray());
            var buffer = new byte[4096];
            try
            {
                var read = await client.GetStream().ReadAsync(buffer, stop.Token);
                if (read == 0)
                    return null;
                input = buffer.AsMemory(0, read);
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <summary>Asks the kernel about the peer's socket: its receive queue, in /proc/net/tcp, is empty.</summary>
    public bool PeerHasReadAll()
    {
        var (local, remote) = (Name((IPEndPoint)client.Client.LocalEndPoint!), Name((IPEndPoint)client.Client.RemoteEndPoint!));
        var line = File.ReadLines("/proc/net/tcp").Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .First(l => l[1] == remote && l[2] == local);
        return line[4].EndsWith(":00000000", StringComparison.Ordinal);
    }

    public void Dispose() => client.Dispose();

    private static string Name(IPEndPoint endpoint) =>
        $"{BinaryPrimitives.ReadUInt32LittleEndian(endpoint.Address.GetAddressBytes()):X8}:{endpoint.Port:X4}";
}
