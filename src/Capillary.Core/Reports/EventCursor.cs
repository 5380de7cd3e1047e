namespace Capillary.Core.Reports;

/// <summary>What the hub is to do with a batch. Whatever it is, the hub then tells the site what it keeps.</summary>
public abstract record EventsTaken
{
    private EventsTaken() { }

    /// <summary>
    /// Keep these, in this order and together with <paramref name="Next"/>: were one durable without the other, a crash would keep an event
    /// twice or never.
    /// </summary>
    public sealed record Fresh(EventCursor Next, IReadOnlyList<NumberedEvent> Events) : EventsTaken;

    /// <summary>All of it is kept already, or it is of an incarnation that is over.</summary>
    public sealed record Known : EventsTaken;

    /// <summary>
    /// Numbers from <paramref name="Expected"/> on are missing before this batch: nothing of it is kept. The site hears what is kept,
    /// and sends
    /// from there, or names what it has no more in a dropped range.
    /// </summary>
    public sealed record Hole(long Expected) : EventsTaken;
}

/// <summary>
/// Up to where the hub keeps a site's events (promise 3): each event once and in order, or its number in a dropped range.
/// </summary>
/// <param name="Incarnation">Of the last event that is kept; 0 before the first.</param>
/// <param name="Seq">Its number; 0 before the first.</param>
public sealed record EventCursor(long Incarnation, long Seq)
{
    /// <summary>Nothing is kept yet.</summary>
    public static EventCursor None { get; } = new(0, 0);

    /// <summary>What to keep of a batch that was verified.</summary>
    public EventsTaken Take(EventBatch batch)
    {
        if (batch.Incarnation < Incarnation) return new EventsTaken.Known();
        var kept = batch.Incarnation == Incarnation ? Seq : 0;
        if (batch.First > kept + 1) return new EventsTaken.Hole(kept + 1);
        // What is kept stays: of a dropped range that begins among kept events only the rest is news.
        var fresh = batch.Numbered().Where(one => one.Last > kept)
            .Select(one => one with { First = Math.Max(one.First, kept + 1) }).ToList();
        if (fresh.Count == 0) return new EventsTaken.Known();
        return new EventsTaken.Fresh(new EventCursor(batch.Incarnation, fresh[^1].Last), fresh);
    }
}
