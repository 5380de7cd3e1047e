using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Journal;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Promise 3 from end to end, over a line that loses, repeats and delays: a site's log on disk, a hub's book in its database.</summary>
public sealed class EventBookTests : IDisposable
{
    private static readonly SiteId Site = new("a");
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly TestHub hub;

    public EventBookTests() => hub = new TestHub(folder.Of("hub"), commits);

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Promise3_every_event_reaches_the_hub_once_and_in_order_or_its_range_is_named(int seed)
    {
        var (key, record) = await EnrollAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var running = hub.Hub.Events.RunAsync(stop.Token);
        var (random, appended, delayed) = (new Random(seed), 0, new List<Envelope>());
        var log = New(record);
        for (var step = 0; step < 120; step++)
        {
            for (var i = random.Next(12); i > 0; i--)
            {
                appended++;
                log.Append(new SiteEvent(DateTimeOffset.UnixEpoch, "test", Text: $"{appended} {new string('x', random.Next(3000))}"));
            }
            if (random.Next(6) == 0)
            {
                log.Dispose();
                log = New(record);
            }
            if (log.NextBatch(record.Fleet, Site) is not { } batch) continue;
            delayed.Add(key.Sign(PayloadTypes.Events, batch.ToPayload()));
            if (random.Next(3) == 0) continue;
            var sent = delayed[random.Next(delayed.Count)];
            if (random.Next(4) == 0) delayed.Remove(sent);
            var ack = await TakeAsync(sent, record, stop.Token);
            if (random.Next(3) > 0) log.Kept(ack.Incarnation, ack.Seq);
        }
        while (log.NextBatch(record.Fleet, Site) is { } rest)
        {
            var ack = await TakeAsync(key.Sign(PayloadTypes.Events, rest.ToPayload()), record, stop.Token);
            log.Kept(ack.Incarnation, ack.Seq);
        }
        log.Dispose();
        var kept = hub.Hub.Database.Read(db => EventTables.List(db, Site, 0, int.MaxValue));
        var expected = 1L;
        foreach (var one in kept)
        {
            Assert.True(one.First == expected, $"seed {seed}: number {one.First} after {expected - 1}");
            if (one.Type != SiteEvent.DroppedType) Assert.StartsWith($"{one.First} ", one.Text, StringComparison.Ordinal);
            expected = one.Last + 1;
        }
        Assert.Equal(appended, expected - 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task Promise3_events_that_the_site_did_not_sign_are_not_kept()
    {
        var (key, record) = await EnrollAsync();
        key.Dispose();
        using var other = SigningKey.Create();
        var batch = new EventBatch(1, record.Fleet, Site, record.Version, 1, [new SiteEvent(DateTimeOffset.UnixEpoch, "test")]);
        var answered = false;
        await hub.Hub.Events.TakeAsync(other.Sign(PayloadTypes.Events, batch.ToPayload()), record, _ => answered = true, CancellationToken.None);
        Assert.False(answered);
        Assert.Empty(hub.Hub.Database.Read(db => EventTables.List(db, Site, 0, 10)));
    }

    private async Task<(SigningKey Key, NodeRecord Record)> EnrollAsync()
    {
        commits.Commit("c1", "a=1");
        await hub.SettleAsync();
        var key = hub.Enroll("a");
        return (key, hub.Hub.Cell.Value.Records[new NodeName("a")].Record);
    }

    private EventLog New(NodeRecord record) => new(Directory.CreateDirectory(folder.Of("events")).FullName, record.Version, 64 << 10);

    private async Task<Frame.EventsAck> TakeAsync(Envelope batch, NodeRecord record, CancellationToken stop)
    {
        var answer = new TaskCompletionSource<Frame.EventsAck>(TaskCreationOptions.RunContinuationsAsynchronously);
        await hub.Hub.Events.TakeAsync(batch, record, ack => answer.TrySetResult(ack), stop);
        return await answer.Task.WaitAsync(stop);
    }
}
