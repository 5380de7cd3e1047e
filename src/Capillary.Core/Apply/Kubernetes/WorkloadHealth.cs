namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Health of what keeps pods running, by the rules of Argo CD, which are those of <c>kubectl rollout status</c>.</summary>
internal static class WorkloadHealth
{
    public static ObjectHealth Deployment(LiveObject item)
    {
        if (item.Flag("spec", "paused")) return ObjectHealth.Suspended("the rollout is paused");
        if (Unseen(item)) return NotSeen();
        var updated = item.Number("status", "updatedReplicas");
        var available = item.Number("status", "availableReplicas");
        var old = item.Number("status", "replicas") - updated;
        if (item.Condition("Progressing") is { Reason: "ProgressDeadlineExceeded" } late)
            return ObjectHealth.Degraded($"the progress deadline is exceeded: {late.Message}".TrimEnd(' ', ':'));
        if (item.MaybeNumber("spec", "replicas") is { } wanted && updated < wanted)
            return ObjectHealth.Progressing($"{updated} of {wanted} replicas are updated");
        if (old > 0) return ObjectHealth.Progressing($"{old} old replicas still have to end");
        return available < updated
            ? ObjectHealth.Progressing($"{available} of {updated} updated replicas are available") : ObjectHealth.Healthy();
    }

    public static ObjectHealth StatefulSet(LiveObject item)
    {
        if (item.ObservedGeneration is null or 0 || Unseen(item)) return NotSeen();
        var wanted = item.MaybeNumber("spec", "replicas");
        var ready = item.Number("status", "readyReplicas");
        var updated = item.Number("status", "updatedReplicas");
        if (wanted is { } all && ready < all) return ObjectHealth.Progressing($"{ready} of {all} pods are ready");
        var strategy = item.Text("spec", "updateStrategy", "type");
        if (strategy == "RollingUpdate" && item.At("spec", "updateStrategy", "rollingUpdate") is not null)
        {
            var due = wanted - item.MaybeNumber("spec", "updateStrategy", "rollingUpdate", "partition");
            return updated < due
                ? ObjectHealth.Progressing($"{updated} of {due} pods above the partition are updated") : ObjectHealth.Healthy();
        }
        if (strategy == "OnDelete") return ObjectHealth.Healthy($"{ready} pods are ready; updates wait until pods are deleted");
        var (next, current) = (item.Text("status", "updateRevision"), item.Text("status", "currentRevision"));
        return next != current ? ObjectHealth.Progressing($"{updated} pods are at the new revision {next}") : ObjectHealth.Healthy();
    }

    public static ObjectHealth DaemonSet(LiveObject item)
    {
        if (Unseen(item)) return NotSeen();
        var wanted = item.Number("status", "desiredNumberScheduled");
        var updated = item.Number("status", "updatedNumberScheduled");
        var available = item.Number("status", "numberAvailable");
        if (item.Text("spec", "updateStrategy", "type") == "OnDelete")
            return ObjectHealth.Healthy($"{updated} of {wanted} pods are updated; the others wait until they are deleted");
        if (updated < wanted) return ObjectHealth.Progressing($"{updated} of {wanted} pods are updated");
        return available < wanted ? ObjectHealth.Progressing($"{available} of {wanted} pods are available") : ObjectHealth.Healthy();
    }

    public static ObjectHealth ReplicaSet(LiveObject item)
    {
        if (Unseen(item)) return NotSeen();
        if (item.Condition("ReplicaFailure") is { IsTrue: true } failure) return ObjectHealth.Degraded(failure.Text);
        var available = item.Number("status", "availableReplicas");
        return item.MaybeNumber("spec", "replicas") is { } wanted && available < wanted
            ? ObjectHealth.Progressing($"{available} of {wanted} replicas are available") : ObjectHealth.Healthy();
    }

    private static bool Unseen(LiveObject item) => item.Generation > (item.ObservedGeneration ?? 0);

    private static ObjectHealth NotSeen() => ObjectHealth.Progressing("its controller has not seen the newest generation yet");
}
