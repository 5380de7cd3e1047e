using InstrumentGateway.Configuration;
using InstrumentGateway.Intake;
using Microsoft.AspNetCore.Connections;

namespace InstrumentGateway.Mllp;

/// <summary>Serves the connections of one configured port, up to its limit. Kestrel owns the sockets and the stop.</summary>
internal sealed partial class MllpListener(
    ListenerConfig config, ListenerTally tally, MessageIntake intake, FrameLimits limits, TimeProvider time, ILogger<MllpListener> log)
{
    public async Task OnConnectedAsync(ConnectionContext connection)
    {
        if (!tally.TryConnect(config.MaxConnections))
        {
            LogFull(log, config.Name, config.MaxConnections);
            return;
        }

        try
        {
            LogConnected(log, config.Name, connection.RemoteEndPoint);
            var conversation = new MllpConversation(
                connection, tally, intake, new MllpFramer(limits), limits, TimeSpan.FromSeconds(config.IdleSeconds), time);
            LogEnded(log, config.Name, connection.RemoteEndPoint, await conversation.RunAsync());
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            LogEnded(log, config.Name, connection.RemoteEndPoint, "connection lost");
        }
        finally
        {
            tally.Disconnect();
        }
    }

    [LoggerMessage(301, LogLevel.Warning, "{Listener}: all {Limit} connections are in use, one more was closed")]
    private static partial void LogFull(ILogger log, string listener, int limit);

    [LoggerMessage(302, LogLevel.Information, "{Listener}: {Remote} connected")]
    private static partial void LogConnected(ILogger log, string listener, System.Net.EndPoint? remote);

    [LoggerMessage(303, LogLevel.Information, "{Listener}: {Remote} ended: {Why}")]
    private static partial void LogEnded(ILogger log, string listener, System.Net.EndPoint? remote, string why);
}
