using System.Text.Json.Serialization;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;

namespace Capillary.HubNode.Observe;

/// <summary>What a site runs, or is to run: in which generation it was said, which bundle, and the commit it comes from.</summary>
internal sealed record RunView(long? Generation, string? Bundle, string? Commit);

/// <summary>One site in a listing. The top-level generation, bundle and commit are what it last said it runs; <c>null</c> when nothing is
/// known.</summary>
/// <param name="Site">Its name.</param>
/// <param name="Region">Its region.</param>
/// <param name="State">The state people see, by the order of <see cref="SiteState"/>.</param>
/// <param name="Since"><c>since</c> of the line it last said to have accepted.</param>
/// <param name="Generation">The generation under which what it runs was applied.</param>
/// <param name="Bundle">The bundle it runs.</param>
/// <param name="Commit">The commit that bundle was released with.</param>
/// <param name="Desired">What it is to run.</param>
/// <param name="AgeSeconds">How long ago it was heard of over a link; null: never.</param>
/// <param name="Orphaned">Its file was deleted; it keeps its line.</param>
/// <param name="Unacknowledged">It was heard of long after its line was offered, and has not accepted that line: something withholds
/// it.</param>
/// <param name="HeardAt">When it was last heard of: an offline site left then.</param>
/// <param name="LinkProblem">Why nothing newer can be known: its region is not linked, since when.</param>
/// <param name="Life"><c>retiring</c>, <c>returning</c> (a retirement was called off), <c>renewing</c> (new hardware), or null.</param>
/// <param name="MovePending">The region that its file stands in, when its record says another.</param>
/// <param name="CarriedAt">When what it last said came in on a stick; null when it came over a link. It does not count as heard of.</param>
/// <param name="KeyCopied">A sign stands that its key was copied; says nothing of its state.</param>
/// <param name="EventsMissing">Its reports number events that did not come for long: something between withholds them.</param>
/// <param name="Held">Which holds keep it from applying, since when and why, as it says; null: none.</param>
/// <param name="HoldOverdue">A hold of it is past its max: an operator may override it.</param>
internal sealed record SiteView(string Site, string Region, SiteState State, long? Since, long? Generation, string? Bundle, string? Commit,
    RunView Desired, long? AgeSeconds, bool Orphaned, bool Unacknowledged, DateTimeOffset? HeardAt, string? LinkProblem, string? Life,
    string? MovePending, DateTimeOffset? CarriedAt, bool KeyCopied, bool EventsMissing, string? Held, bool HoldOverdue);

/// <summary>One site with all that is known of it.</summary>
internal sealed record SiteDetail(
    [property: JsonPropertyName("summary")] SiteView Summary,
    string? Fallback,
    string? Reason,
    ReportPhase? Phase,
    long? AcceptedGeneration,
    DateTimeOffset? ReportedAt,
    string? Agent,
    IReadOnlyList<AppHealth> Apps,
    IReadOnlyList<Condition> Conditions,
    string? IdentityKey,
    long? RecordVersion,
    KeyView? Key);

/// <summary>A node's identity key.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Since">When the hub first named it.</param>
/// <param name="AgeSeconds">How old it is by the hub's clock.</param>
/// <param name="Previous">Id of the key it succeeded; null: none.</param>
/// <param name="SuccessionSince">Since when the node is asked for a new one; null: it is not.</param>
/// <param name="Copies">Signs that it, or one before it, was copied.</param>
internal sealed record KeyView(string Id, DateTimeOffset? Since, long? AgeSeconds, string? Previous, DateTimeOffset? SuccessionSince,
    IReadOnlyList<CopyView> Copies);

/// <summary>A sign of a copied key.</summary>
internal sealed record CopyView(string KeyId, CloneSign Sign, string SeenBy, long Count, DateTimeOffset FirstAt, DateTimeOffset LastAt);
