using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply;

/// <summary>Log events 4000–4099: apply, whatever it applies to.</summary>
internal static partial class ApplyLog
{
    [LoggerMessage(4000, LogLevel.Information, "apply: {Phase} since {Since}, bundle {Bundle}")]
    public static partial void Phase(ILogger log, string phase, long? since, string? bundle);

    [LoggerMessage(4005, LogLevel.Error, "{What}: state not written: {Reason}")]
    public static partial void NotSaved(ILogger log, string what, string reason);

    [LoggerMessage(4007, LogLevel.Warning, "{Code} {Subject}: {Text}")]
    public static partial void Condition(ILogger log, string code, string subject, string text);

    [LoggerMessage(4008, LogLevel.Error, "state was unreadable and is kept at {Aside}: {Reason}")]
    public static partial void StateLost(ILogger log, string aside, string reason);

    [LoggerMessage(4011, LogLevel.Warning, "an operator overrides a hold that is past its max: {Hold}")]
    public static partial void Overridden(ILogger log, string hold);

    [LoggerMessage(4009, LogLevel.Error, "a task of apply failed")]
    public static partial void Bug(ILogger log, Exception reason);
}
