using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.Node.Carry;

/// <summary>What a carried proof is worth.</summary>
public abstract record CarryVerdict
{
    private CarryVerdict() { }

    /// <summary>It holds, and the line may be accepted. Nothing was kept yet.</summary>
    /// <param name="Trust">What is to be trusted from now on.</param>
    /// <param name="NewRoots">Trust roots that were not known.</param>
    /// <param name="Own">The site's own record: where to dial, and with which key.</param>
    /// <param name="Checkpoint">The verified checkpoint.</param>
    /// <param name="Next">What <see cref="Acceptance"/> made of the line.</param>
    public sealed record Holds(TrustState Trust, IReadOnlyList<Envelope> NewRoots, SignedRecord Own, VerifiedCheckpoint Checkpoint,
        AcceptResult.Accepted Next) : CarryVerdict;

    /// <summary>It does not; nothing changes. Says why and what to do.</summary>
    public sealed record Refused(string Reason) : CarryVerdict;
}

/// <summary>
/// A carried proof is judged by the rules of a link: walk the trust chain, verify the hub, the beacon and the checkpoint, and let
/// <see cref="Acceptance"/> decide. That it was sealed to this site proves nothing: anyone can seal.
/// </summary>
public static class CarryCheck
{
    /// <param name="proof">As it came.</param>
    /// <param name="trust">What the site trusts now.</param>
    /// <param name="accepted">What it has accepted.</param>
    /// <param name="site">Which site it is.</param>
    /// <param name="identities">Its identity key, and the next one while a succession is under way.</param>
    public static CarryVerdict Judge(CarryProof proof, TrustState trust, AcceptedLine accepted, SiteId site,
        IReadOnlyCollection<PublicKey> identities)
    {
        try
        {
            var next = trust.WithChain(proof.TrustRoots).WithBeacon(proof.Beacon);
            if (Untrusted(proof, next, site, identities) is { } reason) return new CarryVerdict.Refused(reason);
            var checkpoint = VerifiedCheckpoint.Verify(proof.Checkpoint, next.Root);
            return Acceptance.Accept(accepted, site, checkpoint, proof.Line) switch
            {
                AcceptResult.Accepted holds => new CarryVerdict.Holds(next, NewerThan(trust, proof.TrustRoots),
                    new SignedRecord(NodeRecord.Verify(proof.SiteRecord, next.Root), proof.SiteRecord), checkpoint, holds),
                AcceptResult.Refused { Code: RefusalCode.Rollback } refused => new CarryVerdict.Refused(
                    $"this stick is older than what this site has: {refused.Reason}; nothing was changed. Export again for a newer one"),
                AcceptResult.Refused refused => new CarryVerdict.Refused($"{refused.Code}: {refused.Reason}"),
                var other => throw new InvalidOperationException($"unknown result {other}"),
            };
        }
        catch (TrustFormatException e)
        {
            return new CarryVerdict.Refused($"its signatures do not hold here ({e.Message}); nothing was changed; if the fleet's keys "
                + "changed since it was made, export again");
        }
    }

    private static string? Untrusted(CarryProof proof, TrustState trust, SiteId site,
        IReadOnlyCollection<PublicKey> identities)
    {
        var hub = NodeRecord.Verify(proof.HubRecord, trust.Root);
        if (hub.Kind != NodeKind.Hub || hub.State != RecordState.Active || trust.IsRevoked(hub.IdentityKey))
            return $"'{hub.Node}' is not the hub";
        var own = NodeRecord.Verify(proof.SiteRecord, trust.Root);
        if (own.Kind != NodeKind.Site || own.Node.Value != site.Value) return $"it is for {own.Node}, and this is site {site}";
        if (!identities.Contains(own.IdentityKey))
            return $"site {site} was enrolled anew since this machine joined, with other keys: this machine is not the site any more";
        return own.State != RecordState.Active || trust.IsRevoked(own.IdentityKey) ? $"site {site} was revoked" : null;
    }

    private static List<Envelope> NewerThan(TrustState trust, IReadOnlyList<Envelope> roots) =>
        [.. roots.Where(root => TrustRoot.Parse(root).Version > trust.Root.Version)];
}
