using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Publish;

/// <summary>Signs beacons, each later than the one before, whatever the clock does meanwhile.</summary>
internal sealed class BeaconSigner(FleetName fleet, HubKeys keys, HubDatabase database, TimeProvider time)
{
    private readonly Lock gate = new();
    private DateTimeOffset last = DateTimeOffset.MinValue;

    public Envelope Sign(long generation, Digest? checkpoint)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            last = now > last ? now : last.AddMilliseconds(1);
            var revoked = database.Read(db => Revocations.ForBeacon(db, now));
            return keys.Beacon.Sign(PayloadTypes.Beacon, new Beacon(1, fleet, last, generation, checkpoint, revoked).ToPayload());
        }
    }
}
