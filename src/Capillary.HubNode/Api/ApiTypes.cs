using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Api;

/// <summary>A release in a listing.</summary>
internal sealed record ReleaseView(long Release, string Commit, string Subject, string Author, DateTimeOffset CommittedAt,
    DateTimeOffset ReleasedAt,
    int Changed, IReadOnlyList<string> Waves)
{
    public static ReleaseView Of(ReleaseSummary release) =>
        new(release.Number, release.Commit.Id, release.Commit.Subject, release.Commit.Author,
        release.Commit.At, release.MadeAt, release.Changed, release.Waves);
}

/// <summary>One site of a release against the one before; no bundle: no longer declared.</summary>
internal sealed record ReleaseSiteView(string Site, string? Region, string? Bundle);

internal sealed record ReleaseDetail(ReleaseView Summary, IReadOnlyList<ReleaseSiteView> Changes);

/// <summary>A region and how many sites of each state it has.</summary>
/// <param name="Region">Its name.</param>
/// <param name="Enrolled">A node of it has a record that counts.</param>
/// <param name="Sites">How many sites it has.</param>
/// <param name="States">How many of each state.</param>
/// <param name="Linked">A node of it is linked to this hub now.</param>
/// <param name="LinkSince">Since when it is, or is not; null: not enrolled.</param>
/// <param name="Addresses">Where its sites dial; empty: where each was told to.</param>
/// <param name="Key">The key of its node; null: not enrolled.</param>
internal sealed record RegionView(string Region, bool Enrolled, int Sites, IReadOnlyDictionary<string, int> States, bool Linked,
    DateTimeOffset? LinkSince, IReadOnlyList<string> Addresses, KeyView? Key);

internal sealed record FailedCommitView(string Commit, string Subject, string Author, DateTimeOffset SeenAt, bool IsNewest,
    JsonElement Diagnostics);

/// <summary>The hub at a glance.</summary>
internal sealed record StatusView(string Fleet, DateTimeOffset At, long Generation, long Release, string? Commit, int Sites,
    IReadOnlyDictionary<string, int> States, int Orphaned, int Unacknowledged, int Links, RolloutView Rollout,
        FailedCommitView? LastFailedCommit,
    IReadOnlyList<HubCondition> Conditions, IReadOnlyList<string> RegionsNotLinked, int Waiting, int Undeclared, int MovesPending,
    int EventsMissing);

internal sealed record JournalView(long Seq, DateTimeOffset At, string Actor, string Action, JsonElement? Before, JsonElement? After,
    string Hash);

/// <summary>The newest entries, and the first that the hash chain does not lead to.</summary>
internal sealed record JournalPage(bool Intact, long? FirstBroken, IReadOnlyList<JournalView> Entries);

/// <summary>An event of a site; of type <c>dropped</c>, the numbers from first to last are lost and the text says why.</summary>
internal sealed record EventView(long Id, string Site, long Incarnation, long First, long Last, DateTimeOffset At,
    DateTimeOffset ReceivedAt, string Type, string? App, string? Text, JsonElement? Data);

/// <summary>What may be asked of a join code.</summary>
/// <param name="Parents">Where the node dials; null: as declared.</param>
/// <param name="LifetimeMinutes">1 to 43,200; null: a day.</param>
/// <param name="Node">A region: the name of a further node of it; null: its first.</param>
/// <param name="Platform"><c>host</c> or <c>kubernetes</c>: no code for a site of the other one; null: any.</param>
/// <param name="NeedsParents">No code where nothing says where the node dials: a join file has to say it.</param>
internal sealed record EnrollWish(IReadOnlyList<string>? Parents, int? LifetimeMinutes, string? Node = null, bool? NeedsParents = null,
    string? Platform = null);

/// <summary>A join code and all that stands in a join file.</summary>
internal sealed record JoinCodeView(string Code, DateTimeOffset ExpiresAt, string Fleet, string Node, string Kind,
    IReadOnlyList<string> Parents,
    string TrustRoot);

internal sealed record OperatorWish(string? Name, string? Role);

/// <summary>A new operator; the token is shown this once.</summary>
internal sealed record OperatorView(string Name, string Role, string Token);

/// <summary>RFC 9457, with what to do next.</summary>
internal sealed record Problem(string Type, string Title, int Status, string Detail, string? Hint);

internal static class ApiJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        MaxDepth = 16,
    };

    /// <summary>Where a value that must be there is missing or null, it is no such JSON.</summary>
    public static JsonSerializerOptions Strict { get; } = new(Options)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };
}
