using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;

namespace Capillary.HubNode;

/// <summary>What <see cref="HubFolder.Init"/> made.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="TrustRoot">Digest of the trust root, which join files carry.</param>
/// <param name="ApiPin">Id of the API's key, which remote command lines pin.</param>
public sealed record HubIdentity(FleetName Fleet, Digest TrustRoot, string ApiPin);

/// <summary>The hub's data folder, mode 0700: <c>keys/</c>, <c>hub.db</c>, <c>blobs/</c>, <c>git/</c>.</summary>
public static class HubFolder
{
    /// <summary>The hub's node name.</summary>
    public static NodeName HubNode { get; } = new("hub");

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    internal static string Keys(string data) => Path.Combine(data, "keys");

    internal static string Database(string data) => Path.Combine(data, "hub.db");

    internal static string Blobs(string data) => Path.Combine(data, "blobs");

    internal static string Git(string data) => Path.Combine(data, "git");

    /// <summary>Held as long as a hub runs on this folder: two writers would sign one generation twice.</summary>
    /// <exception cref="InvalidDataException">Another hub runs on it.</exception>
    internal static FileStream Lock(string data)
    {
        try
        {
            return new FileStream(Path.Combine(data, "hub.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException e)
        {
            throw new InvalidDataException($"{data}: another hub runs on this folder; stop it first", e);
        }
    }

    /// <summary>Makes a hub: keys, trust root of version 1, the hub's own record. Null when the folder holds a hub already.</summary>
    public static HubIdentity? Init(string data, FleetName fleet, DateTimeOffset now)
    {
        Directory.CreateDirectory(data, OwnerOnly);
        using var keys = HubKeys.Create(Keys(data));
        using var rootKey = SigningKey.LoadOrCreate(Path.Combine(Keys(data), "root.pem"));
        using var database = HubDatabase.Open(Database(data));
        if (database.Read(RecordTables.TrustRoots).Count > 0) return null;
        var payload = new TrustRoot(1, fleet, 1, [rootKey.Public], 1, [keys.Release.Public], [keys.Beacon.Public]).ToPayload();
        var root = rootKey.Sign(PayloadTypes.TrustRoot, payload);
        var record = new NodeRecord(1, fleet, HubNode, NodeKind.Hub, null, keys.Identity.Public, null, RecordState.Active, 1);
        database.Write(db =>
        {
            RecordTables.AddTrustRoot(db, root);
            RecordTables.AddRecord(db, new SignedRecord(record, keys.Release.Sign(PayloadTypes.Record, record.ToPayload())), now);
            JournalTable.Append(db, now, "local", "hub.init", null, new { fleet = fleet.Value, trustRoot = root.Digest.Text });
        });
        return new(fleet, root.Digest, keys.Api.Public.Id);
    }
}
