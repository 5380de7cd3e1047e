using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Core.Trust;

/// <summary>One assignment with the proof that it stands in a checkpoint.</summary>
/// <param name="Leaf">The assignment's exact bytes.</param>
/// <param name="Index">Its place among the leaves.</param>
/// <param name="Path">RFC 6962 audit path.</param>
public sealed record ProvenLine(byte[] Leaf, [property: JsonRequired] long Index, IReadOnlyList<byte[]> Path);

/// <summary>A checkpoint whose signature was verified, with the envelope it came in.</summary>
public sealed record VerifiedCheckpoint(Checkpoint Checkpoint, Envelope Envelope)
{
    public Digest Digest { get; } = Envelope.Digest;

    /// <exception cref="TrustFormatException">No release key of <paramref name="root"/> signed it.</exception>
    public static VerifiedCheckpoint Verify(Envelope envelope, TrustRoot root) => new(Checkpoint.Verify(envelope, root), envelope);
}

/// <summary>What one site has accepted so far; durable at the site before it acts on it.</summary>
/// <param name="Generation">Highest generation accepted; 0 at first.</param>
/// <param name="Checkpoint">Digest of that generation's checkpoint.</param>
/// <param name="Since">Highest `since` accepted; 0 at first.</param>
/// <param name="Leaf">The line accepted with it, as received.</param>
public sealed record AcceptedLine(long Generation, Digest? Checkpoint, long Since, byte[]? Leaf)
{
    public static AcceptedLine None { get; } = new(0, null, 0, null);

    /// <summary>The line itself, or null at first.</summary>
    [JsonIgnore]
    public Assignment? Assignment => Leaf is null ? null : Trust.Assignment.Parse(Leaf);
}

/// <summary>What became of an offered line.</summary>
public abstract record AcceptResult
{
    private AcceptResult() { }

    /// <summary>
    /// It holds. The site acts only when <paramref name="Acts"/> (its `since` grew), after <paramref name="State"/> is durable.
    /// </summary>
    public sealed record Accepted(AcceptedLine State, Assignment Assignment, bool Acts) : AcceptResult;

    /// <summary>It does not hold; nothing changes.</summary>
    public sealed record Refused(RefusalCode Code, string Reason) : AcceptResult;
}

/// <summary>Why a line was refused.</summary>
public enum RefusalCode
{
    /// <summary>Proof, fleet or site do not fit.</summary>
    NotForThisSite,

    /// <summary>Older than what the site accepted before.</summary>
    Rollback,

    /// <summary>Two different documents claim the same number.</summary>
    Equivocation,
}

/// <summary>
/// Promise 1: a site applies only what the hub signed for that site, and generations never go back. The only way into
/// <see cref="AcceptedLine"/>.
/// </summary>
public static class Acceptance
{
    public static AcceptResult Accept(AcceptedLine state, SiteId site, VerifiedCheckpoint offered, ProvenLine line)
    {
        var checkpoint = offered.Checkpoint;
        if (checkpoint.Generation < state.Generation)
            return Refuse(RefusalCode.Rollback, $"generation {checkpoint.Generation} is older than accepted generation {state.Generation}");
        if (checkpoint.Generation == state.Generation && offered.Digest != state.Checkpoint)
            return Refuse(RefusalCode.Equivocation, $"two checkpoints of one generation: {state.Checkpoint}, {offered.Digest}");
        if (line.Leaf is null || line.Path is null
            || !MerkleTree.Verify(MerkleTree.HashLeaf(line.Leaf), line.Index, checkpoint.Size, line.Path, checkpoint.Root))
            return Refuse(RefusalCode.NotForThisSite, $"the proof does not lead to the root of generation {checkpoint.Generation}");
        return AcceptProven(state, site, offered, line.Leaf);
    }

    private static AcceptResult AcceptProven(AcceptedLine state, SiteId site, VerifiedCheckpoint offered, byte[] leaf)
    {
        var checkpoint = offered.Checkpoint;
        Assignment assignment;
        try
        {
            assignment = Assignment.Parse(leaf);
        }
        catch (TrustFormatException e)
        {
            return Refuse(RefusalCode.NotForThisSite, e.Message);
        }
        if (assignment.Site != site || assignment.Fleet != checkpoint.Fleet)
            return Refuse(RefusalCode.NotForThisSite, $"the line is for site '{assignment.Site}' of fleet '{assignment.Fleet}'");
        if (assignment.Since > checkpoint.Generation)
            return Refuse(RefusalCode.NotForThisSite, $"since {assignment.Since} lies after generation {checkpoint.Generation}");
        if (assignment.Since < state.Since)
            return Refuse(RefusalCode.Rollback, $"since {assignment.Since} is older than accepted since {state.Since}");
        if (assignment.Since == state.Since && !leaf.AsSpan().SequenceEqual(state.Leaf))
            return Refuse(RefusalCode.Equivocation, $"two lines of since {state.Since}");
        var next = new AcceptedLine(checkpoint.Generation, offered.Digest, assignment.Since, leaf);
        return new AcceptResult.Accepted(next, assignment, Acts: assignment.Since > state.Since);
    }

    private static AcceptResult.Refused Refuse(RefusalCode code, string reason) => new(code, reason);
}
