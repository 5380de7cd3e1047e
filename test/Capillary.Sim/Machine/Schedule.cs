namespace Capillary.Sim.Machine;

/// <summary>Virtual time: events in order of (time, sequence), one at a time, on the caller's thread.</summary>
internal sealed class Schedule(DateTimeOffset start)
{
    private readonly DateTimeOffset beginning = start;
    private readonly PriorityQueue<Action, (long Ticks, long Order)> queue = new();
    private long order;

    /// <summary>True time. What a node's clock shows is another matter.</summary>
    public DateTimeOffset Now { get; private set; } = start;

    /// <summary>Events so far.</summary>
    public long Steps { get; private set; }

    public TimeSpan Elapsed => Now - beginning;

    public void After(TimeSpan wait, Action act) => queue.Enqueue(act, ((Now + wait).UtcTicks, order++));

    /// <summary>Runs the next event; false when there is none before <paramref name="end"/>.</summary>
    public bool Step(DateTimeOffset end)
    {
        if (!queue.TryPeek(out var act, out var place) || place.Ticks > end.UtcTicks) return false;
        queue.Dequeue();
        Now = new DateTimeOffset(place.Ticks, TimeSpan.Zero);
        Steps++;
        act();
        return true;
    }
}
