namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Health of pods and of what runs them to their end.</summary>
internal static class PodHealth
{
    public static ObjectHealth Pod(LiveObject item)
    {
        var message = item.Text("status", "message");
        var runsForEver = item.Text("spec", "restartPolicy") is "Always" or "";
        // A pod that ends is often a hook: an image that comes late would fail it at once and yet run it later.
        if (runsForEver && Waiting(item) is { Length: > 0 } waiting) return ObjectHealth.Degraded(waiting);
        return item.Text("status", "phase") switch
        {
            "Succeeded" => ObjectHealth.Healthy(message),
            "Failed" => ObjectHealth.Degraded(message.Length > 0 ? message : Failure(item)),
            "Unknown" => ObjectHealth.Degraded(message.Length > 0 ? message : "the node of the pod does not answer"),
            "Running" when runsForEver => Running(item, message),
            _ => ObjectHealth.Progressing(message),
        };
    }

    public static ObjectHealth Job(LiveObject item)
    {
        if (item.Condition("Failed") is { IsTrue: true } failed) return ObjectHealth.Degraded(failed.Text);
        if (item.Condition("Complete") is { IsTrue: true } complete) return ObjectHealth.Healthy(complete.Text);
        if (item.Condition("Suspended") is { IsTrue: true } suspended) return ObjectHealth.Suspended(suspended.Text);
        return ObjectHealth.Progressing($"{item.Number("status", "active")} pods are active");
    }

    public static ObjectHealth CronJob(LiveObject item)
    {
        if (item.Flag("spec", "suspend")) return ObjectHealth.Suspended("no job is started while spec.suspend is true");
        var begun = item.Text("status", "lastScheduleTime");
        var succeeded = item.Text("status", "lastSuccessfulTime");
        if (begun.Length == 0) return ObjectHealth.Healthy("no job was due yet");
        if (succeeded.Length == 0) return ObjectHealth.Healthy("no job has succeeded yet");
        if (item.List("status", "active").Any()) return ObjectHealth.Healthy("a job is running");
        // Both are written by the API server in UTC and to the second, so their texts sort as the times do.
        return string.CompareOrdinal(succeeded, begun) < 0
            ? ObjectHealth.Degraded($"the job of {begun} did not succeed") : ObjectHealth.Healthy();
    }

    private static ObjectHealth Running(LiveObject item, string message)
    {
        if (item.Condition("Ready") is { IsTrue: true }) return ObjectHealth.Healthy(message);
        foreach (var container in Containers(item))
        {
            if (container.At("lastState", "terminated") is not null)
                return ObjectHealth.Degraded($"container {container.Text("name")} ended and is not ready again");
        }
        return ObjectHealth.Progressing(message);
    }

    private static string Waiting(LiveObject item) => string.Join("; ", Containers(item)
        .Select(container => (Name: container.Text("name"), Reason: container.Text("state", "waiting", "reason"),
            Message: container.Text("state", "waiting", "message")))
        .Where(wait => wait.Reason.StartsWith("Err", StringComparison.Ordinal) || wait.Reason.EndsWith("Error", StringComparison.Ordinal)
            || wait.Reason.EndsWith("BackOff", StringComparison.Ordinal))
        .Select(wait => $"container {wait.Name}: {wait.Reason}{(wait.Message.Length > 0 ? $": {wait.Message}" : "")}"));

    private static string? Failure(LiveObject item)
    {
        foreach (var container in item.List("status", "initContainerStatuses").Concat(Containers(item)))
        {
            var (message, reason) = (container.Text("state", "terminated", "message"), container.Text("state", "terminated", "reason"));
            var code = container.Number("state", "terminated", "exitCode");
            if (message.Length > 0) return $"container {container.Text("name")}: {message}";
            if (reason == "OOMKilled") return $"container {container.Text("name")}: out of memory (OOMKilled)";
            if (code != 0) return $"container {container.Text("name")} ended with exit code {code}";
        }
        return null;
    }

    private static IEnumerable<LiveObject> Containers(LiveObject item) => item.List("status", "containerStatuses");
}
