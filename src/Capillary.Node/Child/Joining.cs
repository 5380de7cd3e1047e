using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Hosting;
using Capillary.Node.Links;

namespace Capillary.Node.Child;

/// <summary>What became of a try to join.</summary>
public abstract record JoinOutcome
{
    private JoinOutcome() { }

    public sealed record Joined(NodeRecord Record) : JoinOutcome;

    /// <summary>The join code was proven, and an operator has yet to approve; join again with the same folder until then.</summary>
    public sealed record Waiting(NodeName Node) : JoinOutcome;

    /// <summary>Why not, and what to do.</summary>
    public sealed record Failed(string Reason) : JoinOutcome;
}

/// <summary>What a node that joins was told.</summary>
/// <param name="Kind">Region or site.</param>
/// <param name="Parents">Addresses, 1 to 16.</param>
/// <param name="Code">The join code.</param>
/// <param name="Proxy">What its network demands; null: none.</param>
/// <param name="Node">Its name; null: as the code says.</param>
/// <param name="Fleet">Its fleet; null: as the parent says, if it proves to know the code.</param>
/// <param name="TrustRoot">Digest of the trust root of version 1; null: as the parent says, if it proves to know the code.</param>
public sealed record JoinTarget(NodeKind Kind, IReadOnlyList<string> Parents, JoinCode Code, ProxySettings? Proxy = null,
    NodeName? Node = null, FleetName? Fleet = null, Digest? TrustRoot = null)
{
    /// <exception cref="FormatException">The file's code has a typing error.</exception>
    public static JoinTarget Of(JoinFile file) =>
        new(file.Kind, file.Parents, JoinCode.Parse(file.Code), file.Proxy, file.Node, file.Fleet, file.TrustRoot);
}

/// <summary>
/// The joining node's side of enrollment: proves the join code both ways and keeps the record (DESIGN section 6, docs/link-protocol.md).
/// The hub's proof covers fleet, name, keys and trust root, so a code and an address are all that must be typed.
/// </summary>
public static class Joining
{
    /// <summary>One try; joins that wait for approval are tried again with the same folder.</summary>
    public static async Task<JoinOutcome> JoinAsync(NodeHome home, JoinTarget target, CancellationToken stop)
    {
        if (home.HasJoined)
            return new JoinOutcome.Failed($"{home.Folder}: this node has joined already; use another --data folder for another node");
        var reasons = new List<string>();
        foreach (var parent in target.Parents)
        {
            try
            {
                return await JoinAsync(home, target, parent, stop);
            }
            catch (HttpRequestException e)
            {
                reasons.Add($"{parent}: {e.Message}");
            }
            catch (Exception e) when (e is TrustFormatException or ProtocolException or FormatException)
            {
                return new JoinOutcome.Failed($"{parent}: {e.Message}");
            }
        }
        return new JoinOutcome.Failed($"no parent could be reached: {string.Join("; ", reasons)}");
    }

    private static async Task<JoinOutcome> JoinAsync(NodeHome home, JoinTarget target, string parent, CancellationToken stop)
    {
        using var identity = home.LoadKey();
        using var sealing = home.LoadSealingKey();
        using var connection = new LinkConnection(JoinFile.ParseAddress(parent, "join"), identity);
        if ((await connection.AskFleetAsync(stop)).Fleet is not { } fleet)
            return new JoinOutcome.Failed($"{parent} does not say which fleet it serves");
        if (target.Fleet is { } expected && fleet != expected)
            return new JoinOutcome.Failed($"{parent} serves fleet '{fleet}', and the join file is of fleet '{expected}'");
        var request = new EnrollRequest(1, target.Kind, target.Code.Id(fleet), identity.Public, sealing.Public,
            RandomNumberGenerator.GetBytes(EnrollmentTranscript.NonceBytes), target.Node);
        var offer = await connection.EnrollAsync(request, stop);
        if (offer.Error is { } refused) return new JoinOutcome.Failed($"the hub refused: {refused}");
        if (offer is not { TrustRoots.Count: > 0, HubRecord: not null, HubNonce: not null, Proof: not null,
            Node: { Value: not null } node })
            return new JoinOutcome.Failed("the parent's answer lacks a member");
        if (target.TrustRoot is { } pinned && offer.TrustRoots[0].Digest != pinned)
            return new JoinOutcome.Failed($"{parent} does not lead to the hub that made the join file: it shows trust root "
                + $"{offer.TrustRoots[0].Digest}, the file names {pinned}; if the hub was made anew, make a new join file");
        var root = TrustChain.Extend(TrustChain.Begin(offer.TrustRoots[0]), offer.TrustRoots);
        var hub = NodeRecord.Verify(offer.HubRecord, root);
        var transcript = new EnrollmentTranscript(fleet, node, target.Kind, identity.Public, sealing.Public, hub.IdentityKey,
            offer.TrustRoots[0].Digest, request.Nonce, offer.HubNonce);
        var key = EnrollmentTranscript.KeyOf(target.Code, fleet);
        if (!EnrollmentTranscript.Same(offer.Proof, transcript.HubProof(key)))
            return new JoinOutcome.Failed("the other side does not know the join code; it is not your hub");
        var proven = request with { Node = node, HubNonce = offer.HubNonce, Proof = transcript.NodeProof(key) };
        var answer = await connection.EnrollAsync(proven, stop);
        if (answer is { Error: null, Waiting: true }) return new JoinOutcome.Waiting(node);
        if (answer is not { Error: null, Record: { } envelope })
            return new JoinOutcome.Failed($"the hub refused: {answer.Error ?? "no record"}");
        return Keep(home, target, proven, NodeRecord.Verify(envelope, root), envelope, offer.TrustRoots);
    }

    private static JoinOutcome Keep(NodeHome home, JoinTarget target, EnrollRequest asked, NodeRecord record, Envelope envelope,
        IReadOnlyList<Envelope> roots)
    {
        if (record.Node != asked.Node || record.Kind != asked.Kind || !record.IdentityKey.Equals(asked.Key)
            || record.Region is not { } region)
            return new JoinOutcome.Failed("the hub's record is of another node");
        home.KeepJoined(new NodeSettings(1, record.Fleet, record.Node, record.Kind, region, target.Parents, record.Version,
            target.Proxy), envelope, roots);
        return new JoinOutcome.Joined(record);
    }
}
