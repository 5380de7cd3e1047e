using System.Security.Cryptography;
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

    /// <summary>Why not, and what to do.</summary>
    public sealed record Failed(string Reason) : JoinOutcome;
}

/// <summary>
/// The joining node's side of enrollment: proves the join code both ways and keeps the record (DESIGN section 6, docs/link-protocol.md).
/// </summary>
public static class Joining
{
    public static async Task<JoinOutcome> JoinAsync(NodeHome home, JoinFile file, CancellationToken stop)
    {
        if (home.HasJoined)
            return new JoinOutcome.Failed($"{home.Folder}: this node has joined already; use another --data folder for another node");
        var reasons = new List<string>();
        foreach (var parent in file.Parents)
        {
            try
            {
                return await JoinAsync(home, file, parent, stop);
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

    private static async Task<JoinOutcome> JoinAsync(NodeHome home, JoinFile file, string parent, CancellationToken stop)
    {
        using var identity = home.LoadKey();
        using var connection = new LinkConnection(JoinFile.ParseAddress(parent, "join file"), identity, file.Proxy);
        if ((await connection.AskFleetAsync(stop)).Fleet is { } fleet && fleet != file.Fleet)
            return new JoinOutcome.Failed($"{parent} serves fleet '{fleet}', and the join file is of fleet '{file.Fleet}'");
        var code = JoinCode.Parse(file.Code);
        var request = new EnrollRequest(1, file.Node, file.Kind, code.Id(file.Fleet), identity.Public,
            RandomNumberGenerator.GetBytes(EnrollmentTranscript.NonceBytes));
        var offer = await connection.EnrollAsync(request, stop);
        if (offer.Error is { } refused) return new JoinOutcome.Failed($"the hub refused: {refused}");
        if (offer is not { TrustRoots.Count: > 0, HubRecord: not null, HubNonce: not null, Proof: not null })
            return new JoinOutcome.Failed("the parent's answer lacks a member");
        if (offer.TrustRoots[0].Digest != file.TrustRoot)
            return new JoinOutcome.Failed($"{parent} does not lead to the hub that made the join file: it shows trust root "
                + $"{offer.TrustRoots[0].Digest}, the file names {file.TrustRoot}; if the hub was made anew, make a new join file");
        var first = TrustChain.Begin(offer.TrustRoots[0], file.TrustRoot);
        var root = TrustChain.Extend(first, offer.TrustRoots);
        var hub = NodeRecord.Verify(offer.HubRecord, root);
        var transcript = new EnrollmentTranscript(file.Fleet, file.Node, file.Kind, identity.Public, hub.IdentityKey, file.TrustRoot,
            request.Nonce, offer.HubNonce);
        var key = EnrollmentTranscript.KeyOf(code, file.Fleet);
        if (!EnrollmentTranscript.Same(offer.Proof, transcript.HubProof(key)))
            return new JoinOutcome.Failed("the other side does not know the join code; it is not your hub");
        var answer = await connection.EnrollAsync(request with { HubNonce = offer.HubNonce, Proof = transcript.NodeProof(key) }, stop);
        if (answer is not { Error: null, Record: { } envelope })
            return new JoinOutcome.Failed($"the hub refused: {answer.Error ?? "no record"}");
        return Keep(home, file, NodeRecord.Verify(envelope, root), envelope, offer.TrustRoots, identity.Public);
    }

    private static JoinOutcome Keep(NodeHome home, JoinFile file, NodeRecord record, Envelope envelope, IReadOnlyList<Envelope> roots,
        PublicKey key)
    {
        if (record.Node != file.Node || record.Kind != file.Kind || !record.IdentityKey.Equals(key) || record.Region is not { } region)
            return new JoinOutcome.Failed("the hub's record is of another node");
        home.KeepJoined(new NodeSettings(1, file.Fleet, file.Node, file.Kind, region, file.Parents, record.Version, file.Proxy),
            envelope, roots);
        return new JoinOutcome.Joined(record);
    }
}
