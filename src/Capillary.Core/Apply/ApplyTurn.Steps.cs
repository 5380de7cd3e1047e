using System.Collections.Immutable;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.Core.Apply;

/// <summary>Steps: plan, commit, do, finish; and the repair of drift, which is the same with fewer steps.</summary>
internal sealed partial class ApplyTurn
{
    private void Plan()
    {
        var steps = s.Phase == ApplyPhase.Failing ? ClusterPlanner.FailureHooks(s.Objects!, RunMark) : StepsToward(s.Objects!);
        s = s with { Steps = steps, RetryAt = null };
        if (steps.IsEmpty)
        {
            Finish();
            return;
        }
        if (!steps[0].IsUnseen) Commit();
        Next();
    }

    /// <summary>Tells one run of a hook from the next.</summary>
    private string RunMark => $"{s.Attempt?.Since ?? 0}-{(s.Phase is ApplyPhase.Applying or ApplyPhase.Verifying ? "apply" : "revert")}";

    private ImmutableArray<Step> StepsToward(DesiredObjects objects)
    {
        // What a failed attempt had made is removed without a question: the fallback was healthy without it.
        var confirmed = s.Attempt is not { } attempt || attempt.PruneConfirmed || objects.Bundle != attempt.Bundle;
        var plan = ClusterPlanner.Plan(objects, s.Owned, RunMark, confirmed, s.ListsDue);
        if (plan.Held is { } held) Raise(ConditionCodes.PruneNeedsConfirm, "", held);
        else Clear(ConditionCodes.PruneNeedsConfirm);
        return [.. ApplyPlanner.Plan(objects, s.Owned), .. plan.Steps];
    }

    /// <summary>
    /// The write-ahead record of a whole plan, made durable before the first step that anybody can see: from here on the state of all
    /// that it will touch counts as unknown, so that whoever plans next, in whatever process and for whatever bundle, makes it anew.
    /// </summary>
    private void Commit()
    {
        var owned = s.Owned;
        foreach (var step in s.Steps)
        {
            owned = step switch
            {
                Step.WriteFile write => owned.With(Unknown(owned, OwnedObject.Of(write.File))),
                Step.StartService start => owned.With(Unknown(owned, OwnedObject.Of(start.Service))),
                Step.RunHook run => owned.With(OwnedObject.Of(run.Hook)),
                // Cut in the middle, the next bundle may want again what is gone by then.
                Step.RemoveObjects gone => gone.Objects.Aggregate(owned, (so, value) => so.With(value with { Digest = null })),
                Step.ApplyObjects apply => apply.Objects.Aggregate(owned, (so, value) =>
                    so.With(OwnedObject.Of(value) with { Mark = so.Find(value.Key)?.Mark })),
                _ => owned,
            };
        }
        var bundle = s.Objects!.Bundle;
        ImmutableArray<string> due = [.. s.ListsDue.Union(s.Steps.OfType<Step.KeepInventory>().Select(step => step.App))];
        Save(s with { Owned = owned, ListsDue = due, Target = bundle, Actual = s.Target == bundle ? s.Actual : null });
    }

    private static OwnedObject Unknown(ImmutableArray<OwnedObject> owned, OwnedObject made) =>
        made with { Original = owned.Find(made.Key)?.Original ?? false };

    private void Next()
    {
        var step = s.Steps[0];
        if (step is Step.WriteFile write)
        {
            var key = OwnedObject.PathKey(OwnedKind.File, write.File.Path);
            step = write with { Original = s.Owned.Find(key)?.Original ?? false };
        }
        if (step is Step.ApplyObjects apply) step = apply with { Repairs = !s.Repairing.IsEmpty };
        if (step is Step.KeepInventory keep) step = keep with { Objects = ClusterPlanner.Inventory(s.Owned, keep.App) };
        s = s with { InFlight = step, Steps = s.Steps.RemoveAt(0) };
        // Files in a row share the plan's record; what stops, starts or removes gets one that says what was done before it.
        if (step is not Step.WriteFile && !step.IsUnseen) persist = true;
        Act(new ApplyAction.Do(step));
    }

    private void Done(ImmutableArray<OwnedObject> made)
    {
        if (s.InFlight is not { } step) return;
        var owned = step switch
        {
            Step.RemoveService removed => s.Owned.Without(removed.Owned.Key),
            Step.RemoveFile removed => s.Owned.Without(removed.Owned.Key),
            Step.RemoveFolder removed => s.Owned.Without(removed.Owned.Key),
            Step.RemoveObjects removed => removed.Objects.Aggregate(s.Owned, (owned, item) => owned.Without(item.Key)),
            _ => s.Owned,
        };
        foreach (var item in made) owned = owned.With(IsToRunAgain(item) ? item with { Digest = null } : item);
        s = s with { Owned = owned, InFlight = null };
        if (step is Step.KeepInventory kept && !s.Steps.Any(later => later is Step.KeepInventory again && again.App == kept.App))
            s = s with { ListsDue = s.ListsDue.Remove(kept.App) };
        if (step.IsUnseen)
        {
            Clear(ConditionCodes.DiskFull);
            Commit();
        }
        if (MayBegin) Begin();
        else if (s.Steps.IsEmpty) Finish();
        else Next();
    }

    /// <summary>A hook of two phases has run only when both did.</summary>
    private bool IsToRunAgain(OwnedObject made) => made.Kind == OwnedKind.Hook
        && s.Steps.Any(step => step is Step.RunHook run && run.Hook.Key == made.Key);

    private void Failed(ApplyEvent.StepFailed e)
    {
        if (s.InFlight is null) return;
        s = s with { InFlight = null };
        if (MayBegin)
        {
            Begin();
            return;
        }
        var patient = Settled || Verifying || e.Code is ConditionCodes.DiskFull or ConditionCodes.ClusterUnreachable;
        if (patient || (!e.Final && s.Retries + 1 < ApplyMachine.MaxTries)) Again(e.Code, e.Subject, e.Reason);
        else Fail(e.Code, e.Subject, e.Reason);
    }

    private void Finish()
    {
        if (s.Phase == ApplyPhase.Failing)
        {
            AfterFailure(LastError);
            return;
        }
        var bundle = s.Objects!.Bundle;
        ClearRetried();
        foreach (var drift in s.Repairing) Raise(ConditionCodes.DriftRepaired, drift.Seen.Subject, drift.Text);
        if (Settled)
        {
            var next = s with { Repairing = [], Retries = 0, Actual = bundle };
            if (s.Repairing.IsEmpty && s.Actual == bundle) s = next;
            else Save(next);
        }
        else
        {
            var forward = s.Phase is ApplyPhase.Applying or ApplyPhase.Verifying;
            Save(s with
            {
                Phase = forward ? ApplyPhase.Verifying : ApplyPhase.VerifyingFallback,
                Target = bundle,
                Actual = bundle,
                Repairing = [],
                Retries = 0,
                VerifySince = s.VerifySince ?? now, // a repair while verifying does not put the deadline off
                Health = [],
            });
        }
        Act(new ApplyAction.AskHealth());
        CheckHealth();
    }

    /// <summary>What failed before and now did not: its condition goes. What ended an attempt stays, for it says why.</summary>
    private void ClearRetried()
    {
        Clear(ConditionCodes.DiskFull);
        if (!s.Pending)
        {
            Clear(ConditionCodes.BlobsMissing);
            Clear(ConditionCodes.BlobsWait);
        }
        var whole = s.Phase is ApplyPhase.Applying or ApplyPhase.Verifying or ApplyPhase.Healthy or ApplyPhase.Unhealthy;
        ReadOnlySpan<string> codes =
        [
            ConditionCodes.ApplyFailed, ConditionCodes.PathNotAllowed, ConditionCodes.BundleInvalid, ConditionCodes.NotPermitted,
            ConditionCodes.KindUnknown, ConditionCodes.FieldImmutable,
        ];
        foreach (var code in codes)
        {
            if (whole) Clear(code);
            foreach (var drift in s.Repairing) Clear(code, drift.Seen.Subject);
        }
    }

    private void Repair(ImmutableArray<Drift> drifts)
    {
        if (!(Settled || Verifying) || s.InFlight is not null || s.RetryAt is not null) return;
        if (Stopped || s.Objects is null || s.Objects.Bundle != s.Wanted) return;
        var real = drifts.Where(drift => drift.Seen.Digest is not null && s.Owned.Find(drift.Seen.Key) == drift.Seen).ToImmutableArray();
        if (real.IsEmpty) return;
        var owned = s.Owned;
        foreach (var drift in real) owned = owned.With(drift.Seen with { Digest = null });
        s = s with { Owned = owned, Repairing = real };
        Plan();
    }
}
