using System.Net.Sockets;
using System.Text.Json;

namespace Capillary.EdgeAgent.Interlock;

/// <summary>A workload's end of the interlock: one question to the agent of a folder.</summary>
internal static class HoldCall
{
    // Longer than the agent may take.
    private static readonly TimeSpan Within = HoldSocket.ReadWithin + HoldSocket.AnswerWithin + TimeSpan.FromSeconds(5);

    /// <returns>What the agent answered, and the line that said so.</returns>
    /// <exception cref="InvalidDataException">It does not run, may not be asked, or said no; says what to do.</exception>
    public static async Task<(HoldAnswer Answer, string Line)> AskAsync(string data, HoldRequest request, CancellationToken stop)
    {
        var path = HoldFolder.SocketOf(Path.GetFullPath(data));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Within);
        try
        {
            var line = await SendAsync(path, request.ToLine(), limit.Token);
            var answer = JsonSerializer.Deserialize(line, HoldLines.Json.HoldAnswer)
                ?? throw new InvalidDataException($"{path}: the answer is not an agent's");
            return answer.Ok ? (answer, line.Trim()) : throw new InvalidDataException(answer.Error ?? "the agent refused");
        }
        catch (SocketException e)
        {
            throw new InvalidDataException(Advice(e.SocketErrorCode, path, data), e);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: the answer is not an agent's: {e.Message}", e);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new InvalidDataException($"{path}: the agent did not answer in {Within.TotalSeconds:0} s; see its log");
        }
    }

    private static async Task<string> SendAsync(string path, byte[] line, CancellationToken stop)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(HoldFolder.EndPointOf(path), stop);
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        await stream.WriteAsync(line, stop);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(stop);
    }

    private static string NotRunning(string data) => "the agent does not run and was told nothing; start it, then say it again: "
        + $"systemctl start capillary-edge (or: capillary-edge run --data {data})";

    private static string Advice(SocketError error, string path, string data) => error switch
    {
        SocketError.AccessDenied => $"this account may not use {path}; let the site's people name a group of it as holdGroup in "
            + "edge.json and restart the agent, or run this as root",
        SocketError.ConnectionRefused => NotRunning(data),
        SocketError.AddressNotAvailable => $"{NotRunning(data)}; if it runs, its log says why there is no {path} (event 4121)",
        _ => $"{path}: {new SocketException((int)error).Message}",
    };
}
