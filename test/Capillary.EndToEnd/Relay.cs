using System.Net;
using System.Net.Sockets;

namespace Capillary.EndToEnd;

/// <summary>
/// One cable without root: passes TCP connections on, and while it is cut holds back every byte in both directions without closing
/// anything, so that neither end is told.
/// </summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ended = new();
    private readonly IPEndPoint target;
    private readonly Task accepting;
    private readonly Lock gate = new();
    private TaskCompletionSource plugged = Plugged();

    public Relay(string target)
    {
        this.target = IPEndPoint.Parse(target);
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>Where to dial instead of the target, as host:port.</summary>
    public string Address => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    public bool IsCut
    {
        get
        {
            lock (gate) return !plugged.Task.IsCompleted;
        }
    }

    public void Cut()
    {
        lock (gate)
        {
            if (plugged.Task.IsCompleted) plugged = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Plug()
    {
        lock (gate) plugged.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync();
        listener.Dispose();
        await accepting;
        ended.Dispose();
    }

    private static TaskCompletionSource Plugged()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }

    private Task WhilePluggedAsync()
    {
        lock (gate) return plugged.Task;
    }

    private async Task AcceptAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync(ended.Token);
                carried.RemoveAll(task => task.IsCompleted);
                carried.Add(CarryAsync(near));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(carried);
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using (near)
        using (var far = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            try
            {
                await WhilePluggedAsync().WaitAsync(ended.Token);
                await far.ConnectAsync(target, ended.Token);
                await Task.WhenAll(PumpAsync(near, far), PumpAsync(far, near));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One end is gone; the other is told by the close.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer, ended.Token) is var read and > 0)
            {
                await WhilePluggedAsync().WaitAsync(ended.Token);
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), ended.Token);
            }
        }
        finally
        {
            // An end that closes is heard of at the other only when the cable is in.
            await WhilePluggedAsync().WaitAsync(ended.Token);
            to.Close();
        }
    }
}

/// <summary>All on loopback, with a cable of its own to every site.</summary>
internal sealed class RelayedGround : IGround, IAsyncDisposable
{
    private readonly LoopbackGround loopback = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, Relay> cables = new();

    public Task PrepareAsync(IReadOnlyList<string> nodes, CancellationToken stop) => loopback.PrepareAsync(nodes, stop);

    public string Listen(string parent) => loopback.Listen(parent);

    public string Dial(string child, string parent) =>
        parent == "hub" ? Listen(parent) : cables.GetOrAdd(child, _ => new Relay(Listen(parent))).Address;

    public (string Program, IReadOnlyList<string> Arguments) Command(string node, string program, IReadOnlyList<string> arguments) =>
        loopback.Command(node, program, arguments);

    /// <summary>The cable of a site; null when there is no such site.</summary>
    public Relay? CableOf(string site) => cables.GetValueOrDefault(site);

    public async ValueTask DisposeAsync()
    {
        foreach (var cable in cables.Values) await cable.DisposeAsync();
    }
}
