using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Reports;

/// <summary>Events of basel: 41 happened, 42 to 44 were dropped, 45 happened.</summary>
internal static class TestEvents
{
    public static SiteEvent Happened { get; } = new(TestFleet.Issued, "service-restarted", new("gateway"), "it left with code 3",
        new Dictionary<string, string> { ["code"] = "3" });

    public static EventBatch Batch { get; } = new(1, TestFleet.Name, TestFleet.Basel, 1, 41,
        [Happened, Dropped(42, 44), new(TestFleet.Issued.AddMinutes(2), "agent-started")]);

    public static SiteEvent Dropped(long first, long last) =>
        new(TestFleet.Issued.AddMinutes(1), SiteEvent.DroppedType, Dropped: new(first, last, "the outbox was full"));

    public static Envelope Sign(EventBatch batch, string key = "basel") => SignPayload(batch.ToPayload(), key);

    public static Envelope SignPayload(byte[] payload, string key = "basel") =>
        TestFleet.Sign(PayloadTypes.Events, payload, TestKey.Named(key));
}
