using Capillary.Core.Apply;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;

namespace Capillary.EdgeAgent;

/// <summary>
/// How sure this site may be of its desired state and of its clock, by the beacons that reach it. A parent that withholds news cannot
/// withhold their absence. The age of the last beacon is counted by a clock that nobody sets.
/// </summary>
/// <param name="floor">The latest hub-signed time that is known at the start.</param>
/// <param name="changed">Called when what is to be said may have changed.</param>
/// <param name="time">The clock.</param>
internal sealed class Confirmation(DateTimeOffset floor, Action changed, TimeProvider time) : IDisposable
{
    /// <summary>Three beacons, and what a slow region may add.</summary>
    public static TimeSpan UnconfirmedAfter { get; } = 3 * LinkProtocol.BeaconEvery + TimeSpan.FromMinutes(1);

    /// <summary>From how much on a clock is called wrong.</summary>
    public static TimeSpan MostSkew { get; } = TimeSpan.FromMinutes(5);

    private readonly Lock gate = new();
    private readonly ITimer timer = time.CreateTimer(_ => changed(), null, UnconfirmedAfter, Timeout.InfiniteTimeSpan);
    private DateTimeOffset floor = floor;
    private long heardAt = time.GetTimestamp();
    private TimeSpan? ahead;

    /// <summary>The hub's time of signing of the newest beacon; null before the first.</summary>
    public DateTimeOffset? Newest
    {
        get
        {
            lock (gate) return floor == DateTimeOffset.MinValue ? null : floor;
        }
    }

    /// <summary>A newer beacon was verified.</summary>
    /// <param name="issuedAt">The hub's time of signing.</param>
    /// <param name="fresh">It came while the session was live; the first one of a session may be as old as the region's outage.</param>
    public void Heard(DateTimeOffset issuedAt, bool fresh)
    {
        lock (gate)
        {
            (floor, heardAt) = (issuedAt, time.GetTimestamp());
            ahead = fresh ? time.GetUtcNow() - issuedAt : null;
        }
        timer.Change(UnconfirmedAfter, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What is to be said now.</summary>
    public IEnumerable<Condition> Conditions()
    {
        TimeSpan silence, behind;
        TimeSpan? early;
        lock (gate) (silence, behind, early) = (time.GetElapsedTime(heardAt), floor - time.GetUtcNow(), ahead);
        if (silence >= UnconfirmedAfter)
            yield return new(ConditionCodes.DesiredStateUnconfirmed, Severity.Warning,
                $"no newer word of the hub for {silence.TotalMinutes:0} min: what runs here may not be the newest");
        if (behind > MostSkew)
            yield return ClockWrong($"at least {Words(behind)} behind");
        else if (early > MostSkew)
            yield return ClockWrong($"{Words(early.Value)} ahead of");
    }

    private static Condition ClockWrong(string how) =>
        new(ConditionCodes.ClockWrong, Severity.Warning, $"this site's clock is {how} the hub's signed time");

    public void Dispose() => timer.Dispose();

    private static string Words(TimeSpan span) => span.TotalDays >= 2 ? $"{span.TotalDays:0} days" : $"{span.TotalMinutes:0} min";
}
