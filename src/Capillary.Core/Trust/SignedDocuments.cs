using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Core.Trust;

/// <summary>Which keys may sign what. Version n+1 is signed by a threshold of version n's root keys and of its own.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Version">1 for the first; grows by one.</param>
/// <param name="RootKeys">Keys that sign the next trust root, 1 to 16.</param>
/// <param name="Threshold">How many of them must, 1 to the number of root keys.</param>
/// <param name="ReleaseKeys">Keys that sign checkpoints and records.</param>
/// <param name="BeaconKeys">Keys that sign beacons.</param>
public sealed record TrustRoot(int V, FleetName Fleet, long Version, IReadOnlyList<PublicKey> RootKeys, int Threshold,
    IReadOnlyList<PublicKey> ReleaseKeys, IReadOnlyList<PublicKey> BeaconKeys)
{
    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.TrustRoot);

    /// <summary>Reads the payload; verifies no signature (<see cref="TrustChain"/> does).</summary>
    /// <exception cref="TrustFormatException">It is not a trust root.</exception>
    public static TrustRoot Parse(Envelope envelope)
    {
        var root = SignedDocument.Read(envelope, PayloadTypes.TrustRoot, TrustJson.Default.TrustRoot);
        SignedDocument.RequireVersion(root.V, "trust root");
        if (root is not { RootKeys.Count: > 0 and <= 16, ReleaseKeys.Count: > 0 and <= 16, BeaconKeys.Count: > 0 and <= 16 })
            throw new TrustFormatException("trust root: 1 to 16 keys of each use are expected");
        if (root.RootKeys.Concat(root.ReleaseKeys).Concat(root.BeaconKeys).Any(key => key is null))
            throw new TrustFormatException("trust root: a key is null");
        if (root.Version < 1 || root.Threshold < 1 || root.Threshold > root.RootKeys.Count)
            throw new TrustFormatException("trust root: version or threshold out of range");
        return root;
    }
}

/// <summary>Whether a node may take part.</summary>
[JsonConverter(typeof(EnumNameJson<RecordState>))]
public enum RecordState
{
    Active,
    Revoked,
}

/// <summary>A hub-signed statement about a node or site: its keys, its place, its state, its version.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">The node; a site's node has the site's name.</param>
/// <param name="Kind">Hub, region or site.</param>
/// <param name="Region">The region it belongs to; null for the hub.</param>
/// <param name="IdentityKey">The key it proves on every link and signs its reports with.</param>
/// <param name="SealingKey">The key secrets are sealed to; null when it has none.</param>
/// <param name="State">Active or revoked.</param>
/// <param name="Version">Grows by one with each record of this node; the highest holds.</param>
public sealed record NodeRecord(int V, FleetName Fleet, NodeName Node, [property: JsonRequired] NodeKind Kind, RegionId? Region,
    PublicKey IdentityKey, PublicKey? SealingKey, [property: JsonRequired] RecordState State, long Version)
{
    /// <summary>The most parents that a record names.</summary>
    public const int MaxParents = 16;

    /// <summary>Id of the key that this identity key succeeded; null for a first key. Whoever still shows it is a copy.</summary>
    public string? Previous { get; init; }

    /// <summary>The most regions that a record names as left.</summary>
    public const int MaxMovedFrom = 16;

    /// <summary>
    /// The regions that this site was moved away from and may not know that it has left, 1 to 16: their nodes still tell it; null: none.
    /// </summary>
    public IReadOnlyList<RegionId>? MovedFrom { get; init; }

    /// <summary>Where this node dials, as <c>host:port</c>, at most 16; null: where it was told to at its enrollment.</summary>
    public IReadOnlyList<string>? Parents { get; init; }

    /// <summary>The hub wants a new identity key of this node: see <see cref="Succession"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SuccessionDue { get; init; }

    /// <summary>The region is this node's, or one that tells it where to go.</summary>
    public bool IsKnownIn(RegionId? region) => region is { } here && (Region == here || MovedFrom?.Contains(here) == true);

    /// <summary>
    /// This record after a move; its version is not changed. A site that is away holds one of the records since it was last heard of, and
    /// dials where that one says: all those regions have to tell it.
    /// </summary>
    /// <param name="to">The region it is moved to.</param>
    /// <param name="parents">Where it dials there.</param>
    /// <param name="wasHere">It proved to be in the region that this record names.</param>
    public NodeRecord MovedTo(RegionId to, IReadOnlyList<string> parents, bool wasHere) => this with
    {
        Region = to, Parents = parents,
        MovedFrom = [.. (wasHere ? [] : MovedFrom ?? []).Append(Region!.Value).Where(region => region != to).Distinct()],
    };

    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.NodeRecord);

    /// <summary>The record, if a release key of <paramref name="root"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, or not of this fleet, or no record.</exception>
    public static NodeRecord Verify(Envelope envelope, TrustRoot root)
    {
        SignedDocument.RequireSigner(envelope, PayloadTypes.Record, root.ReleaseKeys, "record", "release key of the trust root");
        return Parse(envelope, root);
    }

    /// <summary>
    /// Reads the record and verifies no signature: only for one that this node verified or signed before it put it where it now stands, and
    /// where whoever could change it could as well change this node's keys.
    /// </summary>
    /// <exception cref="TrustFormatException">It is not of this fleet, or no record.</exception>
    public static NodeRecord Parse(Envelope envelope, TrustRoot root)
    {
        var record = SignedDocument.Read(envelope, PayloadTypes.Record, TrustJson.Default.NodeRecord);
        SignedDocument.RequireVersion(record.V, "record");
        SignedDocument.RequireFleet(record.Fleet, root.Fleet, "record");
        if (record.IdentityKey is null || record.Node.Value is null || record.Version < 1)
            throw new TrustFormatException("record: node, identityKey or version is missing");
        if (record.Kind == NodeKind.Hub != record.Region is null)
            throw new TrustFormatException("record: a region stands in every record but the hub's");
        if (record.Parents is { } parents && (parents.Count is 0 or > MaxParents
            || parents.Any(parent => parent is not { Length: > 0 and < 300 })))
            throw new TrustFormatException($"record: parents holds 1 to {MaxParents} addresses");
        if (record.MovedFrom is { Count: 0 or > MaxMovedFrom })
            throw new TrustFormatException($"record: movedFrom holds 1 to {MaxMovedFrom} regions");
        return record;
    }
}

/// <summary>A signed plan: the Merkle root over the assignments of one generation.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Generation">The plan's number, from 1; only grows.</param>
/// <param name="Release">The release that the plan leads to, from 1.</param>
/// <param name="IssuedAt">The hub's time of signing.</param>
/// <param name="Previous">Digest of the checkpoint before; null for the first.</param>
/// <param name="Root">RFC 6962 tree hash over the leaves, 32 bytes, as a digest.</param>
/// <param name="Size">Number of leaves.</param>
public sealed record Checkpoint(int V, FleetName Fleet, long Generation, long Release, [property: JsonRequired] DateTimeOffset IssuedAt,
    Digest? Previous, Digest Root, [property: JsonRequired] long Size)
{
    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.Checkpoint);

    /// <summary>The checkpoint, if a release key of <paramref name="root"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, or not of this fleet, or no checkpoint.</exception>
    public static Checkpoint Verify(Envelope envelope, TrustRoot root)
    {
        SignedDocument.RequireSigner(envelope, PayloadTypes.Checkpoint, root.ReleaseKeys, "checkpoint", "release key of the trust root");
        var checkpoint = SignedDocument.Read(envelope, PayloadTypes.Checkpoint, TrustJson.Default.Checkpoint);
        SignedDocument.RequireVersion(checkpoint.V, "checkpoint");
        SignedDocument.RequireFleet(checkpoint.Fleet, root.Fleet, "checkpoint");
        if (checkpoint.Generation < 1 || checkpoint.Release < 1 || checkpoint.Size < 0 || checkpoint.Root.Text is null)
            throw new TrustFormatException("checkpoint: generation, release, size or root out of range");
        return checkpoint;
    }
}

/// <summary>A small document that the hub signs every 5 minutes: time, newest generation, revocations.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="IssuedAt">The hub's time of signing; raises a site's time floor.</param>
/// <param name="Generation">The newest generation; 0 before the first.</param>
/// <param name="Checkpoint">Digest of its checkpoint; null before the first.</param>
/// <param name="Revocations">Ids of keys that no longer count.</param>
public sealed record Beacon(int V, FleetName Fleet, [property: JsonRequired] DateTimeOffset IssuedAt,
    [property: JsonRequired] long Generation, Digest? Checkpoint, IReadOnlyList<string> Revocations)
{
    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.Beacon);

    /// <summary>The beacon, if a beacon key of <paramref name="root"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, or not of this fleet, or no beacon.</exception>
    public static Beacon Verify(Envelope envelope, TrustRoot root)
    {
        SignedDocument.RequireSigner(envelope, PayloadTypes.Beacon, root.BeaconKeys, "beacon", "beacon key of the trust root");
        var beacon = SignedDocument.Read(envelope, PayloadTypes.Beacon, TrustJson.Default.Beacon);
        SignedDocument.RequireVersion(beacon.V, "beacon");
        SignedDocument.RequireFleet(beacon.Fleet, root.Fleet, "beacon");
        if (beacon.Revocations is null || beacon.Revocations.Any(id => id is null))
            throw new TrustFormatException("beacon: revocations is missing or holds null");
        if (beacon.Generation < 0 || beacon.Generation > 0 != beacon.Checkpoint is not null)
            throw new TrustFormatException("beacon: a checkpoint stands beside every generation from 1");
        return beacon;
    }
}

/// <summary>One site's line of a plan; a Merkle leaf, hashed as received.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site.</param>
/// <param name="Since">The generation in which this line last changed, from 1.</param>
/// <param name="Bundle">Digest of the bundle's manifest.</param>
/// <param name="Fallback">Digest of the bundle of the site's last signed healthy report; null when there was none.</param>
/// <param name="Mode">What the site does with it: <c>apply</c>, <c>apply-confirmed</c> or <c>apply-over-hold</c>.</param>
/// <param name="Sealed">Digest of the blob of sealed secrets; null when there are none.</param>
public sealed record Assignment(int V, FleetName Fleet, SiteId Site, long Since, Digest Bundle, Digest? Fallback, string Mode,
    Digest? Sealed)
{
    /// <summary>The usual mode.</summary>
    public const string ApplyMode = "apply";

    /// <summary>An operator confirmed that any share of what the site owns in its cluster may be removed.</summary>
    public const string ConfirmedMode = "apply-confirmed";

    /// <summary>An operator overrides the site's holds that are past their max.</summary>
    public const string OverHoldMode = "apply-over-hold";

    public byte[] ToLeaf() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.Assignment);

    /// <exception cref="TrustFormatException">The bytes are not an assignment.</exception>
    public static Assignment Parse(ReadOnlySpan<byte> leaf)
    {
        var assignment = SignedDocument.Read(leaf, "assignment", TrustJson.Default.Assignment);
        SignedDocument.RequireVersion(assignment.V, "assignment");
        if (assignment.Since < 1 || assignment.Bundle.Text is null || assignment.Site.Value is null)
            throw new TrustFormatException("assignment: site, since or bundle is missing");
        if (assignment.Mode is not (ApplyMode or ConfirmedMode or OverHoldMode))
            throw new TrustFormatException($"assignment: unknown mode '{assignment.Mode}'");
        return assignment;
    }
}

/// <summary>What every signed document's reading has in common.</summary>
internal static class SignedDocument
{
    public static T Read<T>(Envelope envelope, string type, JsonTypeInfo<T> typeInfo) where T : class =>
        envelope.PayloadType == type
            ? Read<T>(envelope.Payload, type, typeInfo)
            : throw new TrustFormatException($"expected a payload of type {type}, found '{envelope.PayloadType}'");

    public static T Read<T>(ReadOnlySpan<byte> bytes, string what, JsonTypeInfo<T> typeInfo) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, typeInfo) ?? throw new TrustFormatException($"{what}: is null");
        }
        catch (JsonException e)
        {
            throw new TrustFormatException($"{what}: {e.Message}", e);
        }
    }

    public static void RequireVersion(int found, string what)
    {
        if (found != 1) throw new TrustFormatException($"{what}: format version {found}, this node understands 1; upgrade it");
    }

    public static void RequireFleet(FleetName found, FleetName expected, string what)
    {
        if (found != expected) throw new TrustFormatException($"{what}: of fleet '{found}', expected '{expected}'");
    }

    public static void RequireSigner(Envelope envelope, string type, IEnumerable<PublicKey> keys, string what, string keyUse)
    {
        if (envelope.CountSigners(type, keys) == 0) throw new TrustFormatException($"{what}: not signed by a {keyUse}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Envelope))]
[JsonSerializable(typeof(TrustRoot))]
[JsonSerializable(typeof(NodeRecord))]
[JsonSerializable(typeof(Succession))]
[JsonSerializable(typeof(Checkpoint))]
[JsonSerializable(typeof(Beacon))]
[JsonSerializable(typeof(Assignment))]
internal sealed partial class TrustJson : JsonSerializerContext;
