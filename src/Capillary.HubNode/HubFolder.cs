using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;

namespace Capillary.HubNode;

/// <summary>The hub that was made.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="TrustRoot">Digest of the trust root, which join files carry.</param>
/// <param name="ApiPin">Id of the API's key, which remote command lines pin.</param>
public sealed record HubIdentity(FleetName Fleet, Digest TrustRoot, string ApiPin);

/// <summary>The root keys of a new trust root.</summary>
/// <param name="Keys">Their public halves, 1 to 16.</param>
/// <param name="Threshold">How many of them sign a trust root.</param>
/// <param name="Signers">Private halves, at least as many.</param>
public sealed record RootKeys(IReadOnlyList<PublicKey> Keys, int Threshold, IReadOnlyList<SigningKey> Signers);

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

    /// <summary>
    /// Makes a hub: keys, trust root of version 1, the hub's own record. Its one root key stands in <c>keys/root.pem</c>. Null when the
    /// folder holds a hub already.
    /// </summary>
    public static HubIdentity? Init(string data, FleetName fleet, DateTimeOffset now)
    {
        Directory.CreateDirectory(data, OwnerOnly);
        Directory.CreateDirectory(Keys(data), OwnerOnly);
        if (HoldsHub(data)) return null;
        using var key = SigningKey.LoadOrCreate(Path.Combine(Keys(data), "root.pem"));
        return Init(data, fleet, new RootKeys([key.Public], 1, [key]), now);
    }

    private static bool HoldsHub(string data)
    {
        if (!File.Exists(Database(data))) return false;
        using var database = HubDatabase.Open(Database(data));
        return database.Read(RecordTables.TrustRoots).Count > 0;
    }

    /// <summary>The same with root keys that stand elsewhere.</summary>
    /// <exception cref="TrustFormatException">Too few of them sign, or the numbers do not fit.</exception>
    public static HubIdentity? Init(string data, FleetName fleet, RootKeys rootKeys, DateTimeOffset now)
    {
        Directory.CreateDirectory(data, OwnerOnly);
        if (HoldsHub(data)) return null;
        using var database = HubDatabase.Open(Database(data));
        using var keys = HubKeys.Create(Keys(data));
        var payload = new TrustRoot(1, fleet, 1, rootKeys.Keys, rootKeys.Threshold, [keys.Release.Public], [keys.Beacon.Public])
            .ToPayload();
        var root = new Envelope(PayloadTypes.TrustRoot, payload,
            [.. rootKeys.Signers.Select(key => key.SignatureOf(PayloadTypes.TrustRoot, payload))]);
        TrustChain.Begin(root);
        var record = new NodeRecord(1, fleet, HubNode, NodeKind.Hub, null, keys.Identity.Public, null, RecordState.Active, 1);
        database.Write(db =>
        {
            RecordTables.AddTrustRoot(db, root, now);
            RecordTables.AddRecord(db, new SignedRecord(record, keys.Release.Sign(PayloadTypes.Record, record.ToPayload())), now);
            JournalTable.Append(db, now, "local", "hub.init", null, new { fleet = fleet.Value, trustRoot = root.Digest.Text });
        });
        return new(fleet, root.Digest, keys.Api.Public.Id);
    }
}
