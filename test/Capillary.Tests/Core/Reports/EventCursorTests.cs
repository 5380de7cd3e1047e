using Capillary.Core.Reports;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Core.Reports;

/// <summary>Promise 3 at the hub: each event once and in order, or its number in a dropped range.</summary>
public sealed class EventCursorTests
{
    private static readonly EventCursor At44 = new(1, 44);

    [Fact]
    public void Promise3_new_events_are_kept_in_order()
    {
        var taken = Assert.IsType<EventsTaken.Fresh>(new EventCursor(1, 40).Take(TestEvents.Batch));
        Assert.Equal(new EventCursor(1, 45), taken.Next);
        Assert.Equal([41L, 42L, 45L], taken.Events.Select(one => one.First));
    }

    [Fact]
    public void Promise3_an_event_that_is_kept_comes_no_second_time()
    {
        Assert.IsType<EventsTaken.Known>(new EventCursor(1, 45).Take(TestEvents.Batch));
        Assert.Equal([45L], Assert.IsType<EventsTaken.Fresh>(At44.Take(TestEvents.Batch)).Events.Select(one => one.First));
        var half = Assert.IsType<EventsTaken.Fresh>(new EventCursor(1, 42).Take(TestEvents.Batch));
        Assert.Equal((43L, 44L), (half.Events[0].First, half.Events[0].Last));
    }

    [Fact]
    public void Promise3_a_hole_is_refused_and_says_what_is_missing()
    {
        Assert.Equal(new EventsTaken.Hole(40), new EventCursor(1, 39).Take(TestEvents.Batch));
        Assert.Equal(new EventsTaken.Hole(1), EventCursor.None.Take(TestEvents.Batch));
        Assert.Equal(new EventsTaken.Hole(1), At44.Take(TestEvents.Batch with { Incarnation = 2, First = 45 }));
    }

    [Fact]
    public void Promise3_an_incarnation_that_is_over_adds_nothing()
    {
        Assert.IsType<EventsTaken.Known>(new EventCursor(2, 1).Take(TestEvents.Batch with { First = 2 }));
        var begun = At44.Take(TestEvents.Batch with { Incarnation = 2, First = 1, Events = [TestEvents.Happened] });
        Assert.Equal(new EventCursor(2, 1), Assert.IsType<EventsTaken.Fresh>(begun).Next);
    }

    /// <summary>
    /// A site with a small outbox and a lossy link to a hub that is restored from an older backup now and then: whatever is lost on the way or
    /// sent twice, what the hub holds runs from 1 without holes and without doubles, and each number is its event or is named as dropped.
    /// </summary>
    [Fact]
    public void Promise3_each_event_is_kept_once_and_in_order_or_named() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var site = new ModelOutbox();
        var hub = new ModelHub();
        for (var step = 0; step < 200; step++)
        {
            if (random.Next(3) > 0) site.Happens(atMost: 8);
            if (random.Next(10) == 0) hub.Back(random);
            if (site.Batch(random) is not { } batch) continue;
            var times = random.Next(3);
            for (var i = 0; i < times; i++) hub.Take(batch);
            if (random.Next(2) == 0) site.Kept(hub.Cursor);
        }
        // The link holds at last.
        for (var round = 0; round < 100 && hub.Cursor.Seq < site.Last; round++)
        {
            site.Kept(hub.Cursor);
            if (site.Batch(random) is { } batch) hub.Take(batch);
        }
        return (hub.Cursor.Seq == site.Last && hub.IsWhole()).Label($"seed {seed}: {hub.Cursor} of {site.Last}");
    }).QuickCheckThrowOnFailure();

    private sealed class ModelOutbox
    {
        private readonly SortedDictionary<long, SiteEvent> waiting = [];
        private long kept;

        public long Last { get; private set; }

        public void Happens(int atMost)
        {
            waiting[++Last] = TestEvents.Happened with { Text = $"{Last}" };
            if (waiting.Count > atMost) waiting.Remove(waiting.Keys.First());
        }

        /// <summary>The hub's word counts even when it goes back.</summary>
        public void Kept(EventCursor cursor)
        {
            kept = cursor.Seq;
            foreach (var number in waiting.Keys.Where(number => number <= kept).ToList()) waiting.Remove(number);
        }

        public EventBatch? Batch(Random random)
        {
            if (kept == Last) return null;
            var first = waiting.Count > 0 ? waiting.Keys.First() : Last + 1;
            var lost = kept + 1 < first ? new[] { TestEvents.Dropped(kept + 1, first - 1) } : [];
            SiteEvent[] events = [.. lost, .. waiting.Values.Take(random.Next(1, 9))];
            return TestEvents.Batch with { First = kept + 1, Events = events };
        }
    }

    private sealed class ModelHub
    {
        private readonly List<NumberedEvent> held = [];

        public EventCursor Cursor { get; private set; } = EventCursor.None;

        public void Take(EventBatch batch)
        {
            if (Cursor.Take(batch) is not EventsTaken.Fresh fresh) return;
            held.AddRange(fresh.Events);
            Cursor = fresh.Next;
        }

        public void Back(Random random)
        {
            if (held.Count == 0) return;
            var keep = random.Next(held.Count + 1);
            held.RemoveRange(keep, held.Count - keep);
            Cursor = keep == 0 ? EventCursor.None : new EventCursor(1, held[^1].Last);
        }

        public bool IsWhole()
        {
            var next = 1L;
            foreach (var one in held)
            {
                if (one.First != next || one.Last < one.First) return false;
                if (one.Event.Dropped is null && one.Event.Text != $"{one.First}") return false;
                next = one.Last + 1;
            }
            return true;
        }
    }
}
