using System.Net;
using System.Net.Sockets;
using System.Text;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Asks a service whether it is healthy. Loopback (IPv4) only; a plain socket, so an idle agent holds no HTTP machinery.</summary>
internal sealed class HealthProber(ServiceLauncher launcher, TimeProvider time)
{
    /// <summary>Null when healthy, else why not.</summary>
    public async Task<string?> AskAsync(ServiceObject service, HealthProbe probe, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(probe.TimeoutSeconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token);
        try
        {
            return probe switch
            {
                HealthProbe.Http http => await HttpAsync(http, either.Token),
                HealthProbe.Tcp tcp => await TcpAsync(tcp.Port, either.Token),
                HealthProbe.Exec exec => await ExecAsync(service, exec, either.Token),
                _ => $"unknown probe {probe.GetType().Name}",
            };
        }
        catch (OperationCanceledException)
        {
            return $"no answer within {probe.TimeoutSeconds} s";
        }
        catch (Exception e) when (e is SocketException or IOException or StepException or System.ComponentModel.Win32Exception)
        {
            return e.Message;
        }
    }

    private static async Task<string?> TcpAsync(int port, CancellationToken stop)
    {
        using var socket = await ConnectAsync(port, stop);
        return null;
    }

    private static async Task<string?> HttpAsync(HealthProbe.Http probe, CancellationToken stop)
    {
        using var socket = await ConnectAsync(probe.Port, stop);
        var request = $"GET {probe.Path} HTTP/1.1\r\nHost: localhost:{probe.Port}\r\nUser-Agent: capillary\r\nConnection: close\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), stop);
        var head = new byte[12];
        for (var count = 0; count < head.Length;)
        {
            var more = await socket.ReceiveAsync(head.AsMemory(count), stop);
            if (more == 0) return "the connection ended before an answer";
            count += more;
        }
        var line = Encoding.ASCII.GetString(head);
        var known = line.StartsWith("HTTP/1.", StringComparison.Ordinal) && int.TryParse(line.AsSpan(9), out _);
        var status = known ? int.Parse(line.AsSpan(9)) : 0;
        return status is >= 200 and <= 399 ? null : known ? $"GET {probe.Path} answered {status}" : "the answer is not HTTP";
    }

    private static async Task<Socket> ConnectAsync(int port, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, stop);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<string?> ExecAsync(ServiceObject service, HealthProbe.Exec probe, CancellationToken stop)
    {
        using var process = launcher.Start(service, probe.Command, mark: null, "/dev/null");
        try
        {
            await process.WaitForExitAsync(stop);
            return process.ExitCode == 0 ? null : $"'{probe.Command[0]}' ended with {process.ExitCode}";
        }
        finally
        {
            if (!process.HasExited) _ = Libc.Signal(-process.Id, Libc.Kill);
        }
    }
}
