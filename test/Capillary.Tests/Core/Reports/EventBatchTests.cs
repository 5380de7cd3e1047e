using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Reports;

/// <summary>Batches of events: their bytes, whose word counts, and what they may hold.</summary>
public sealed class EventBatchTests
{
    private static readonly EventBatch Batch = TestEvents.Batch;

    [Fact]
    public void Payloads_are_written_to_the_bit()
    {
        GoldenFile.Check("events.payload", Batch.ToPayload());
        GoldenFile.Check("events-short.payload", (Batch with { First = 1, Events = [Batch.Events[2]] }).ToPayload());
    }

    [Fact]
    public void Promise3_a_signed_batch_reads_back_and_its_numbers_run_without_holes()
    {
        var read = EventBatch.Verify(TestEvents.Sign(Batch), TestFleet.BaselRecord);
        Assert.Equal(Batch.ToPayload(), read.ToPayload());
        Assert.Equal([(41L, 41L), (42L, 44L), (45L, 45L)], read.Numbered().Select(one => (one.First, one.Last)));
        Assert.Equal(45, read.Last);
        Assert.Equal(TestFleet.Basel, EventBatch.ClaimedSite(TestEvents.Sign(Batch)));
    }

    [Fact]
    public void Promise3_events_signed_by_another_are_refused()
    {
        Throws(TestEvents.Sign(Batch, "lyon"));
        Throws(TestEvents.Sign(Batch, "region-eu"));
        Throws(TestEvents.Sign(Batch, "lyon"), TestFleet.LyonRecord);
        Throws(TestEvents.Sign(Batch with { Fleet = new("other") }));
        Throws(TestEvents.Sign(Batch), TestFleet.BaselRecord with { State = RecordState.Revoked });
        Throws(TestEvents.Sign(Batch), TestFleet.BaselRecord with { Kind = NodeKind.Region });
        Throws(TestFleet.Sign(PayloadTypes.Report, Batch.ToPayload(), TestKey.Named("basel")) with { PayloadType = PayloadTypes.Events });
    }

    [Fact]
    public void Promise3_a_spoilt_batch_is_refused()
    {
        var genuine = TestEvents.Sign(Batch);
        foreach (var spoilt in Tamper.Bytes(genuine.Payload))
        {
            Throws(genuine with { Payload = spoilt.Bytes });
            _ = EventBatch.ClaimedSite(genuine with { Payload = spoilt.Bytes });
        }
        foreach (var spoilt in Tamper.Bytes(genuine.Signatures[0].Sig))
            Throws(genuine with { Signatures = [genuine.Signatures[0] with { Sig = spoilt.Bytes }] });
    }

    /// <summary>A site that was broken into signs what it likes; what is taken of it must still have numbers without holes.</summary>
    [Fact]
    public void Promise8_signed_nonsense_is_refused_or_makes_sense()
    {
        foreach (var spoilt in Tamper.Json(Batch.ToPayload()))
        {
            EventBatch batch;
            try
            {
                batch = EventBatch.Verify(TestEvents.SignPayload(spoilt.Bytes), TestFleet.BaselRecord);
            }
            catch (TrustFormatException)
            {
                continue;
            }
            Assert.True(batch.ToPayload().Length > 0 && batch.Last >= batch.First, spoilt.How);
            var next = batch.First;
            foreach (var one in batch.Numbered())
            {
                Assert.True(one.First == next && one.Last >= next, spoilt.How);
                next = one.Last + 1;
            }
        }
    }

    [Fact]
    public void Promise3_a_dropped_range_that_leaves_a_hole_or_goes_back_is_refused()
    {
        foreach (var range in (SiteEvent[])[TestEvents.Dropped(43, 44), TestEvents.Dropped(41, 44), TestEvents.Dropped(42, 41),
            TestEvents.Dropped(0, 44), TestEvents.Dropped(42, EventBatch.MaxNumber + 1), TestEvents.Dropped(42, 44) with { Dropped = null },
            TestEvents.Happened with { Dropped = new(42, 44, "x") }, TestEvents.Dropped(42, 44) with { Dropped = new(42, 44, "") }])
            Throws(TestEvents.Sign(Batch with { Events = [Batch.Events[0], range] }));
        Throws(TestEvents.Sign(Batch with { Events = [Batch.Events[0], TestEvents.Dropped(42, EventBatch.MaxNumber), TestEvents.Happened] }));
    }

    [Fact]
    public void Limits_hold()
    {
        var happened = TestEvents.Happened;
        foreach (var wrong in (SiteEvent[])
            [
                happened with { Type = "" }, happened with { Type = new('x', 65) }, happened with { Type = "two words" }, happened with { Type = null! },
                happened with { Text = new('x', 4097) }, happened with { Data = Many(33) },
                happened with { Data = new Dictionary<string, string> { [new('x', 101)] = "" } },
                happened with { Data = new Dictionary<string, string> { [""] = "" } }, happened with { Data = new Dictionary<string, string> { ["x"] = null! } },
                happened with { Data = new Dictionary<string, string> { ["x"] = new('x', SiteEvent.MaxBytes) } },
            ])
            Throws(TestEvents.Sign(Batch with { Events = [wrong] }));
        Assert.True((happened with { Type = new('x', 64), Text = new('x', 4096), Data = Many(32) }).IsSound());
        foreach (var wrong in (EventBatch[])
            [
                Batch with { Events = [] }, Batch with { First = 0 }, Batch with { First = EventBatch.MaxNumber + 1, Events = [happened] },
                Batch with { Events = [.. Enumerable.Repeat(happened, EventBatch.MaxEvents + 1)] }, Batch with { Incarnation = -1 },
                Batch with { Events = [.. Enumerable.Repeat(happened with { Text = new('x', 4000) }, 70)] }, Batch with { Events = null! },
            ])
            Throws(TestEvents.Sign(wrong));
        Assert.Null(EventBatch.ClaimedSite(TestEvents.Sign(Batch with { Events = [.. Enumerable.Repeat(happened with { Text = new('x', 4000) }, 70)] })));
    }

    /// <summary>The next hardware under the same name begins at a record version that the stolen one cannot have claimed.</summary>
    [Fact]
    public void Promise3_a_stolen_site_cannot_claim_a_later_incarnation()
    {
        Throws(TestEvents.Sign(Batch with { Incarnation = 2 }));
        Assert.Equal(2, EventBatch.Verify(TestEvents.Sign(Batch with { Incarnation = 2 }), TestFleet.BaselRecord with { Version = 2 }).Incarnation);
    }

    private static Dictionary<string, string> Many(int count) => Enumerable.Range(0, count).ToDictionary(i => $"name-{i}", i => "value");

    private static void Throws(Envelope envelope, NodeRecord? record = null) =>
        Assert.Throws<TrustFormatException>(() => EventBatch.Verify(envelope, record ?? TestFleet.BaselRecord));
}
