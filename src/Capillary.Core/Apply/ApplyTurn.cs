using System.Collections.Immutable;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.Core.Apply;

/// <summary>One turn of <see cref="ApplyMachine"/>: collects the new state and the actions.</summary>
internal sealed partial class ApplyTurn(ApplyState state, DateTimeOffset now)
{
    private readonly ImmutableArray<ApplyAction>.Builder actions = ImmutableArray.CreateBuilder<ApplyAction>();
    private ApplyState s = state;
    private bool persist;

    public ApplyDecision Decision => new(s, persist, actions.ToImmutable());

    public void Handle(ApplyEvent happened)
    {
        switch (happened)
        {
            case ApplyEvent.Restarted: Restart(); break;
            case ApplyEvent.Assigned e: Assign(e.Desired); break;
            case ApplyEvent.BlobsReady e: Ready(e.Since); break;
            case ApplyEvent.BlobsMissing e: Missing(e); break;
            case ApplyEvent.Loaded e: Loaded(e.Objects); break;
            case ApplyEvent.LoadFailed e: NotLoaded(e); break;
            case ApplyEvent.StepDone e: Done(e.Made); break;
            case ApplyEvent.StepFailed e: Failed(e); break;
            case ApplyEvent.HealthChanged e: Health(e.Apps); break;
            case ApplyEvent.DriftFound e: Repair(e.Drifts); break;
            case ApplyEvent.Remembered e: Remember(e.Owned); break;
            case ApplyEvent.Raised e: Raise(e.Code, e.Subject, e.Text); break;
            case ApplyEvent.Cleared e: Cleared(e); break;
            case ApplyEvent.Held e: Held(e); break;
            case ApplyEvent.Unheld e: Unheld(e); break;
            case ApplyEvent.Tick: Tick(); break;
        }
        TellHolds();
    }

    private bool Settled => s.Phase is ApplyPhase.Healthy or ApplyPhase.Unhealthy or ApplyPhase.Reverted or ApplyPhase.Degraded;

    /// <summary>The cluster does not answer: nothing fails for that, and no deadline passes.</summary>
    private bool Unreachable => s.Conditions.Any(condition => condition.Code == ConditionCodes.ClusterUnreachable);

    private bool Verifying => s.Phase is ApplyPhase.Verifying or ApplyPhase.VerifyingFallback;

    /// <summary>An attempt without a way back ended half-way: nothing is done until somebody decides.</summary>
    private bool Stopped => s.Phase == ApplyPhase.Degraded && s.Actual != s.Target;

    private void Save(ApplyState next) => (s, persist) = (next, true);

    private void Act(ApplyAction action) => actions.Add(action);

    private void Restart()
    {
        // The clock may have been set back while we were away; nothing that was kept may lie in the future.
        s = s with
        {
            Conditions = [.. s.Conditions.Select(c => c.At > now ? c with { At = now } : c)],
            Holds = [.. s.Holds.Select(hold => hold.Since > now ? hold with { Since = now } : hold)],
        };
        if (s.Pending) Act(new ApplyAction.Fetch(s.Desired!));
        if (s.Wanted is { } bundle) Act(new ApplyAction.Load(bundle));
    }

    private void Remember(ImmutableArray<OwnedObject> known) =>
        Save(s with { Owned = known.Where(item => s.Owned.Find(item.Key) is null).Aggregate(s.Owned, (owned, item) => owned.With(item)) });

    private void Assign(DesiredBundle desired)
    {
        if (s.Desired is { } known && desired.Since <= known.Since) return;
        Clear(ConditionCodes.BlobsMissing);
        Clear(ConditionCodes.BlobsWait);
        Override(desired);
        Save(s with { Desired = desired, FetchReady = false, FetchFailures = 0, FetchAt = null });
        Act(new ApplyAction.Fetch(desired));
    }

    private void Ready(long since)
    {
        if (!s.Pending || since != s.Desired!.Since) return;
        s = s with { FetchReady = true, FetchAt = null };
        BeginOrAbandon();
    }

    private void Missing(ApplyEvent.BlobsMissing e)
    {
        if (!s.Pending || e.Since != s.Desired!.Since) return;
        var failures = s.FetchFailures + 1;
        s = s with { FetchFailures = failures, FetchAt = now + RetryDelay(failures) };
        Clear(e.Wait ? ConditionCodes.BlobsMissing : ConditionCodes.BlobsWait);
        Raise(e.Wait ? ConditionCodes.BlobsWait : ConditionCodes.BlobsMissing, "", e.Reason);
    }

    /// <summary>The assignment's blobs are here and no step is in flight: it becomes the attempt, whatever the last one was at.</summary>
    private void Begin()
    {
        s = s with { Conditions = [.. s.Conditions.Where(c => !ConditionCodes.BelongsToAttempt(c.Code))] };
        Enter(ApplyPhase.Applying, s with { Attempt = s.Desired, FetchReady = false, FetchFailures = 0 });
    }

    private void Enter(ApplyPhase phase, ApplyState next)
    {
        Save(next with { Phase = phase, Steps = [], Repairing = [], Retries = 0, RetryAt = null, VerifySince = null });
        var begins = phase is ApplyPhase.Applying or ApplyPhase.Failing or ApplyPhase.Reverting;
        if (s.Wanted is { } bundle && (begins || bundle != s.Objects?.Bundle)) Act(new ApplyAction.Load(bundle));
    }

    private void Loaded(DesiredObjects objects)
    {
        if (objects.Bundle != s.Wanted || s.InFlight is not null) return;
        s = s with { Objects = objects };
        if (!Stopped) Plan();
    }

    private void NotLoaded(ApplyEvent.LoadFailed e)
    {
        if (e.Bundle != s.Wanted || s.InFlight is not null) return;
        var missing = e.Code == ConditionCodes.BlobsMissing;
        if (missing && !s.Pending) Act(new ApplyAction.Fetch(s.Attempt!));
        if (Settled || missing || e.Code == ConditionCodes.ClusterUnreachable) Again(e.Code, "", e.Reason);
        else Fail(e.Code, "", e.Reason);
    }

    /// <summary>After a failure that may pass: wait, then read and plan again. What runs is left alone.</summary>
    private void Again(string code, string subject, string reason)
    {
        var retries = s.Retries + 1;
        Raise(code, subject, reason);
        s = s with { InFlight = null, Steps = [], Retries = retries, RetryAt = now + RetryDelay(retries) };
    }

    /// <summary>The attempt is over: to the fallback if there is one, else the site stops here.</summary>
    private void Fail(string code, string subject, string reason)
    {
        s = s with { InFlight = null };
        Clear(ConditionCodes.DiskFull);
        Raise(code, subject, reason);
        if (s.Phase is ApplyPhase.Applying or ApplyPhase.Verifying && s.Objects is { } objects && objects.Bundle == s.Attempt!.Bundle
            && ClusterPlanner.HasFailureHooks(objects)) Enter(ApplyPhase.Failing, s);
        else AfterFailure(reason);
    }

    private void AfterFailure(string reason)
    {
        if (s.Phase is ApplyPhase.Reverting or ApplyPhase.VerifyingFallback)
        {
            Raise(ConditionCodes.RevertFailed, "", $"the fallback {s.Attempt!.Fallback} failed too: {reason}");
            Enter(ApplyPhase.Degraded, s);
        }
        else if (s.Attempt!.Fallback is { } fallback && fallback != s.Attempt.Bundle)
        {
            Enter(ApplyPhase.Reverting, s);
        }
        else
        {
            Enter(ApplyPhase.Degraded, s);
        }
    }

    private void Tick()
    {
        Expire();
        if (s.FetchAt <= now && s.Pending)
        {
            s = s with { FetchAt = null };
            Act(new ApplyAction.Fetch(s.Desired!));
        }
        if (s.RetryAt <= now && s.InFlight is null)
        {
            s = s with { RetryAt = null };
            if (s.Wanted is { } bundle) Act(new ApplyAction.Load(bundle));
        }
        CheckDeadlines();
    }

    private static TimeSpan RetryDelay(int failures) =>
        RestartBackoff.Delay(ApplyMachine.FirstRetry, ApplyMachine.LongestRetry, failures);
}
