using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Apply;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Interlock;

/// <summary>
/// The agent's end of the interlock: workloads say "not now" and "go on" here. One request per connection, one answer; what is said is
/// durable before it is answered. Whatever a caller does, it keeps nobody else away for longer than <see cref="ReadWithin"/>.
/// </summary>
/// <param name="home">The agent's folder.</param>
/// <param name="group">The local group that may use it; null: the agent's own.</param>
/// <param name="apply">Whom it asks.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Events 4120–4129.</param>
internal sealed partial class HoldSocket(string home, string? group, SiteApply apply, TimeProvider time, ILogger log)
{
    /// <summary>The longest request, in bytes, its end of line included.</summary>
    public const int MaxRequest = 4096;

    /// <summary>How long a caller may take to send its request, and to take the answer.</summary>
    public static readonly TimeSpan ReadWithin = TimeSpan.FromSeconds(5);

    /// <summary>How long a request waits for the disk.</summary>
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    private const int MostAtOnce = 8;
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(30);
    private const string Example = """{"v":1,"do":"hold","name":"run","reason":"run in progress","maxSeconds":7200}""";

    /// <summary>Serves until stopped. What keeps it from opening is logged and tried again; the site runs on without it.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await apply.Begun.WaitAsync(stop);
        string? told = null;
        while (true)
        {
            try
            {
                using var socket = HoldFolder.Listen(home, group);
                Opened(log, HoldFolder.SocketOf(home), group ?? "its own");
                told = null;
                await AcceptAsync(socket, stop);
            }
            catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
            {
                if (told != e.Message) NotOpened(log, told = e.Message);
            }
            await Task.Delay(RetryEvery, time, stop);
        }
    }

    private async Task AcceptAsync(Socket socket, CancellationToken stop)
    {
        var slots = new SemaphoreSlim(MostAtOnce);
        while (true)
        {
            await slots.WaitAsync(stop);
            var caller = await socket.AcceptAsync(stop);
            _ = ServeAsync(caller, slots, stop);
        }
    }

    private async Task ServeAsync(Socket caller, SemaphoreSlim slots, CancellationToken stop)
    {
        try
        {
            using var _ = caller;
            var answer = await AnswerAsync(caller, stop);
            using var limit = Limit(ReadWithin, stop);
            var line = answer.ToLine();
            for (var sent = 0; sent < line.Length;) sent += await caller.SendAsync(line.AsMemory(sent), limit.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The caller went away, or the agent is asked to end: what was said is durable all the same.
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<HoldAnswer> AnswerAsync(Socket caller, CancellationToken stop)
    {
        byte[]? line;
        using (var limit = Limit(ReadWithin, stop))
        {
            try
            {
                line = await ReadLineAsync(caller, limit.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return HoldAnswer.Refused($"no request within {ReadWithin.TotalSeconds:0} s; expected one line such as {Example}");
            }
        }
        if (line is null) return HoldAnswer.Refused($"the request is longer than {MaxRequest} bytes");
        using var wait = Limit(AnswerWithin, stop);
        try
        {
            return await AnswerAsync(line, Caller(caller), wait.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return HoldAnswer.Refused($"it could not be made durable within {AnswerWithin.TotalSeconds:0} s (is the disk full?); "
                + "whether it came into force later: capillary-edge holds");
        }
    }

    private async Task<HoldAnswer> AnswerAsync(byte[] line, string caller, CancellationToken stop)
    {
        HoldRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(line, HoldLines.Json.HoldRequest);
        }
        catch (JsonException e)
        {
            return HoldAnswer.Refused($"not a request: {e.Message}; expected one line such as {Example}");
        }
        if (request is null || request.V != HoldRequest.CurrentVersion)
            return HoldAnswer.Refused($"a request of version {request?.V ?? 0}; this agent understands {HoldRequest.CurrentVersion}");
        var name = request.Name ?? Hold.DefaultName;
        switch (request.Do)
        {
            case "hold":
                var asked = new ApplyEvent.Held(name, request.Reason ?? "", request.MaxSeconds ?? Hold.DefaultMax);
                var told = await apply.HoldAsync(asked, stop);
                if (told.Refusal is null) Held(log, caller, $"{told.Holds.FirstOrDefault(hold => hold.Name == name)}", told.Applying);
                return HoldAnswer.Of(told, isUnhold: false);
            case "unhold":
                var left = await apply.UnholdAsync(new ApplyEvent.Unheld(name), stop);
                if (left.Ended) Unheld(log, caller, name);
                return HoldAnswer.Of(left, isUnhold: true);
            case "list":
                return HoldAnswer.Of(apply.Holds, isUnhold: false);
            default:
                return HoldAnswer.Refused($"there is no '{request.Do}' to do; use hold, unhold or list");
        }
    }

    /// <summary>Up to the end of the line or of what is sent; null: it is too long.</summary>
    private static async Task<byte[]?> ReadLineAsync(Socket caller, CancellationToken stop)
    {
        var bytes = new byte[MaxRequest];
        for (var length = 0; length < bytes.Length;)
        {
            var read = await caller.ReceiveAsync(bytes.AsMemory(length), stop);
            var end = Array.IndexOf(bytes, (byte)'\n', length, read);
            length += read;
            if (end >= 0) return bytes[..end];
            if (read == 0) return bytes[..length];
        }
        return null;
    }

    /// <summary>Who is at the other end, as the kernel says; for the log.</summary>
    private static string Caller(Socket socket)
    {
        const int SocketLevel = 1;
        const int PeerCredentials = 17;
        Span<int> who = stackalloc int[3];
        try
        {
            socket.GetRawSocketOption(SocketLevel, PeerCredentials, MemoryMarshal.AsBytes(who));
            return $"process {who[0]} of account {(uint)who[1]}";
        }
        catch (SocketException)
        {
            return "a process";
        }
    }

    private static CancellationTokenSource Limit(TimeSpan span, CancellationToken stop)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(span);
        return limit;
    }

    [LoggerMessage(4120, LogLevel.Information, "workloads may hold at {Socket}, group {Group}")]
    private static partial void Opened(ILogger log, string socket, string group);

    [LoggerMessage(4121, LogLevel.Error, "workloads cannot hold: {Reason}")]
    private static partial void NotOpened(ILogger log, string reason);

    [LoggerMessage(4122, LogLevel.Information, "{Caller} holds: {Hold}; under way: {Applying}")]
    private static partial void Held(ILogger log, string caller, string hold, bool applying);

    [LoggerMessage(4123, LogLevel.Information, "{Caller} ended hold '{Name}'")]
    private static partial void Unheld(ILogger log, string caller, string name);
}
