using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Log events 4000–4099: apply on a host.</summary>
internal static partial class HostLog
{
    [LoggerMessage(4000, LogLevel.Information, "apply: {Phase} since {Since}, bundle {Bundle}")]
    public static partial void Phase(ILogger log, string phase, long? since, string? bundle);

    [LoggerMessage(4001, LogLevel.Information, "service {Service}: started as process {Pid}, attempt {Attempt}")]
    public static partial void Started(ILogger log, string service, int pid, int attempt);

    [LoggerMessage(4002, LogLevel.Information, "service {Service}: process {Pid} adopted")]
    public static partial void Adopted(ILogger log, string service, int pid);

    [LoggerMessage(4003, LogLevel.Warning, "service {Service}: {Text}, {Failures} in a row")]
    public static partial void Ended(ILogger log, string service, string text, int failures);

    [LoggerMessage(4004, LogLevel.Information, "service {Service}: stopped")]
    public static partial void Stopped(ILogger log, string service);

    [LoggerMessage(4005, LogLevel.Error, "{What}: state not written: {Reason}")]
    public static partial void NotSaved(ILogger log, string what, string reason);

    [LoggerMessage(4006, LogLevel.Warning, "service {Service}: log not rotated: {Reason}")]
    public static partial void NotRotated(ILogger log, string service, string reason);

    [LoggerMessage(4007, LogLevel.Warning, "{Code} {Subject}: {Text}")]
    public static partial void Condition(ILogger log, string code, string subject, string text);

    [LoggerMessage(4008, LogLevel.Error, "state was unreadable and is kept at {Aside}: {Reason}")]
    public static partial void StateLost(ILogger log, string aside, string reason);

    [LoggerMessage(4009, LogLevel.Error, "a task of apply failed")]
    public static partial void Bug(ILogger log, Exception reason);

    [LoggerMessage(4010, LogLevel.Warning, "service {Service}: its systemd unit cannot be made right: {Reason}")]
    public static partial void UnitFailed(ILogger log, string service, string reason);
}
