using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Node.Journal;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>The site's half of promise 3: what was appended is sent, or its numbers are named.</summary>
public sealed class EventLogTests : IDisposable
{
    private static readonly FleetName Fleet = new("demo");
    private static readonly SiteId Site = new("basel");
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-events-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Promise3_events_survive_a_restart_and_half_a_line()
    {
        using (var log = New()) Append(log, "one", "two");
        var file = Directory.EnumerateFiles(folder, "*.events").Single();
        File.AppendAllText(file, """{"n":3,"e":{"at":"2026-""");
        using var again = New();
        Append(again, "three");
        Assert.Equal([(1, "one"), (2, "two"), (3, "three")], Sent(again));
    }

    [Fact]
    public void Promise3_a_full_log_names_what_made_room()
    {
        using var log = New(64 << 10);
        for (var i = 1; i <= 100; i++) Append(log, new string('x', 3000));
        var batch = log.NextBatch(Fleet, Site)!;
        var dropped = batch.Events[0].Dropped!;
        Assert.Equal(1, dropped.First);
        Assert.True(dropped.Last is > 50 and < 100);
        Assert.Equal(100, batch.Last);
        Assert.True(Directory.EnumerateFiles(folder, "*.events").Sum(path => new FileInfo(path).Length) <= 64 << 10);
    }

    [Fact]
    public void Promise3_a_damaged_line_is_named()
    {
        using (var log = New()) Append(log, "one", "two", "three");
        var file = Directory.EnumerateFiles(folder, "*.events").Single();
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"two\"", "\"tw", StringComparison.Ordinal));
        using var again = New();
        var events = again.NextBatch(Fleet, Site)!.Numbered().ToList();
        Assert.Equal([(1L, 1L), (2L, 2L), (3L, 3L)], events.Select(one => (one.First, one.Last)));
        Assert.Equal(SiteEvent.DroppedType, events[1].Event.Type);
    }

    [Fact]
    public void Numbers_go_on_behind_what_the_hub_keeps()
    {
        using (var log = New())
        {
            Append(log, "one", "two");
            log.Kept(1, 2);
            Assert.Null(log.NextBatch(Fleet, Site));
        }
        foreach (var path in Directory.EnumerateFiles(folder, "*.events")) File.Delete(path);
        using var again = New();
        Append(again, "three");
        Assert.Equal([(3, "three")], Sent(again));
    }

    /// <summary>It is only a parent's word.</summary>
    [Fact]
    public void Promise3_what_is_said_to_be_kept_stays_until_its_room_is_needed()
    {
        using var log = New(64 << 10);
        for (var i = 1; i <= 12; i++) Append(log, $"{i} {new string('x', 3000)}");
        log.Kept(1, 12);
        log.Kept(1, 0);
        Assert.Equal(Enumerable.Range(1, 12), Sent(log).Select(one => one.Item1));
        Assert.DoesNotContain(log.NextBatch(Fleet, Site)!.Events, one => one.Type == SiteEvent.DroppedType);
    }

    [Fact]
    public void An_agent_that_starts_often_leaves_no_file_each_time()
    {
        for (var i = 1; i <= 20; i++)
        {
            using var log = New();
            Append(log, $"{i}");
        }
        Assert.Single(Directory.EnumerateFiles(folder, "*.events"));
        using var last = New();
        Assert.Equal((20L, 20), (last.Newest, Sent(last).Count));
    }

    [Fact]
    public void The_newest_event_can_be_told_again()
    {
        using var log = New();
        Assert.Null(log.NewestBatch(Fleet, Site));
        Append(log, "one", "two");
        log.Kept(1, 2);
        var batch = log.NewestBatch(Fleet, Site)!;
        Assert.Equal((2L, 2L, "two"), (batch.First, batch.Last, batch.Events.Single().Text));
    }

    /// <summary>A hub restored from a backup keeps less than it did: what is still here is sent again, the rest is named.</summary>
    [Fact]
    public void Promise3_a_restored_hub_is_sent_what_it_lacks()
    {
        using var log = New(64 << 10);
        Append(log, "one", "two", "three");
        log.Kept(1, 3);
        log.Kept(1, 1);
        var batch = log.NextBatch(Fleet, Site)!;
        Assert.Equal((2L, 3L), (batch.First, batch.Last));
    }

    /// <summary>A full disk must not keep the next batch from going: what the hub keeps is known, even if it cannot be written down.</summary>
    [Fact]
    public void Promise3_what_is_kept_counts_though_the_disk_is_full()
    {
        using (var log = New())
        {
            Append(log, "one", "two");
            // A folder stands in the file's place.
            Directory.CreateDirectory(Path.Combine(folder, "kept.json", "x"));
            log.Kept(1, 1);
            Assert.Equal(2, log.NextBatch(Fleet, Site)!.First);
            Directory.Delete(Path.Combine(folder, "kept.json"), recursive: true);
        }
        using var again = New();
        Append(again, "three");
        Assert.Equal([(1, "one"), (2, "two"), (3, "three")], Sent(again));
    }

    [Fact]
    public void What_breaks_a_limit_gets_no_number()
    {
        using var log = New();
        Assert.False(log.Append(new SiteEvent(DateTimeOffset.UnixEpoch, "")));
        Assert.False(log.Append(new SiteEvent(DateTimeOffset.UnixEpoch, "dropped", Dropped: new(1, 9, "a lie"))));
        Assert.False(log.Append(new SiteEvent(DateTimeOffset.UnixEpoch, "x", Text: new string('x', 5000))));
        Append(log, "one");
        Assert.Equal([(1, "one")], Sent(log));
    }

    [Fact]
    public void A_batch_keeps_its_limits()
    {
        using var log = New();
        for (var i = 0; i < 300; i++) Append(log, new string('x', 4000));
        var sent = 0L;
        while (log.NextBatch(Fleet, Site) is { } batch)
        {
            Assert.Equal(sent + 1, batch.First);
            Assert.True(batch.ToPayload().Length <= EventBatch.MaxBytes);
            log.Kept(1, sent = batch.Last);
        }
        Assert.Equal(300, sent);
    }

    private EventLog New(long most = EventLog.DefaultMaxBytes) => new(folder, 1, most);

    private static void Append(EventLog log, params string[] texts)
    {
        foreach (var text in texts) Assert.True(log.Append(new SiteEvent(DateTimeOffset.UnixEpoch, "test", Text: text)));
    }

    private static List<(int, string)> Sent(EventLog log) =>
        [.. log.NextBatch(Fleet, Site)!.Numbered().Select(one => ((int)one.First, one.Event.Text!))];
}
