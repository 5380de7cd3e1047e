using System.Collections.Immutable;

namespace Capillary.Core.Apply;

/// <summary>Health, deadlines and conditions.</summary>
internal sealed partial class ApplyTurn
{
    private void Health(ImmutableArray<AppHealth> apps)
    {
        s = s with { Health = apps };
        CheckHealth();
    }

    private void CheckHealth()
    {
        if (s.Objects is not { } objects || objects.Bundle != s.Wanted) return;
        var (all, any) = (true, false);
        foreach (var app in objects.Apps)
        {
            var health = ApplyStatus.HealthOf(s, app).State;
            all &= health == HealthState.Healthy;
            any |= health == HealthState.Unhealthy;
        }
        var busy = s.InFlight is not null || !s.Steps.IsEmpty || s.RetryAt is not null;
        switch (s.Phase)
        {
            case ApplyPhase.Verifying when all && !busy:
                Save(s with { Phase = ApplyPhase.Healthy, VerifySince = null });
                break;
            case ApplyPhase.VerifyingFallback when all && !busy:
                RevertDone();
                break;
            // It came late, but what was assigned is wholly in place and well: to go on calling it degraded would be a lie.
            case ApplyPhase.Degraded when all && !busy && s.Actual is { } whole && whole == s.Attempt?.Bundle:
            case ApplyPhase.Unhealthy when all:
                Clear(ConditionCodes.HealthCheckFailed);
                Save(s with { Phase = ApplyPhase.Healthy });
                break;
            case ApplyPhase.Healthy or ApplyPhase.Unhealthy when any:
                NoteUnhealthy(objects);
                if (s.Phase == ApplyPhase.Healthy) Save(s with { Phase = ApplyPhase.Unhealthy });
                break;
        }
    }

    private void RevertDone()
    {
        Raise(ConditionCodes.Reverted, "", $"{s.Attempt!.Bundle} was reverted to {s.Attempt.Fallback}: {LastError}");
        Save(s with { Phase = ApplyPhase.Reverted, VerifySince = null });
    }

    private string LastError => s.Conditions.LastOrDefault(c => ConditionCodes.BelongsToAttempt(c.Code)
        && c.Severity == ConditionSeverity.Error)?.Text ?? "it failed";

    private void NoteUnhealthy(DesiredObjects objects)
    {
        foreach (var app in objects.Apps)
        {
            var health = ApplyStatus.HealthOf(s, app);
            if (health.State == HealthState.Unhealthy) Raise(ConditionCodes.HealthCheckFailed, app.Name, health.Reason ?? "unhealthy");
            if (health.State == HealthState.Healthy) Clear(ConditionCodes.HealthCheckFailed, app.Name);
        }
    }

    private void CheckDeadlines()
    {
        if (!Verifying || Unreachable || s.VerifySince is not { } since || s.Objects is not { } objects) return;
        foreach (var app in objects.Apps)
        {
            if (now - since < TimeSpan.FromSeconds(app.HealthDeadlineSeconds)) continue;
            var health = ApplyStatus.HealthOf(s, app);
            if (health.State == HealthState.Healthy) continue;
            var reason = $"app '{app.Name}' was not healthy within {app.HealthDeadlineSeconds} s: {health.Reason ?? "no answer yet"}";
            if (s.InFlight is not null) return;
            Fail(ConditionCodes.HealthCheckFailed, app.Name, reason);
            return;
        }
    }

    private void Raise(string code, string subject, string text)
    {
        var place = -1;
        for (var i = 0; i < s.Conditions.Length; i++)
        {
            if (s.Conditions[i].Code == code && s.Conditions[i].Subject == subject) place = i;
        }
        var raised = ConditionCodes.Create(code, subject, text, now);
        // The same fact told again keeps its time, so that a status does not change for nothing; a repair is a new fact each time.
        if (place >= 0 && s.Conditions[place].Text == text && code != ConditionCodes.DriftRepaired) return;
        var conditions = place >= 0 ? s.Conditions.RemoveAt(place).Add(raised) : s.Conditions.Add(raised);
        if (conditions.Length > ApplyMachine.MaxConditions)
            conditions = conditions.Remove(conditions.FirstOrDefault(c => c.Code == ConditionCodes.DriftRepaired) ?? conditions[0]);
        s = s with { Conditions = conditions };
    }

    private void Cleared(ApplyEvent.Cleared e)
    {
        Clear(e.Code, e.Subject);
        if (e.Code != ConditionCodes.ClusterUnreachable) return;
        // Nothing could become healthy, or be seen to, while the cluster did not answer.
        if (Verifying) s = s with { VerifySince = now };
        if (s.RetryAt is not null) s = s with { RetryAt = now };
    }

    private void Clear(string code, string? subject = null)
    {
        foreach (var condition in s.Conditions)
        {
            if (condition.Code == code && (subject is null || condition.Subject == subject))
                s = s with { Conditions = s.Conditions.Remove(condition) };
        }
    }

    private void Expire()
    {
        foreach (var condition in s.Conditions)
        {
            if (condition.Code == ConditionCodes.DriftRepaired && now - condition.At >= ApplyMachine.DriftShown)
                s = s with { Conditions = s.Conditions.Remove(condition) };
        }
    }
}
