using Capillary.Core.Identity;
using System.Text.Json;

namespace Capillary.Core.Trust;

/// <summary>
/// A node's wish for its next identity key: the old key signs it, and the new one too, so that nobody can name a key that he does not hold.
/// The hub answers with the next record; until then the old key holds.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">The node.</param>
/// <param name="Previous">The key in its newest record.</param>
/// <param name="Next">The key that is to stand in the next one.</param>
public sealed record Succession(int V, FleetName Fleet, NodeName Node, PublicKey Previous, PublicKey Next)
{
    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.Succession);

    /// <summary>The succession, if it is of the node in <paramref name="record"/> and both keys signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, the node is not active, or it is no succession.</exception>
    public static Succession Verify(Envelope envelope, NodeRecord record)
    {
        if (record.State != RecordState.Active) throw new TrustFormatException($"succession: '{record.Node}' is not active");
        var succession = SignedDocument.Read(envelope, PayloadTypes.Succession, TrustJson.Default.Succession);
        SignedDocument.RequireVersion(succession.V, "succession");
        SignedDocument.RequireFleet(succession.Fleet, record.Fleet, "succession");
        if (succession.Node != record.Node || succession.Previous is null || succession.Next is null)
            throw new TrustFormatException($"succession: of '{succession.Node}', or without its keys; expected '{record.Node}'");
        if (!succession.Previous.Equals(record.IdentityKey))
            throw new TrustFormatException($"succession: of a key that '{record.Node}' no longer has");
        if (succession.Next.Equals(succession.Previous)) throw new TrustFormatException("succession: the next key is the old one");
        SignedDocument.RequireSigner(envelope, PayloadTypes.Succession, [succession.Previous], "succession", "key that it ends");
        SignedDocument.RequireSigner(envelope, PayloadTypes.Succession, [succession.Next], "succession", "key that it begins");
        return succession;
    }

    /// <summary>The node that an envelope claims to be of, before any verification; null when it claims none.</summary>
    public static NodeName? ClaimedNode(Envelope envelope)
    {
        try
        {
            return SignedDocument.Read(envelope, PayloadTypes.Succession, TrustJson.Default.Succession).Node is { Value: not null } node
                ? node
                : null;
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }
}
