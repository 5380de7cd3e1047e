using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Log events 4050–4079: apply to a cluster.</summary>
internal static partial class KubeLog
{
    [LoggerMessage(4051, LogLevel.Warning, "{Kind}: not watched: {Problem}")]
    public static partial void NotWatched(ILogger log, string kind, string problem);

    [LoggerMessage(4052, LogLevel.Information, "{Object}: {Act}")]
    public static partial void Acted(ILogger log, string @object, string act);

    [LoggerMessage(4053, LogLevel.Information, "{Count} objects are known from the cluster's own list")]
    public static partial void Remembered(ILogger log, int count);
}
