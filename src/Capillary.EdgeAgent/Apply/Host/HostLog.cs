using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Log events 4000–4049: services and files of a host.</summary>
internal static partial class HostLog
{
    [LoggerMessage(4001, LogLevel.Information, "service {Service}: started as process {Pid}, attempt {Attempt}")]
    public static partial void Started(ILogger log, string service, int pid, int attempt);

    [LoggerMessage(4002, LogLevel.Information, "service {Service}: process {Pid} adopted")]
    public static partial void Adopted(ILogger log, string service, int pid);

    [LoggerMessage(4003, LogLevel.Warning, "service {Service}: {Text}, {Failures} in a row")]
    public static partial void Ended(ILogger log, string service, string text, int failures);

    [LoggerMessage(4004, LogLevel.Information, "service {Service}: stopped")]
    public static partial void Stopped(ILogger log, string service);

    [LoggerMessage(4006, LogLevel.Warning, "service {Service}: log not rotated: {Reason}")]
    public static partial void NotRotated(ILogger log, string service, string reason);

    [LoggerMessage(4010, LogLevel.Warning, "service {Service}: its systemd unit cannot be made right: {Reason}")]
    public static partial void UnitFailed(ILogger log, string service, string reason);
}
