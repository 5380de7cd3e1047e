namespace Capillary.Core.Apply;

/// <summary>How long to wait before the next try: of a service that ended, of a step that failed, of a fetch.</summary>
public static class RestartBackoff
{
    /// <summary>A service that ran this long counts as stable: its failures are forgotten.</summary>
    public static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);

    /// <summary>From this many failures in a row on, a service is crash-looping.</summary>
    public const int CrashLoop = 3;

    /// <summary>The failures in a row after one more end.</summary>
    /// <param name="failures">In a row before, 0 or more.</param>
    /// <param name="ranFor">How long it ran this time.</param>
    public static int Count(int failures, TimeSpan ranFor) => ranFor >= StableAfter ? 1 : failures + 1;

    /// <summary>The delay after <paramref name="failures"/> in a row (1 or more): first, doubled each time, up to the longest.</summary>
    public static TimeSpan Delay(RestartPolicy policy, int failures) =>
        Delay(TimeSpan.FromSeconds(policy.BackoffSeconds), TimeSpan.FromSeconds(policy.MaxBackoffSeconds), failures);

    /// <summary>As above, with times.</summary>
    public static TimeSpan Delay(TimeSpan first, TimeSpan longest, int failures)
    {
        var doublings = Math.Clamp(failures - 1, 0, 30);
        var delay = first.Ticks > long.MaxValue >> doublings ? longest : TimeSpan.FromTicks(first.Ticks << doublings);
        return delay < longest ? delay : longest;
    }

    /// <summary>Whether a service that ended is started again.</summary>
    /// <param name="policy">The service's own.</param>
    /// <param name="exitCode">Null when nobody saw it (the agent was away): counts as a failure.</param>
    public static bool Again(RestartPolicy policy, int? exitCode) => policy.When switch
    {
        RestartWhen.Always => true,
        RestartWhen.OnFailure => exitCode is not 0,
        _ => false,
    };
}
