using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.Node.Child;

/// <summary>What a tier does with what its parent sends. Each returns when the thing is durable; the session waits for it.</summary>
/// <param name="Hello">What to say of itself.</param>
/// <param name="KeepTrust">Newer trust.</param>
/// <param name="Lines">Lines under a verified checkpoint.</param>
/// <param name="Records">Verified records, this node's own among them: the items, whether they begin a whole set, whether they end
/// it.</param>
/// <param name="Alive">A region: the sites whose links live, told with each heartbeat; a site: none.</param>
/// <param name="Live">The link is live or is so no longer.</param>
public sealed record ChildHandlers(
    Func<ChildHello> Hello,
    Action<TrustState, IReadOnlyList<Envelope>> KeepTrust,
    Action<VerifiedCheckpoint, IReadOnlyList<ProvenLine>, bool> Lines,
    Action<IReadOnlyList<SignedRecord>, bool, bool> Records,
    Func<IReadOnlyList<SiteId>> Alive,
    Action<LinkStatus> Live)
{
    /// <summary>A region: the records it holds, when a restored hub asks for them; a site: none.</summary>
    public Func<IReadOnlyList<Envelope>> AllRecords { get; init; } = () => [];

    /// <summary>A region: the signs of copied keys that it saw, told when there are new ones; a site: none.</summary>
    public Func<IReadOnlyList<CloneSighting>> Clones { get; init; } = () => [];

    /// <summary>The hub keeps a site's events up to a number.</summary>
    public Action<ChildOutput.EventsKept> EventsKept { get; init; } = _ => { };
}

/// <summary>How the link to the parent stands.</summary>
/// <param name="IsLive">A session is live.</param>
/// <param name="Since">Since when.</param>
/// <param name="Problem">Why not; null while live or before the first try.</param>
public sealed record LinkStatus(bool IsLive, DateTimeOffset Since, string? Problem);

/// <summary>What became of a fetch.</summary>
public abstract record FetchOutcome
{
    private FetchOutcome() { }

    /// <summary>All blobs are here, durably.</summary>
    public sealed record Complete : FetchOutcome;

    /// <summary>Not now: no live link, or it was cut. Try again when it is live.</summary>
    public sealed record Unavailable(string Reason) : FetchOutcome;

    /// <summary>The parent serves wrong bytes, or none by that name.</summary>
    public sealed record Bad(Digest Blob, string Reason) : FetchOutcome;

    /// <summary>This disk takes no more.</summary>
    public sealed record DiskFull(string Reason) : FetchOutcome;
}
