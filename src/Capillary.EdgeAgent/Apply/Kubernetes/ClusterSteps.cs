using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Does what <see cref="ClusterPlanner"/> decided, object by object. Everything can be done twice.</summary>
internal sealed class ClusterSteps(KubeClient client, KubeDiscovery discovery, ViewWait wait, ClusterPruning pruning,
    ClusterInventory inventory, Action<ApplyEvent.Raised> note, TimeProvider time, ILogger log)
{
    private const int AtOnce = 8;
    private const int MostDropped = 8;
    private static readonly TimeSpan KindWait = TimeSpan.FromSeconds(20);
    private readonly ClusterView view = wait.View;

    /// <returns>What the step made.</returns>
    /// <exception cref="StepException">It could not be done.</exception>
    public async Task<ImmutableArray<OwnedObject>> DoAsync(Step step, Func<DesiredObject, ClusterContent> contentOf, CancellationToken stop)
    {
        switch (step)
        {
            case Step.TryObjects attempt:
                await EachAsync(attempt.Objects, value => TryAsync(value, contentOf(value), stop), stop);
                return [];
            case Step.ApplyObjects apply:
                return await EachAsync(apply.Objects, value => ApplyAsync(value, contentOf(value), null, apply.Repairs, stop), stop);
            case Step.AwaitObjects awaited:
                await AwaitAsync(awaited, stop);
                return [];
            case Step.RunHook run:
                return [await RunAsync(run, contentOf(run.Hook), stop)];
            case Step.RemoveObjects remove:
                await pruning.RemoveAsync(remove, stop);
                return [];
            case Step.KeepInventory keep:
                await inventory.KeepAsync(keep.App, keep.Objects, stop);
                return [];
            default:
                throw new StepException(ConditionCodes.BundleInvalid, "",
                    "this site is a Kubernetes cluster, and runs no File and no Service", true);
        }
    }

    /// <summary>All of them, several at once; what fails is told after all were tried.</summary>
    private static async Task<ImmutableArray<OwnedObject>> EachAsync(ImmutableArray<DesiredObject> objects,
        Func<DesiredObject, Task<OwnedObject?>> act, CancellationToken stop)
    {
        var made = new ConcurrentBag<OwnedObject>();
        var failed = new ConcurrentQueue<(int Place, StepException Failure)>();
        await Parallel.ForEachAsync(objects, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop },
            async (value, _) =>
        {
            try
            {
                if (await act(value) is { } done) made.Add(done);
            }
            catch (StepException e)
            {
                failed.Enqueue((value.Place, e));
            }
            catch (KubeException e)
            {
                failed.Enqueue((value.Place, e.ToStep(value.Manifest.Ref)));
            }
        });
        if (failed.IsEmpty) return [.. made];
        var first = failed.MinBy(item => item.Place).Failure;
        throw failed.Count == 1 ? first
            : new StepException(first.Code, first.Subject, $"{first.Message} (and {failed.Count - 1} more objects)", first.Final);
    }

    private async Task<KubeResource> ResourceAsync(ObjectRef of, CancellationToken stop)
    {
        var until = time.GetUtcNow() + KindWait;
        while (true)
        {
            if (await discovery.FindAsync(of, stop) is { } found) return found;
            if (time.GetUtcNow() >= until)
                throw new StepException(ConditionCodes.KindUnknown, of.Subject,
                    $"{of.Subject}: this cluster does not serve {of.ApiVersion} {of.Kind}",
                    false);
            await Task.Delay(TimeSpan.FromMilliseconds(500), time, stop);
        }
    }

    private async Task<OwnedObject?> TryAsync(DesiredObject value, ClusterContent content, CancellationToken stop)
    {
        var of = value.Manifest.Ref;
        // A kind that is to be made by this very bundle cannot be tried yet.
        if (await discovery.FindAsync(of, stop) is not { } resource) return null;
        try
        {
            var body = await BodyAsync(value, content, resource, null, stop);
            (await client.ApplyAsync(resource.PathOf(of), body.ToBytes(), force: true, dryRun: true, stop)).Dispose();
        }
        catch (KubeException e) when (e.IsImmutable && value.Manifest.Options.HasFlag(ManifestOptions.Replace))
        {
            // It will be made anew.
        }
        catch (KubeException e) when (e.Code == 400 && e.Message.Contains("does not support dry run", StringComparison.Ordinal))
        {
            // A webhook of the cluster cannot tell; the apply itself will.
        }
        return null;
    }

    private async Task<OwnedObject?> ApplyAsync(DesiredObject value, ClusterContent content, string? run, bool repairs,
        CancellationToken stop)
    {
        var of = value.Manifest.Ref;
        var resource = await ResourceAsync(of, stop);
        try
        {
            return await SendAsync(value, content, resource, run, repairs, stop);
        }
        catch (KubeException e) when (e.IsImmutable && value.Manifest.Options.HasFlag(ManifestOptions.Replace))
        {
            KubeLog.Acted(log, of.Subject, "made anew, as a field that cannot change must change");
            await DeleteAndWaitAsync(of, resource, stop);
            return await SendAsync(value, content, resource, run, repairs, stop);
        }
    }

    private async Task<OwnedObject> SendAsync(DesiredObject value, ClusterContent content, KubeResource resource, string? run,
        bool repairs, CancellationToken stop)
    {
        var of = value.Manifest.Ref;
        var body = await BodyAsync(value, content, resource, run, stop);
        var force = repairs && content.Policy.Conflicts == ConflictPolicy.Force;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var live = await client.ApplyAsync(resource.PathOf(of), body.ToBytes(), force, dryRun: false, stop);
                view.Served(WatchedKind.Of(of), resource.IsNamespaced);
                view.Put(WatchedKind.Of(of), live.RootElement);
                return OwnedObject.Of(value) with { Digest = value.Digest, Mark = FieldOwners.MarkOf(live.RootElement) };
            }
            catch (KubeException e) when (e.IsFieldConflict && !force && attempt < MostDropped)
            {
                var leaves = content.Policy.Conflicts == ConflictPolicy.Leave;
                TellConflict(of, e, leaves);
                // Too many rounds: whoever it is changes the object all the time.
                force = !leaves;
                if (leaves && !e.Causes.Select(cause => body.Drop(cause.Field)).ToList().Contains(true)) throw;
            }
        }
    }

    private void TellConflict(ObjectRef of, KubeException conflict, bool leaves)
    {
        var fields = string.Join(", ", conflict.Causes.Take(3).Select(cause => cause.Field)) + (conflict.Causes.Count > 3 ? ", …" : "");
        var by = string.Join(", ", conflict.Causes.Select(cause => ManagerOf(cause.Message)).Distinct(StringComparer.Ordinal));
        note(new ApplyEvent.Raised(ConditionCodes.FieldConflict, of.Subject,
            $"{of.Subject}: {fields} {(leaves ? "is left to" : "was taken over from")} {by}"));
    }

    /// <summary>A conflict's text names the other manager in quotes: <c>conflict with "kubectl-edit" using apps/v1</c>.</summary>
    private static string ManagerOf(string message) => message.Split('"') is [_, var name, ..] ? $"'{name}'" : "another manager";

    private async Task<ManifestBody> BodyAsync(DesiredObject value, ClusterContent content, KubeResource resource, string? run,
        CancellationToken stop)
    {
        var of = value.Manifest.Ref;
        var body = new ManifestBody(content.JsonOf(of), value.App, value.Manifest);
        body.Place(resource.IsNamespaced ? of.Namespace : null);
        if (run is not null) body.MarkRun(run);
        if (content.Policy.IgnoredFor(of) is { Count: > 0 } ignored && await LiveAsync(resource.PathOf(of), stop) is { } live)
        {
            using (live) body.Keep(live.RootElement, ignored);
        }
        return body;
    }

    private async Task<JsonDocument?> LiveAsync(string path, CancellationToken stop)
    {
        try
        {
            return await client.GetAsync(path, stop);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task DeleteAndWaitAsync(ObjectRef of, KubeResource resource, CancellationToken stop)
    {
        var path = resource.PathOf(of);
        if (await LiveAsync(path, stop) is not { } live) return;
        string uid;
        using (live) uid = live.RootElement.GetProperty("metadata").GetProperty("uid").GetString()!;
        try
        {
            await client.DeleteAsync(path, uid, stop);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return;
        }
        if (!await wait.GoneAsync([(of, uid)], stop))
            throw new StepException(ConditionCodes.ApplyFailed, of.Subject, $"{of.Subject}: it was deleted, and is not gone after "
                + $"{ViewWait.GoneWithin.TotalSeconds:0} s; something holds it by a finalizer", false);
    }

    private async Task AwaitAsync(Step.AwaitObjects step, CancellationToken stop)
    {
        ObjectRef? last = null;
        string? why = null;
        bool AllHealthy()
        {
            foreach (var value in step.Objects)
            {
                var seen = view.Find(value.Manifest.Ref, out _);
                if (seen is { Deleting: false, Health: null or { State: <= ObjectHealthState.Suspended } }) continue;
                last = value.Manifest.Ref;
                why = seen?.Health?.Message ?? (seen is null ? "it is not there yet" : "not healthy");
                return false;
            }
            return true;
        }
        if (await wait.UntilAsync(AllHealthy, TimeSpan.FromSeconds(step.Seconds), stop)) return;
        throw new StepException(ConditionCodes.HealthCheckFailed, step.Objects[0].App,
            $"app '{step.Objects[0].App}' was not healthy within {step.Seconds} s: {last!.Subject}: {why}", true);
    }

    private async Task<OwnedObject> RunAsync(Step.RunHook step, ClusterContent content, CancellationToken stop)
    {
        var of = step.Hook.Manifest.Ref;
        var resource = await ResourceAsync(of, stop);
        var isRunning = false;
        if (await LiveAsync(resource.PathOf(of), stop) is { } live)
        {
            using (live)
            {
                view.Put(WatchedKind.Of(of), live.RootElement);
                isRunning = view.Find(of, out _)?.Run == step.Run;
            }
            if (!isRunning) await DeleteAndWaitAsync(of, resource, stop);
        }
        OwnedObject? owned = null;
        if (!isRunning)
        {
            KubeLog.Acted(log, of.Subject, "hook started");
            owned = await ApplyAsync(step.Hook, content, step.Run, repairs: false, stop);
        }
        ObjectHealth? ended = null;
        bool HasEnded() => view.Find(of, out _) is { } seen && seen.Run == step.Run
            && (ended = seen.Health ?? new ObjectHealth(ObjectHealthState.Healthy, null)).State
                is ObjectHealthState.Healthy or ObjectHealthState.Degraded;
        var inTime = await wait.UntilAsync(HasEnded, TimeSpan.FromSeconds(step.Seconds), stop);
        var succeeded = inTime && ended!.State == ObjectHealthState.Healthy;
        if (step.Hook.Manifest.Deletion.HasFlag(succeeded ? HookDeletion.Succeeded : HookDeletion.Failed))
            await DeleteAndWaitAsync(of, resource, stop);
        if (succeeded) return (owned ?? OwnedObject.Of(step.Hook)) with { Digest = step.Hook.Digest, Mark = null };
        throw new StepException(ConditionCodes.HookFailed, of.Subject, $"hook {of.Subject} "
            + (inTime ? $"failed: {ended!.Message ?? "it says no reason"}" : $"did not end within {step.Seconds} s: {ended?.Message}"),
                true);
    }
}
