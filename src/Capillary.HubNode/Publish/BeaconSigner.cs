using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Publish;

/// <summary>
/// Signs beacons, each later than the one before, whatever the clock does meanwhile and over restarts: every node keeps the latest signed
/// time
/// and takes what is not later for a replay, so that a clock once set years ahead would silence the hub for years.
/// </summary>
internal sealed class BeaconSigner(FleetName fleet, HubKeys keys, HubDatabase database, TimeProvider time)
{
    private readonly Lock gate = new();
    private DateTimeOffset last = database.Read(BeaconTable.Last);

    public Envelope Sign(long generation, Digest? checkpoint)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            last = now > last ? now : last.AddMilliseconds(1);
            Keep(last);
            var revoked = database.Read(db => Revocations.ForBeacon(db, now));
            return keys.Beacon.Sign(PayloadTypes.Beacon, new Beacon(1, fleet, last, generation, checkpoint, revoked).ToPayload());
        }
    }

    private void Keep(DateTimeOffset signed)
    {
        try
        {
            database.Write(db => BeaconTable.Keep(db, signed));
        }
        catch (SqliteException)
        {
            // A full disk must not stop the beacons; they tell the sites that the hub lives. Its own conditions name it.
        }
    }
}
