using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Tests.RedTeam;

/// <summary>Everything signed that a region holds at one moment.</summary>
internal sealed record Loot(DesiredState State)
{
    public OfferedLine Of(string site) => State.Lines[new SiteId(site)];

    public SignedRecord Record(string node) => State.Records[new NodeName(node)];

    public Envelope Beacon => State.Beacon!;
}

/// <summary>Documents as the hub makes them, signed by whom a test wants.</summary>
internal static class Forgery
{
    public static Frame.Desired Desired(Envelope checkpoint, ProvenLine line) => new(checkpoint, [line], true);

    public static Frame.Desired Honest(OfferedLine line) => Desired(line.Checkpoint.Envelope, line.Line);

    /// <summary>A plan of one line, signed by <paramref name="key"/>.</summary>
    public static Frame.Desired Plan(SigningKey key, OfferedLine like, Digest bundle, long generation)
    {
        var leaf = (like.Assignment with { Since = generation, Bundle = bundle, Fallback = null }).ToLeaf();
        var tree = new MerkleTree([MerkleTree.HashLeaf(leaf)]);
        var checkpoint = like.Checkpoint.Checkpoint with { Generation = generation, Root = tree.Root, Size = 1, Previous = like.Checkpoint.Digest };
        return Desired(key.Sign(PayloadTypes.Checkpoint, checkpoint.ToPayload()), new ProvenLine(leaf, 0, tree.Path(0)));
    }

    public static Envelope Record(SigningKey key, NodeRecord record) => key.Sign(PayloadTypes.Record, record.ToPayload());

    public static Envelope Beacon(SigningKey key, FleetName fleet, DateTimeOffset at, long generation, Digest? checkpoint, params string[] revoked) =>
        key.Sign(PayloadTypes.Beacon, new Beacon(1, fleet, at, generation, checkpoint, revoked).ToPayload());

    /// <summary>The next trust root, which makes <paramref name="key"/> the key of everything.</summary>
    public static TrustRoot Root(TrustRoot before, SigningKey key, long version) =>
        before with { Version = version, RootKeys = [key.Public], Threshold = 1, ReleaseKeys = [key.Public], BeaconKeys = [key.Public] };

    public static Envelope Sign(TrustRoot root, params SigningKey[] keys)
    {
        var payload = root.ToPayload();
        return new(PayloadTypes.TrustRoot, payload, [.. keys.Select(key => key.SignatureOf(PayloadTypes.TrustRoot, payload))]);
    }

    /// <summary>The same signatures under other bytes.</summary>
    public static Envelope Altered(Envelope envelope, string was, string @is)
    {
        var text = System.Text.Encoding.UTF8.GetString(envelope.Payload);
        if (!text.Contains(was, StringComparison.Ordinal)) throw new InvalidOperationException($"'{was}' is not in {text}");
        return envelope with { Payload = System.Text.Encoding.UTF8.GetBytes(text.Replace(was, @is, StringComparison.Ordinal)) };
    }
}
