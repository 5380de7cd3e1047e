using System.Text.Json.Serialization;
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
/// <param name="AgeSeconds">How old this knowledge is; null when the site was never heard of.</param>
/// <param name="Orphaned">Its file was deleted; it keeps its line.</param>
/// <param name="Unacknowledged">It was heard of long after its line was offered, and has not accepted that line: something withholds
/// it.</param>
/// <param name="HeardAt">When it was last heard of: an offline site left then.</param>
/// <param name="LinkProblem">Why nothing newer can be known: its region is not linked, since when.</param>
/// <param name="Life"><c>retiring</c>, <c>returning</c> (a retirement was called off), <c>renewing</c> (new hardware), or null.</param>
/// <param name="MovePending">The region that its file stands in, when its record says another.</param>
internal sealed record SiteView(string Site, string Region, SiteState State, long? Since, long? Generation, string? Bundle, string? Commit,
    RunView Desired, long? AgeSeconds, bool Orphaned, bool Unacknowledged, DateTimeOffset? HeardAt, string? LinkProblem, string? Life,
    string? MovePending);

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
    long? RecordVersion);
