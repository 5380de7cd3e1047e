using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Publish;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A commit of the fleet repository, as people name it.</summary>
internal sealed record CommitInfo(string Id, string Subject, string Author, DateTimeOffset At);

/// <summary>What one commit compiled to.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Commit">The commit.</param>
/// <param name="MadeAt">When it became a release.</param>
/// <param name="Policies">How it is rolled out.</param>
/// <param name="Regions">Regions it declares.</param>
/// <param name="Sites">What it gives each declared site.</param>
internal sealed record Release(long Number, CommitInfo Commit, DateTimeOffset MadeAt, PolicySet Policies,
    IReadOnlyList<string> Regions, ImmutableDictionary<SiteId, ReleasedSite> Sites)
{
    public TargetRelease Target => new(Number, Policies, Sites);

    /// <summary>What it says of regions beside their sites.</summary>
    public IReadOnlyDictionary<string, RegionTerms> Terms { get; init; } = new Dictionary<string, RegionTerms>();

    /// <summary>What it says of one region.</summary>
    public RegionTerms TermsOf(RegionId region) => Terms.GetValueOrDefault(region.Value) ?? RegionTerms.Default;
}

/// <summary>A release without its sites.</summary>
internal sealed record ReleaseSummary(long Number, CommitInfo Commit, DateTimeOffset MadeAt, IReadOnlyList<string> Waves,
    IReadOnlyList<string> Regions, int Changed);

/// <summary>One site of a release against the release before; <paramref name="Now"/> is null when the site is no longer declared.</summary>
internal sealed record ReleaseChange(SiteId Site, ReleasedSite? Now);

/// <summary>A commit that did not compile.</summary>
internal sealed record FailedCommit(CommitInfo Commit, DateTimeOffset SeenAt, string DiagnosticsJson);

internal static class ReleaseTables
{
    private const string SiteColumns = "site, bundle, region, kubernetes, choices, zone";

    private const string Columns = "SELECT number, commit_id, subject, author, committed_at, made_at, waves, regions, changed FROM "
        + "releases";

    public static void Add(SqliteConnection db, Release release, IReadOnlyList<ReleaseChange> changes)
    {
        db.Execute("INSERT INTO releases VALUES($n, $commit, $subject, $author, $committed, $made, $waves, $regions, $changed, "
            + "$terms, $policies)",
            ("$n", release.Number), ("$commit", release.Commit.Id), ("$subject", release.Commit.Subject),
                ("$author", release.Commit.Author),
            ("$committed", release.Commit.At), ("$made", release.MadeAt), ("$waves", JsonSerializer.Serialize(WavesOf(release.Policies))),
            ("$regions", JsonSerializer.Serialize(release.Regions)), ("$changed", changes.Count),
            ("$terms", JsonSerializer.Serialize(release.Terms)), ("$policies", release.Policies.ToJson()));
        db.ExecuteMany("INSERT INTO release_sites VALUES($site, $release, $bundle, $region, 0, $kubernetes, $choices, $zone)",
            ["$site", "$release", "$bundle", "$region", "$kubernetes", "$choices", "$zone"], changes, change =>
            [
                change.Site.Value, release.Number, change.Now?.Bundle.Text, change.Now?.Region.Value,
                change.Now?.Platform == SitePlatform.Kubernetes ? 1 : 0, change.Now?.Choices.Text ?? "", change.Now?.TimeZone,
            ]);
    }

    private static IEnumerable<string> WavesOf(PolicySet policies) => policies.Of(policies.DefaultName).Waves.Select(wave => wave.Name);

    public static ReleaseSummary? Find(SqliteConnection db, long number) =>
        db.Query($"{Columns} WHERE number = $n", ReadSummary, ("$n", number)).SingleOrDefault();

    /// <summary>Newest first.</summary>
    public static List<ReleaseSummary> List(SqliteConnection db, int limit) =>
        db.Query($"{Columns} ORDER BY number DESC LIMIT $limit", ReadSummary, ("$limit", limit));

    public static List<ReleaseChange> Changes(SqliteConnection db, long number) =>
        db.Query($"SELECT {SiteColumns} FROM release_sites WHERE release = $n ORDER BY site", ReadChange, ("$n", number));

    /// <summary>The newest release whole; null before the first.</summary>
    public static Release? Newest(SqliteConnection db) => List(db, 1).SingleOrDefault() is { } found ? Whole(db, found) : null;

    /// <summary>An older release whole; null when there is none of this number.</summary>
    public static Release? At(SqliteConnection db, long number) => Find(db, number) is { } found ? Whole(db, found) : null;

    private static Release Whole(SqliteConnection db, ReleaseSummary found)
    {
        // SQLite takes the other columns from the row of the MAX.
        var sites = db.Query($"SELECT {SiteColumns}, MAX(release) FROM release_sites WHERE release <= $n GROUP BY site", ReadChange,
            ("$n", found.Number)).Where(change => change.Now is not null)
            .ToImmutableDictionary(change => change.Site, change => change.Now!);
        var (terms, policies) = db.Query("SELECT terms, policies FROM releases WHERE number = $n",
            row => (row.GetString(0), row.GetString(1)), ("$n", found.Number)).Single();
        return new(found.Number, found.Commit, found.MadeAt, PolicySet.FromJson(policies), found.Regions, sites)
        {
            Terms = JsonSerializer.Deserialize<Dictionary<string, RegionTerms>>(terms) ?? [],
        };
    }

    public static void AddFailed(SqliteConnection db, FailedCommit failed) =>
        db.Execute("INSERT INTO failed_commits VALUES(NULL, $commit, $subject, $author, $committed, $seen, $diagnostics)",
            ("$commit", failed.Commit.Id), ("$subject", failed.Commit.Subject), ("$author", failed.Commit.Author),
            ("$committed", failed.Commit.At), ("$seen", failed.SeenAt), ("$diagnostics", failed.DiagnosticsJson));

    public static FailedCommit? LastFailed(SqliteConnection db) =>
        db.Query("SELECT commit_id, subject, author, committed_at, seen_at, diagnostics FROM failed_commits ORDER BY seq DESC LIMIT 1",
            row => new FailedCommit(ReadCommit(row, 0), row.Time(4), row.GetString(5))).SingleOrDefault();

    private static CommitInfo ReadCommit(SqliteDataReader row, int at) =>
        new(row.GetString(at), row.GetString(at + 1), row.GetString(at + 2), row.Time(at + 3));

    private static ReleaseSummary ReadSummary(SqliteDataReader row) => new(row.GetInt64(0), ReadCommit(row, 1), row.Time(5),
        Names(row.GetString(6)), Names(row.GetString(7)), row.GetInt32(8));

    private static ReleaseChange ReadChange(SqliteDataReader row) => new(new SiteId(row.GetString(0)),
        row.IsDBNull(1) ? null : new ReleasedSite(Digest.Parse(row.GetString(1)), new RegionId(row.GetString(2)))
        {
            Platform = row.GetInt32(3) == 1 ? SitePlatform.Kubernetes : SitePlatform.Host,
            Choices = new SiteChoices(row.GetString(4)),
            TimeZone = row.TextOrNull(5),
        });

    private static string[] Names(string json) => JsonSerializer.Deserialize<string[]>(json) ?? [];
}
