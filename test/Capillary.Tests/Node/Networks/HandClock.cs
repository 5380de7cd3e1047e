namespace Capillary.Tests.Node.Networks;

/// <summary>A clock moved by hand, timers and time zone included.</summary>
internal sealed class HandClock(TimeZoneInfo? zone = null) : TimeProvider
{
    private readonly List<HandTimer> timers = [];
    private DateTimeOffset now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Every wait that was asked for.</summary>
    public List<TimeSpan> Waits { get; } = [];

    public override TimeZoneInfo LocalTimeZone { get; } = zone ?? TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (timers) return now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public void Advance(TimeSpan by)
    {
        List<HandTimer> due;
        lock (timers)
        {
            now += by;
            due = [.. timers.Where(timer => timer.Due <= now)];
            timers.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (timers)
        {
            var timer = new HandTimer(this, () => callback(state));
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class HandTimer(HandClock owner, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner.timers)
            {
                owner.timers.Remove(this);
                if (dueTime < TimeSpan.Zero) return true;
                owner.Waits.Add(dueTime);
                Due = owner.now + dueTime;
                owner.timers.Add(this);
                return true;
            }
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
