using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>What is known of one service's health.</summary>
internal sealed class ServiceHealth(HealthProber prober)
{
    /// <summary>A service without a probe is healthy once it ran this long; longer after it failed.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SettleAgain = TimeSpan.FromSeconds(10);

    private Task<string?>? asked;
    private DateTimeOffset nextAsk;
    private int failed;
    private int round;
    private int askedInRound;
    private bool settled;

    public HealthState State { get; private set; }

    public string? Reason { get; private set; }

    /// <summary>True once after each change.</summary>
    public bool TakeChanged()
    {
        var was = changed;
        changed = false;
        return was;
    }

    private bool changed;

    /// <summary>Another process: what was known of the old one is void, also an answer that is still on its way.</summary>
    public void Reset(bool adopted)
    {
        (settled, failed, nextAsk) = (adopted, 0, default);
        round++;
        // A service that keeps failing stays unhealthy between its attempts.
        if (State != HealthState.Unhealthy) Set(HealthState.Unknown, null);
    }

    /// <summary>The process ended; null: as it should.</summary>
    public void Ended(string? reason)
    {
        round++;
        Set(reason is null ? HealthState.Healthy : HealthState.Unhealthy, reason);
    }

    public void Beat(ServiceRecord record, ServiceObject spec, DateTimeOffset startedAt, DateTimeOffset now, CancellationToken stop)
    {
        Take(spec);
        if (record.Phase != ServicePhase.Running) return;
        if (spec.Health is not { } probe)
        {
            if (settled || now - startedAt >= (record.Failures == 0 ? SettleTime : SettleAgain)) Set(HealthState.Healthy, null);
            return;
        }
        if (asked is not null || now < nextAsk) return;
        // Until it is healthy it is asked at every beat: an apply waits for the answer.
        nextAsk = State == HealthState.Healthy ? now + TimeSpan.FromSeconds(probe.IntervalSeconds) : now;
        askedInRound = round;
        asked = prober.AskAsync(spec, probe, stop);
        Take(spec);
    }

    private void Take(ServiceObject spec)
    {
        if (asked is not { IsCompleted: true } done) return;
        asked = null;
        if (askedInRound != round || spec.Health is not { } probe) return;
        var problem = done.IsCompletedSuccessfully ? done.Result : "the probe was cut off";
        failed = problem is null ? 0 : failed + 1;
        if (problem is null) Set(HealthState.Healthy, null);
        else if (failed >= probe.FailureThreshold) Set(HealthState.Unhealthy, problem);
    }

    private void Set(HealthState state, string? reason)
    {
        if (State == state && Reason == reason) return;
        (State, Reason, changed) = (state, reason, true);
    }
}
