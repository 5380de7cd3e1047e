namespace Capillary.Tests.RedTeam;

/// <summary>A site's clock: it can be moved ahead, and what waits by it waits a tenth of the time.</summary>
internal sealed class SiteClock(DateTimeOffset start) : TimeProvider
{
    private const int Haste = 10;
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(20);
    private readonly long began = System.GetTimestamp();
    private long ahead;

    /// <summary>Time passes for the site and nobody else; its timers do not fire by it.</summary>
    public void Pass(TimeSpan by) => Interlocked.Add(ref ahead, by.Ticks);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetElapsedTime(began).Ticks + Interlocked.Read(ref ahead);

    public override DateTimeOffset GetUtcNow() => start + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new HastyTimer(System.CreateTimer(callback, state, Shorter(dueTime), Shorter(period)));

    private static TimeSpan Shorter(TimeSpan time) => time <= Least ? time : time / Haste > Least ? time / Haste : Least;

    private sealed class HastyTimer(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Shorter(dueTime), Shorter(period));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
